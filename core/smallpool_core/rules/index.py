"""An index over rules: of tens of thousands of pools, an item is checked only against those whose rule could match it.

In: rules by pool, one at a time; items. Out: for each item the pools whose rule, time aside, holds for it. Each rule is filed under
anchor keys (`anchors.py`), of which a matching item has at least one; a rule without them is checked for every item. The keys
that an item has are looked up once and settle, for every rule, the leaves that they stand for.
"""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import NamedTuple

from smallpool_core.items import WideItem
from smallpool_core.rules.anchors import Anchors, Key, Slot, keys_of, plan
from smallpool_core.rules.expression import Rule, Scalar
from smallpool_core.rules.matcher import Predicate, predicate
from smallpool_core.rules.normal import negation_normal, without_time


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


class RuleIndex:
    """Rules of pools, filed for matching. Safe to use from several threads: a change is seen whole or not at all.

    The lock is held for one item or one change at a time, so neither waits long for the other.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._shelves: dict[Slot, _Shelf] = {}
        self._everywhere = _Cell()
        self._filed: dict[str, _Filed] = {}

    def __len__(self) -> int:
        return len(self._filed)

    def put(self, pool_id: str, rule: Rule) -> None:
        """File the pool's rule, in place of the one it had."""
        normal = without_time(negation_normal(rule.expression))
        with self._lock:
            self._drop(pool_id)
            found = plan(normal, self._count)
            first, second = _keys(found.first), _keys(found.second)
            finding = [self._take(key) for key in first] if found.first is not None else [self._everywhere]
            confirming = [self._take(key) for key in second] if found.second is not None else finding
            filed = _Filed(frozenset(confirming), predicate(found.rest), first, second)
            self._filed[pool_id] = filed
            for cell in finding:
                cell.rules[pool_id] = filed

    def remove(self, pool_id: str) -> None:
        """Forget the pool's rule; nothing happens where it has none."""
        with self._lock:
            self._drop(pool_id)

    def match(self, item: WideItem) -> list[str]:
        """The pools whose rule, each leaf that depends on now set true, holds for the item; sorted by UTF-8 bytes."""
        with self._lock:
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

    def match_many(self, items: Iterable[WideItem]) -> list[list[str]]:
        """`match` of each item, in their order."""
        return [self.match(item) for item in items]

    def _drop(self, pool_id: str) -> None:
        filed = self._filed.pop(pool_id, None)
        if filed is None:
            return
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
