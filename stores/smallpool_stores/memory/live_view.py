"""The live view in packed arrays: what is known right now of every item on sale, asked just before a page is claimed.

In: records of the wide table in its order. Out: `LiveItem` values, the size of a pool, the place taken in up to.
"""

from collections.abc import Sequence

import numpy as np

from smallpool_core.items import WideItem
from smallpool_core.pages import LiveItem
from smallpool_core.pools import HOME
from smallpool_core.versions import unpacked
from smallpool_stores.memory.listing import Listing
from smallpool_stores.memory.removed import Removal
from smallpool_stores.memory.rows import NEVER_ENDS, NO_SELLER, ItemRows


class PackedLiveView:
    """The port `LiveView` over rows of its own, or over the rows that a `ColumnIndex` shares with it.

    Safe with one thread that applies and any number that look: a look sees each record wholly or not at all. A removed item is
    known by its pair alone, and forgotten after `REMEMBERED` more have left; then it counts as never seen.
    """

    def __init__(self, rows: ItemRows | None = None) -> None:
        self._rows = ItemRows() if rows is None else rows
        self._seq = 0

    def apply(self, items: Sequence[WideItem], seq: int) -> None:
        self._rows.take(items)
        self._seq = max(self._seq, seq)

    def load(self, items: Sequence[Listing], seq: int) -> None:
        """`apply` at a start, before anything looks: records decoded no further than needed, the lock held for all of them."""
        self._rows.take(items, at_once=max(1, len(items)))
        self._seq = max(self._seq, seq)

    def look(self, item_ids: Sequence[str], pool_id: str, now: int) -> list[LiveItem | None]:
        rows = self._rows
        with rows.lock:
            inside = self._inside(rows.rows_of(item_ids), pool_id, now)
            return [self._seen(item_id, inside, now) for item_id in item_ids]

    def seq(self) -> int:
        return self._seq

    def size(self, pool_id: str, now: int) -> int:
        with self._rows.lock:
            return int(np.count_nonzero(self._rows.is_live(self._rows.in_pool(pool_id, now), now)))

    def _inside(self, asked: list[int], pool_id: str, now: int) -> frozenset[int]:
        if pool_id == HOME:
            return frozenset(asked)
        members = self._rows.in_pool(pool_id, now)
        return frozenset(members[self._rows.among(members, asked)].tolist())

    def _seen(self, item_id: str, inside: frozenset[int], now: int) -> LiveItem | None:
        rows = self._rows
        row = rows.row_of(item_id)
        if row is None:
            removal = rows.removal_of(item_id)
            if removal is None:
                return None
            return _gone(item_id, removal)
        since, until, seller = rows.live_from.cells[row], rows.live_until.cells[row], rows.seller.cells[row]
        version, enrich = unpacked(rows.order.cells[row])
        return LiveItem(
            item_id=item_id,
            version=version,
            enrich=enrich,
            is_on_sale=since <= now < until,
            in_pool=row in inside,
            is_expired=until <= now,
            expires_at=None if until == NEVER_ENDS else until,
            seller_id=None if seller == NO_SELLER else rows.sellers.names[seller],
            spread_key=rows.categories.names[rows.category.cells[row]],
        )


def _gone(item_id: str, removal: Removal) -> LiveItem:
    version, enrich = unpacked(removal.order)
    return LiveItem(
        item_id=item_id,
        version=version,
        enrich=enrich,
        is_on_sale=False,
        in_pool=False,
        is_expired=removal.is_expired,
        expires_at=None,
        seller_id=None,
        spread_key="",
    )
