"""The live view in packed arrays: what is known right now of every item on sale, asked just before a page is claimed.

In: records of the wide table in its order. Out: `LiveItem` values, the size of a pool, the place taken in up to.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.cuts import Cut, CutBy
from smallpool_core.items import WideItem
from smallpool_core.pages import Answer, LiveItem, Query
from smallpool_core.pools import HOME
from smallpool_core.versions import unpacked
from smallpool_stores.memory import cutting, gather
from smallpool_stores.memory.allowed import best_allowed
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.hits import hits_of
from smallpool_stores.memory.in_scope import Ranked
from smallpool_stores.memory.listing import Listing
from smallpool_stores.memory.rows import LIVE_FROM, LIVE_UNTIL, ItemRows, are_live

SAMPLED_OF: Final = 20_000
"""Of a larger scope about so many rows are looked at, which ones the seed decides."""


class PackedLiveView:
    """The port `LiveView` over rows of its own, or over the rows that a `ColumnIndex` shares with it.

    Safe with one thread that applies and any number that look: a look sees each record wholly or not at all. A removed item is
    known by its pair alone, and forgotten after `REMEMBERED` more have left; then it counts as never seen.
    """

    def __init__(self, rows: ItemRows | None = None) -> None:
        self._rows = ItemRows() if rows is None else rows

    def apply(self, items: Sequence[WideItem]) -> None:
        self._rows.take(items)

    def load(self, items: Sequence[Listing]) -> None:
        """`apply` at a start, before anything looks: records decoded no further than needed, the lock held for all of them."""
        self._rows.take(items, at_once=max(1, len(items)))

    def look(self, item_ids: Sequence[str], pool_id: str, now: int, cut: Cut | None = None) -> list[LiveItem | None]:
        rows = self._rows
        with rows.lock:
            places = rows.places_of(item_ids)
            known = [item_id for item_id, row in zip(item_ids, places, strict=True) if row is not None]
            asked = np.array([row for row in places if row is not None], np.int32)
            listed = self._listed(known, asked, pool_id, now, cut)
            return [self._gone(item_id) if row is None else next(listed) for item_id, row in zip(item_ids, places, strict=True)]

    def size(self, pool_id: str, now: int, cut: Cut | None = None) -> int:
        with self._rows.lock:
            if cut is not None:
                return int(np.count_nonzero(cutting.are_within(self._rows, self._on_sale(pool_id, now), cut)))
            facts = self._rows.all_facts if pool_id == HOME else self._rows.facts_of(self._rows.pool(pool_id).at(now))
            return int(np.count_nonzero(are_live(facts, now)))

    def cut_off(self, pool_id: str, by: CutBy, size: int, now: int) -> Cut | None:
        with self._rows.lock:
            return cutting.cut_off(self._rows, self._on_sale(pool_id, now), by, size)

    def sample(self, query: Query, seed: int) -> Answer:
        base = self._rows
        with base.lock:
            rows = base.everywhere() if query.scope.everything else base.pool(query.scope.pool_id).at(query.now)
            if len(rows) > SAMPLED_OF:
                rows = _thinned(base, rows, seed)
            found, is_all = best_allowed(base, query, Ranked(rows, _shuffled(base, rows, seed)))
            hits = hits_of(base, query, found.rows, [0] * len(found.rows), [()] * len(found.rows))
            return Answer(hits, is_all)

    def _on_sale(self, pool_id: str, now: int) -> Rows:
        """The rows of a pool that has a tag, those of them that are on sale."""
        rows = self._rows.pool(pool_id).at(now)
        return rows[are_live(self._rows.facts_of(rows), now)]

    def _listed(self, item_ids: Sequence[str], asked: Rows, pool_id: str, now: int, cut: Cut | None) -> Iterator[LiveItem]:
        """What is known of items by their rows, in their order."""
        rows, facts = self._rows, self._rows.facts_of(asked)
        version, enrich = gather.versions(facts)
        return map(
            LiveItem,
            item_ids,
            version,
            enrich,
            are_live(facts, now).tolist(),
            self._inside(asked, pool_id, now).tolist(),
            (facts[:, LIVE_UNTIL] <= now).tolist(),
            gather.expiries(facts),
            gather.sellers(rows, asked),
            gather.categories(rows, asked),
            (~cutting.are_within(rows, asked, cut)).tolist(),
        )

    def _inside(self, asked: Rows, pool_id: str, now: int) -> NDArray[np.bool_]:
        if pool_id == HOME:
            return np.ones(len(asked), np.bool_)
        return self._rows.pool(pool_id).within(asked, now)

    def _gone(self, item_id: str) -> LiveItem | None:
        """What is known of an item without a row."""
        removal = self._rows.removal_of(item_id)
        if removal is None:
            return None
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


def _thinned(base: ItemRows, rows: Rows, seed: int) -> Rows:
    """`SAMPLED_OF` of the rows or up to twice as many, by the seed, the time of publication and what a hit shows: the multiplicative hash
    (Knuth, vol. 3, section 6.4). The time alone would take all or none of what was listed at once. One in a power of two, so that rows of
    items that left, of which another process may have others, hardly ever change which.
    """
    hashed = (base.facts.values[:, LIVE_FROM].take(rows) ^ base.shown.values.take(rows)).astype(np.uint64) + np.uint64(seed)
    hashed *= np.uint64(0x9E3779B97F4A7C15)
    bits = (len(rows) // SAMPLED_OF).bit_length() - 1
    kept: Rows = rows[hashed >> np.uint64(64 - bits) == 0] if bits else rows
    return kept


def _shuffled(base: ItemRows, rows: Rows, seed: int) -> NDArray[np.int64]:
    """A number for each row that only the seed and what is stored of its item decide: the finaliser of splitmix64 (Steele, Lea and Flood,
    2014) over its times and what a hit shows of it.
    """
    facts = base.facts_of(rows)
    mixed = (facts[:, LIVE_FROM] * 3 + facts[:, LIVE_UNTIL] * 5 + base.shown.values.take(rows)).astype(np.uint64) + np.uint64(seed)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(factor)
    shuffled: NDArray[np.int64] = (mixed >> np.uint64(1)).astype(np.int64)
    return shuffled
