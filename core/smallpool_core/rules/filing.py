"""Rules filed for one item at a time: it is checked only against those that could hold for it.

In: normal forms by pool; an item. Out: the pools whose rule holds for it. Each rule has a number and is filed, rank by rank, under
its anchors (`anchors.py`): keys of which a matching item has at least one. Under a key stand the numbers of its rules, as bits of
one integer where they are many: their union over the item's keys, intersected over the ranks, is what is left to check.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, cast

from smallpool_core.items import WideItem
from smallpool_core.rules.anchors import Key, Slot, Span, keys_of, plan
from smallpool_core.rules.expression import EVERYTHING, Expression, Scalar
from smallpool_core.rules.matcher import Predicate, predicate, reader

_RANKS = 3
"""A rule is filed under so many of its anchors: measured, see benchmarks/README.md."""
_FEW = 8
"""Up to so many rules under a key are a list of numbers: an integer has as many bits as there are rules."""
_Numbers = list[int] | int | None
_Read = Callable[[WideItem], object]
_BITS_OF = [tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256)]
_bytes_with_bits = re.compile(rb"[^\0]").finditer


class _Filed(NamedTuple):
    """A pool's rule: what of it the anchors leave to check, and the keys that it is filed under, by rank."""

    pool_id: str
    spans: tuple[Span, ...]
    holds: Predicate | None
    ranks: tuple[tuple[Key, ...], ...]


class _Shelf(NamedTuple):
    """The cells of one slot by value, each with rules by rank, and how the slot's values are read from an item."""

    read: Callable[[WideItem], Iterable[Scalar]]
    cells: dict[Scalar, list[_Numbers]]


class _Readings(dict[str, float | None]):
    """What an item has in the fields of spans, read when first asked for."""

    def __init__(self, item: WideItem, readers: dict[str, _Read]) -> None:
        super().__init__()
        self._item = item
        self._readers = readers

    def __missing__(self, field: str) -> float | None:
        self[field] = value = cast("float | None", self._readers[field](self._item))
        return value


class FiledRules:
    """Rules of pools by number. Not safe for threads."""

    def __init__(self) -> None:
        self._shelves: dict[Slot, _Shelf] = {}
        self._unanchored = [0] * _RANKS
        self._readers: dict[str, _Read] = {}
        self._numbers: dict[str, int] = {}
        self._filed: dict[int, _Filed] = {}
        self._vacant: list[int] = []

    def put(self, pool_id: str, normal: Expression) -> None:
        """File the rule of a pool that has none here: an untimed normal form in which `has_all` is spelled out."""
        anchors, spans, rest = plan(normal, _RANKS)
        for span in spans:
            self._readers.setdefault(span.field, reader(span.field, span.kind))
        number = self._vacant.pop() if self._vacant else len(self._filed)
        ranks = tuple(one.keys for one in anchors)
        self._numbers[pool_id] = number
        self._filed[number] = _Filed(pool_id, spans, None if rest == EVERYTHING else predicate(rest), ranks)
        for rank, keys in enumerate(ranks):
            for slot, value in keys:
                if slot not in self._shelves:
                    self._shelves[slot] = _Shelf(keys_of(slot), {})
                cell = self._shelves[slot].cells.setdefault(value, [None] * _RANKS)
                cell[rank] = _with(cell[rank], number)
        for rank in range(len(ranks), _RANKS):
            self._unanchored[rank] |= 1 << number

    def remove(self, pool_id: str) -> None:
        """Forget the rule of a pool that has one here."""
        number = self._numbers.pop(pool_id)
        ranks = self._filed.pop(number).ranks
        self._vacant.append(number)
        for rank, keys in enumerate(ranks):
            for slot, value in keys:
                cells = self._shelves[slot].cells
                cell = cells[value]
                cell[rank] = _without(cell[rank], number)
                if cell.count(None) == _RANKS:
                    del cells[value]
                if not cells:
                    del self._shelves[slot]
        for rank in range(len(ranks), _RANKS):
            self._unanchored[rank] ^= 1 << number

    def match(self, item: WideItem) -> list[str]:
        """The pools whose rule holds for the item, sorted by UTF-8 bytes."""
        readings = _Readings(item, self._readers)
        found: list[str] = []
        for number in self._candidates(item):
            pool_id, spans, holds, _ = self._filed[number]
            for field, _, low, high, or_missing in spans:
                value = readings[field]
                if not (or_missing if value is None else low <= value <= high):
                    break
            else:
                if holds is None or holds(item, 0):
                    found.append(pool_id)
        # Characters sort as their UTF-8 bytes do.
        found.sort()
        return found

    def _candidates(self, item: WideItem) -> list[int]:
        """Numbers of the rules that have one of the item's keys in each rank that they are filed in."""
        cells = [cell for read, at in self._shelves.values() for value in read(item) if (cell := at.get(value)) is not None]
        by_rank: Sequence[Sequence[_Numbers]] = list(zip(*cells, strict=True)) or [()] * _RANKS
        size = (len(self._filed) + len(self._vacant) + 7) // 8
        left = -1
        for unanchored, numbers in zip(self._unanchored, by_rank, strict=True):
            left &= _union(unanchored, numbers, size)
        kept = left.to_bytes(size, "little")
        return [(at.start() << 3) + bit for at in _bytes_with_bits(kept) for bit in _BITS_OF[kept[at.start()]]]


def _with(numbers: _Numbers, number: int) -> _Numbers:
    if isinstance(numbers, int):
        return numbers | 1 << number
    more = [*(numbers or ()), number]
    return more if len(more) <= _FEW else sum(1 << one for one in more)


def _without(numbers: _Numbers, number: int) -> _Numbers:
    if isinstance(numbers, int):
        return (numbers ^ 1 << number) or None
    return [one for one in numbers or () if one != number] or None


def _union(bits: int, numbers: Iterable[_Numbers], size: int) -> int:
    few: list[int] = []
    for some in numbers:
        if isinstance(some, int):
            bits |= some
        elif some is not None:
            few += some
    if few:
        # Set one by one in an array: an integer would be copied for each of them.
        set_bits = bytearray(size)
        for number in few:
            set_bits[number >> 3] |= 1 << (number & 7)
        bits |= int.from_bytes(set_bits, "little")
    return bits
