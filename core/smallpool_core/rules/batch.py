"""Rules held against a batch of items at once: a rule is the conjunction of a few columns of bits, one bit an item.

In: untimed normal forms by pool; a batch. Out: for each item the pools whose rule holds for it. What a rule asks is kept as places
in the columns that `conditions.py` makes of a batch, so that a rule costs as many conjunctions of integers as it has parts,
whatever the size of the batch, and no condition is evaluated twice.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from operator import and_
from typing import NamedTuple

from smallpool_core.items import WideItem
from smallpool_core.rules.asked import Bits
from smallpool_core.rules.conditions import Conditions
from smallpool_core.rules.expression import NOTHING, AllOf, Expression

_MOST_PARTS = 8
"""A longer conjunction keeps its last parts in a group of their own: few rules do, and each length has a table."""


class _Table(NamedTuple):
    """Rules of one length: row by row a pool, and in each column the place of one of the conditions that must all hold."""

    pool_ids: list[str]
    columns: tuple[list[int], ...]

    def append(self, pool_id: str, places: Sequence[int]) -> int:
        """The number of the new row."""
        self.pool_ids.append(pool_id)
        for column, place in zip(self.columns, places, strict=True):
            column.append(place)
        return len(self.pool_ids) - 1

    def pop(self, row: int) -> str:
        """Takes the row out and the last one into its stead; returns the pool of that one."""
        self.pool_ids[row] = self.pool_ids[-1]
        for column in self.columns:
            column[row] = column[-1]
            del column[-1]
        return self.pool_ids.pop()

    def hits(self, holding: Sequence[Bits], whole: Bits) -> list[tuple[str, Bits]]:
        """The pools that hold an item, each with the items that it holds."""
        # All of it runs inside map and zip: a loop over the rows would take twice as long.
        place: Callable[[int], Bits] = holding.__getitem__
        bits: Iterator[Bits] = map(place, self.columns[0]) if self.columns else repeat(whole)
        for column in self.columns[1:]:
            bits = map(and_, bits, map(place, column))
        return [hit for hit in zip(self.pool_ids, bits, strict=False) if hit[1]]


class BatchRules:
    """Rules of pools in tables. Not safe for threads."""

    def __init__(self) -> None:
        self._conditions = Conditions()
        self._tables: dict[int, _Table] = {}
        self._rows: dict[str, tuple[_Table, int]] = {}

    def put(self, pool_id: str, normal: Expression) -> None:
        """Take in the rule of a pool that has none here: an untimed normal form in which `has_all` is spelled out."""
        if normal == NOTHING:
            return
        parts = normal.parts if isinstance(normal, AllOf) else (normal,)
        if len(parts) > _MOST_PARTS:
            parts = (*parts[: _MOST_PARTS - 1], AllOf(parts[_MOST_PARTS - 1 :]))
        places = [self._conditions.take(part) for part in parts]
        if len(places) not in self._tables:
            self._tables[len(places)] = _Table([], tuple([] for _ in places))
        table = self._tables[len(places)]
        self._rows[pool_id] = table, table.append(pool_id, places)

    def remove(self, pool_id: str) -> None:
        """Forget the rule of a pool."""
        if pool_id not in self._rows:
            return
        table, row = self._rows[pool_id]
        places = [column[row] for column in table.columns]
        self._rows[table.pop(row)] = table, row
        del self._rows[pool_id]
        if not table.pool_ids:
            del self._tables[len(places)]
        for place in places:
            self._conditions.release(place)

    def match(self, items: Sequence[WideItem]) -> list[list[str]]:
        """For each item the pools whose rule holds for it, sorted by UTF-8 bytes."""
        whole = (1 << len(items)) - 1
        holding = self._conditions.holding(items)
        hits = [hit for table in self._tables.values() for hit in table.hits(holding, whole)]
        # Characters sort as their UTF-8 bytes do.
        hits.sort()
        found: list[list[str]] = [[] for _ in items]
        for pool_id, held in hits:
            left = held
            while left:
                lowest = left & -left
                found[lowest.bit_length() - 1].append(pool_id)
                left ^= lowest
        return found
