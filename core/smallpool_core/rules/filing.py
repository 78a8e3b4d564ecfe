"""Rules filed for one item at a time: it is checked only against those that could hold for it.

In: normal forms by pool; an item. Out: the pools whose rule holds for it. Each rule is filed under anchor keys (`anchors.py`), of
which a matching item has at least one; a rule without them is checked for every item. The keys that an item has are looked up
once and settle, for every rule, the leaves that they stand for.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from smallpool_core.items import WideItem
from smallpool_core.rules.anchors import Anchors, Key, Slot, keys_of, plan
from smallpool_core.rules.expression import Expression, Scalar
from smallpool_core.rules.matcher import Predicate, predicate


class _Cell:
    """What stands under one key: the rules found by it, and how many rules use it in any way. Compared by identity."""

    __slots__ = ("rules", "uses")

    def __init__(self) -> None:
        self.rules: dict[str, _Filed] = {}
        self.uses = 0


class _Filed(NamedTuple):
    """A pool's rule: an item must have one of `confirming`, and `holds` checks what is left."""

    confirming: frozenset[_Cell]
    holds: Predicate
    first: tuple[Key, ...]
    second: tuple[Key, ...]


class _Shelf(NamedTuple):
    """The cells of one slot by value, and how the slot's values are read from an item."""

    read: Callable[[WideItem], Iterable[Scalar]]
    cells: dict[Scalar, _Cell]


class FiledRules:
    """Rules of pools by the keys that the fewest items have. Not safe for threads."""

    def __init__(self) -> None:
        self._shelves: dict[Slot, _Shelf] = {}
        self._everywhere = _Cell()
        self._filed: dict[str, _Filed] = {}

    def put(self, pool_id: str, normal: Expression) -> None:
        """File the rule of a pool that has none here: an untimed normal form."""
        found = plan(normal, self._count)
        first, second = _keys(found.first), _keys(found.second)
        finding = [self._take(key) for key in first] if found.first is not None else [self._everywhere]
        confirming = [self._take(key) for key in second] if found.second is not None else finding
        filed = _Filed(frozenset(confirming), predicate(found.rest), first, second)
        self._filed[pool_id] = filed
        for cell in finding:
            cell.rules[pool_id] = filed

    def match(self, item: WideItem) -> list[str]:
        """The pools whose rule holds for the item, sorted by UTF-8 bytes."""
        has = {self._everywhere}
        for read, cells in self._shelves.values():
            for value in read(item):
                cell = cells.get(value)
                if cell is not None:
                    has.add(cell)
        candidates: dict[str, _Filed] = {}
        for cell in has:
            candidates.update(cell.rules)
        # Characters sort as their UTF-8 bytes do.
        return sorted(
            [pool_id for pool_id, (confirming, holds, _, _) in candidates.items() if not confirming.isdisjoint(has) and holds(item, 0)]
        )

    def remove(self, pool_id: str) -> None:
        """Forget the rule of a pool that has one here."""
        filed = self._filed.pop(pool_id)
        self._everywhere.rules.pop(pool_id, None)
        for key in filed.first:
            self._shelves[key[0]].cells[key[1]].rules.pop(pool_id, None)
        for key in (*filed.first, *filed.second):
            self._release(key)

    def _take(self, key: Key) -> _Cell:
        slot, value = key
        shelf = self._shelves.get(slot)
        if shelf is None:
            shelf = self._shelves[slot] = _Shelf(keys_of(slot), {})
        cell = shelf.cells.setdefault(value, _Cell())
        cell.uses += 1
        return cell

    def _release(self, key: Key) -> None:
        slot, value = key
        cells = self._shelves[slot].cells
        cells[value].uses -= 1
        if not cells[value].uses:
            del cells[value]
        if not cells:
            del self._shelves[slot]

    def _count(self, key: Key) -> int:
        shelf = self._shelves.get(key[0])
        cell = None if shelf is None else shelf.cells.get(key[1])
        return 0 if cell is None else len(cell.rules)


def _keys(found: Anchors | None) -> tuple[Key, ...]:
    return () if found is None else found.keys
