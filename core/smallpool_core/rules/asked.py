"""What rules ask of one field, answered for a whole batch of items at once.

In: leaves, each with a place; a batch. Out: at each leaf's place the items for which it holds, as bits of an integer: bit i is item i.
The batch is grouped by the field's value first: leaves on exact values and prefixes are found from the values that there are, and
a range is what two running unions over the sorted values differ in. So what a batch costs hardly depends on how many items it has.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, repeat
from operator import or_, xor
from typing import cast

from smallpool_core.fields import FieldKind
from smallpool_core.items import WideItem
from smallpool_core.rules.expression import Leaf, Scalar, values_of
from smallpool_core.rules.matcher import prefixes, reader
from smallpool_core.rules.ranges import bounds

Bits = int
_RANGES = frozenset({"lt", "lte", "gt", "gte", "between"})


class Asked:
    """The leaves on one field. No leaf is `within`, and none `has_all` of several values."""

    def __init__(self, field: str, kind: FieldKind) -> None:
        self._read = reader(field, kind)
        self._is_set = kind in (FieldKind.WORDS, FieldKind.KEYWORDS)
        self._values: dict[Scalar, list[int]] = {}
        self._prefixes: dict[Scalar, list[int]] = {}
        self._ranges = _Ranges()

    @property
    def is_idle(self) -> bool:
        """Whether there is no leaf."""
        return not (self._values or self._prefixes or self._ranges.places)

    def add(self, leaf: Leaf, place: int) -> None:
        """From now on, answer the leaf at this place."""
        if leaf.op in _RANGES:
            self._ranges.add(*bounds(leaf), place)
            return
        keys = self._keys(leaf)
        for value in values_of(leaf):
            keys.setdefault(value, []).append(place)

    def remove(self, leaf: Leaf, place: int) -> None:
        """Answer the leaf no longer."""
        if leaf.op in _RANGES:
            self._ranges.remove(place)
            return
        keys = self._keys(leaf)
        for value in values_of(leaf):
            keys[value].remove(place)
            if not keys[value]:
                del keys[value]

    def answer(self, items: Sequence[WideItem], bits: Sequence[Bits], holding: list[Bits]) -> None:
        """Sets what holds at each leaf's place, which was 0; `bits` has the bit of each item."""
        having = self._having_members(items, bits) if self._is_set else self._having(items, bits)
        for value, those in having.items():
            for place in self._values.get(value, ()):
                holding[place] |= those
        if self._prefixes:
            for value, those in having.items():
                for prefix in prefixes(cast("str", value)):
                    for place in self._prefixes.get(prefix, ()):
                        holding[place] |= those
        if self._ranges.places:
            self._ranges.answer(cast("dict[float, Bits]", having), holding)

    def _keys(self, leaf: Leaf) -> dict[Scalar, list[int]]:
        return self._prefixes if leaf.op == "prefix" else self._values

    def _having(self, items: Sequence[WideItem], bits: Sequence[Bits]) -> dict[Scalar, Bits]:
        """The items by their value."""
        having: dict[Scalar, Bits] = {}
        for value, bit in zip(cast("Iterable[Scalar | None]", map(self._read, items)), bits, strict=True):
            if value is not None:
                having[value] = having.get(value, 0) | bit
        return having

    def _having_members(self, items: Sequence[WideItem], bits: Sequence[Bits]) -> dict[Scalar, Bits]:
        """The items by each member of their sets that is asked for."""
        having: dict[Scalar, Bits] = {}
        asked = self._values
        for members, bit in zip(cast("Iterable[tuple[str, ...]]", map(self._read, items)), bits, strict=True):
            for value in members:
                if value in asked:
                    having[value] = having.get(value, 0) | bit
        return having


class _Ranges:
    """Closed ranges in rows: both ends, and the place of the leaf. A leaf whose range is empty has no row: it never holds."""

    def __init__(self) -> None:
        self.places: list[int] = []
        self._lows: list[float] = []
        self._highs: list[float] = []
        self._rows: dict[int, int] = {}

    def add(self, low: float, high: float, place: int) -> None:
        if low <= high:
            self._rows[place] = len(self.places)
            self.places.append(place)
            self._lows.append(low)
            self._highs.append(high)

    def remove(self, place: int) -> None:
        """The last row takes the stead of the leaf's."""
        if place not in self._rows:
            return
        row = self._rows[place]
        self._rows[self.places[-1]] = row
        del self._rows[place]
        self.places[row] = self.places[-1]
        self._lows[row] = self._lows[-1]
        self._highs[row] = self._highs[-1]
        del self.places[-1], self._lows[-1], self._highs[-1]

    def answer(self, having: dict[float, Bits], holding: list[Bits]) -> None:
        values = sorted(having)
        upto: Callable[[int], Bits] = [0, *accumulate((having[value] for value in values), or_)].__getitem__
        below = map(upto, map(bisect_left, repeat(values), self._lows))
        up_to_high = map(upto, map(bisect_right, repeat(values), self._highs))
        for place, those in zip(self.places, map(xor, below, up_to_high), strict=True):
            holding[place] = those
