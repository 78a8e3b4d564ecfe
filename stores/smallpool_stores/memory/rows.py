"""Every item on sale as a row of packed columns, and the rows of each pool: what the live view and the column index share.

In: records of the wide table. Out, to who holds `lock`: values by row number, rows by item and by pool.

A row is born with what its item is listed under (pools, intervals, terms) and ranked by (publication, static score), and keeps that for
life: a record that changes any of it buries the row and bears another; a record that changes other values writes them in place. The
dead stay in the lists that hold them until a sweep has passed over every list, and only then is a row number given again. So an item
costs nothing from itself to its pools, a removal costs the same whatever their number, and the dead are never more than about half of
the living.
"""

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from smallpool_core.pages import Scope
from smallpool_core.pools import BANNED
from smallpool_core.versions import packed
from smallpool_stores.memory.arrays import FIRST_CAPACITY, Column, RowList, Rows
from smallpool_stores.memory.graveyard import SWEEP_FLOOR, Graveyard
from smallpool_stores.memory.interned import Interned
from smallpool_stores.memory.listing import Listing
from smallpool_stores.memory.pool_rows import SETTLE_FLOOR, PoolRows
from smallpool_stores.memory.removed import Removal, Removals
from smallpool_stores.memory.shown import packed_shown

NEVER_ENDS = 2**63 - 1
"""`live_until` of an item without expiry."""
NO_SELLER = -1
TAKEN_AT_ONCE = 16
"""Records taken in under one hold of the lock: some 0.3 ms, so that a question never waits long."""
REMEMBERED = 500_000
"""Removals remembered, some 100 bytes each."""
ORDER, LIVE_FROM, LIVE_UNTIL, STATIC = range(4)
"""What each of a row's facts is. They lie side by side, because nearly every question asks for them, of rows far apart in memory."""
FACTS = 4
_NO_ROWS = PoolRows()

Facts = NDArray[np.int64]
"""(n, 4) facts of n rows."""


class Beside(Protocol):
    """What another adapter makes of listings and keeps beside these columns, by the same row numbers. Called under the lock."""

    def grow(self, capacity: int) -> None:
        """Makes room for `capacity` rows."""
        ...

    def put(self, row: int, item: Listing) -> None:
        """The row, which stands for nothing, begins to stand for an item."""
        ...

    def change(self, row: int, item: Listing) -> None:
        """The item of the row has a newer record, with the same pools, terms, times of publication and static score."""
        ...

    def clear(self, row: int, item_id: str) -> None:
        """The row stands for this item no more, and for nothing."""
        ...

    def left(self, item: Listing) -> None:
        """An item that stands in no row left, before this process began or once more."""
        ...

    def lists(self) -> Iterable[RowList]:
        """Every list that may hold a dead row."""
        ...


class ItemRows:
    """Rows by item, columns by row, rows by pool. One thread takes in while others read: each holds `lock` meanwhile.

    Every column has values for each row up to `height`. `facts` int64: ORDER, (version, enrich) as one integer, -1 for the dead;
    LIVE_FROM and LIVE_UNTIL, on sale while LIVE_FROM <= now < LIVE_UNTIL (ms), the latter 0 for the dead; STATIC, the static score.
    `category`, `seller` int32: numbers in `categories` and `sellers`. `shown` int64: what else a hit says of its item, packed. While
    `changes` stays the same, so does all of it.
    """

    def __init__(
        self,
        *beside: Beside,
        remembered: int = REMEMBERED,
        sweep_floor: int = SWEEP_FLOOR,
        settle_floor: int = SETTLE_FLOOR,
    ) -> None:
        self.lock = Lock()
        self.changes = 0
        self.item_ids: list[str] = []
        self.categories = Interned()
        self.sellers = Interned()
        self.facts = Column(np.int64, FACTS)
        self.category = Column(np.int32)
        self.seller = Column(np.int32)
        self.shown = Column(np.int64)
        self._listed_under = Column(np.int64)
        self._columns = (self.facts, self.category, self.seller, self.shown, self._listed_under)
        self._capacity = FIRST_CAPACITY
        self._beside = beside
        self._rows: dict[str, int] = {}
        self._pools: dict[str, PoolRows] = {}
        self._removals = Removals(remembered)
        self._graveyard = Graveyard(sweep_floor)
        self._settle_floor = settle_floor

    def __len__(self) -> int:
        """How many items are listed, unexpired or not."""
        return len(self._rows)

    @property
    def height(self) -> int:
        """One more than the largest row number."""
        return len(self.item_ids)

    @property
    def nbytes(self) -> int:
        """Bytes of the rows in use and of the entries of pools: without item ids, interned strings and room to grow."""
        columns = sum(int(column.values[0].nbytes) for column in self._columns) * self.height
        return columns + sum(pool.nbytes for pool in self._pools.values())

    def take(self, items: Sequence[Listing], *, at_once: int = TAKEN_AT_ONCE) -> int:
        """Takes in records and says how many were newer than what was known; an older or equal one changes nothing.

        The lock is held for `at_once` records at a time, so a reader sees each record wholly or not at all.
        """
        newer = 0
        for first in range(0, len(items), at_once):
            some = items[first : first + at_once]
            with self.lock:
                newer += sum([self._take(item) for item in some])
                self.changes += 1
                self._graveyard.sweep(len(some), len(self._rows), self.facts.values[:, ORDER], self._lists)
        return newer

    def row_of(self, item_id: str) -> int | None:
        """The item's row, None where it is not listed."""
        return self._rows.get(item_id)

    def places_of(self, item_ids: Iterable[str]) -> list[int | None]:
        """`row_of` of each."""
        return list(map(self._rows.get, item_ids))

    def removal_of(self, item_id: str) -> Removal | None:
        """How an item without a row left, None where it never did or that was long ago."""
        return self._removals.get(item_id)

    def order_of(self, item_id: str) -> int:
        """The newest (version, enrich) known of the item as one integer, -1 where none is."""
        row = self._rows.get(item_id)
        if row is not None:
            return int(self.facts.cells[row * FACTS + ORDER])
        removal = self._removals.get(item_id)
        return -1 if removal is None else removal.order

    def forget(self, item_id: str) -> None:
        """Lets go of a listed item as if it had never come."""
        with self.lock:
            self._bury(item_id, self._rows.get(item_id))
            self.changes += 1

    def rows_of(self, item_ids: Iterable[str]) -> list[int]:
        """Rows of those of the items that are listed, in the order given."""
        return [row for row in map(self._rows.get, item_ids) if row is not None]

    def pool(self, pool_id: str) -> PoolRows:
        """The rows of a pool, of which the newer ones settle first if they are many by now. Not to be written to."""
        pool = self._pools.get(pool_id, _NO_ROWS)
        pool.settle(self._settle_floor)
        return pool

    def inside(self, scope: Scope, asked: Rows, now: int) -> NDArray[np.bool_]:
        """For each of the rows asked whether it is in a scope that tags tell of, at `now` (ms), (n,) bool; made for few of them."""
        if scope.everything:
            return ~self.pool(BANNED).within(asked, now)
        return self.pool(scope.pool_id).within(asked, now)

    def pool_ids(self) -> list[str]:
        """Every pool that ever had a row."""
        return list(self._pools)

    def everywhere(self) -> Rows:
        """Every row but those of items that are tagged as banned; dead ones included."""
        rows = np.arange(self.height, dtype=np.int32)
        banned = self._pools.get(BANNED)
        return rows if banned is None else np.delete(rows, banned.now())

    @property
    def all_facts(self) -> Facts:
        """Facts of every row, (height, 4), where they lie."""
        return self.facts.values[: self.height]

    def facts_of(self, rows: Rows) -> Facts:
        """Facts of the rows, (n, 4)."""
        facts: Facts = self.facts.values.take(rows, axis=0)
        return facts

    def _take(self, item: Listing) -> bool:
        item_id = item.item_id
        order = packed(item.version, item.enrich)
        row = self._rows.get(item_id)
        if order <= self.order_of(item_id):
            return False
        if item.state != "on_sale":
            self._bury(item_id, row)
            if row is None:
                for beside in self._beside:
                    beside.left(item)
            self._removals.put(item_id, Removal(order, item.state == "expired"))
            return True
        self._list(item, row, order)
        return True

    def _list(self, item: Listing, row: int | None, order: int) -> None:
        intervals = tuple(sorted(item.intervals.items())) if item.intervals else ()
        listed_under = hash((item.pools, item.terms, intervals, item.published_at, item.static_score))
        if row is not None and self._listed_under.cells[row] == listed_under:
            self._give_back(row)
            for beside in self._beside:
                beside.change(row, item)
        else:
            self._bury(item.item_id, row)
            row = self._bear(item)
            self._listed_under.cells[row] = listed_under
        cells, first = self.facts.cells, row * FACTS
        cells[first + ORDER] = order
        cells[first + LIVE_FROM] = item.published_at or 0
        cells[first + LIVE_UNTIL] = NEVER_ENDS if item.expires_at is None else item.expires_at
        cells[first + STATIC] = item.static_score
        self.shown.cells[row] = packed_shown(item)
        self.category.cells[row] = self.categories.take(item.category)
        self.seller.cells[row] = NO_SELLER if item.seller_id is None else self.sellers.take(item.seller_id)

    def _bear(self, item: Listing) -> int:
        row = self._rows[item.item_id] = self._number(item.item_id)
        pools, intervals = self._pools, item.intervals
        for pool_id in dict.fromkeys(item.pools):
            pool = pools.get(pool_id)
            if pool is None:
                pool = pools[pool_id] = PoolRows()
            if pool_id in intervals:
                for start, end in intervals[pool_id]:
                    pool.add_interval(row, start, end)
            else:
                pool.add(row)
        for beside in self._beside:
            beside.put(row, item)
        return row

    def _bury(self, item_id: str, row: int | None) -> None:
        if row is None:
            return
        self._give_back(row)
        self.facts.cells[row * FACTS + ORDER] = -1
        self.facts.cells[row * FACTS + LIVE_UNTIL] = 0
        self.item_ids[row] = ""
        del self._rows[item_id]
        self._graveyard.bury(row)
        for beside in self._beside:
            beside.clear(row, item_id)

    def _give_back(self, row: int) -> None:
        self.categories.give_back(self.category.cells[row])
        if self.seller.cells[row] != NO_SELLER:
            self.sellers.give_back(self.seller.cells[row])

    def _number(self, item_id: str) -> int:
        row = self._graveyard.reuse()
        if row is not None:
            self.item_ids[row] = item_id
            return row
        self.item_ids.append(item_id)
        if self.height > self._capacity:
            self._grow()
        return self.height - 1

    def _grow(self) -> None:
        self._capacity += self._capacity // 2
        for column in self._columns:
            column.grow(self._capacity)
        for beside in self._beside:
            beside.grow(self._capacity)

    def _lists(self) -> Iterable[RowList]:
        yield from self._pools.values()
        for beside in self._beside:
            yield from beside.lists()


def are_live(facts: Facts, now: int) -> NDArray[np.bool_]:
    """For each row of facts whether its item is on sale, published and unexpired at `now` (ms), (n,) bool."""
    return (facts[:, LIVE_UNTIL] > now) & (facts[:, LIVE_FROM] <= now)
