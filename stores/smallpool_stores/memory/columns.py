"""The wide index in process: packed columns, and an index over each pool that is large enough to need one.

In: wide items. Out: exact answers to recall, browse and pick, each under one hold of the rows' lock: some 0.3 ms for 10,000 rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from smallpool_core.items import Indexed, WideItem
from smallpool_core.pages import Answer, Query
from smallpool_stores.memory.allowed import best_allowed
from smallpool_stores.memory.graveyard import SWEEP_FLOOR
from smallpool_stores.memory.hits import hits_of
from smallpool_stores.memory.in_scope import InScope, Ranked
from smallpool_stores.memory.live_view import PackedLiveView
from smallpool_stores.memory.pool_index import PoolIndex
from smallpool_stores.memory.pool_rows import SETTLE_FLOOR, PoolRows
from smallpool_stores.memory.rows import LIVE_FROM, STATIC, Beside, ItemRows
from smallpool_stores.memory.terms import Asked, TermColumns

_NOTHING = Answer((), exhausted=True)


class ColumnIndex:
    """The port `ItemWriter`, and what `ItemReader` asks where a pool's tag is trusted. Owns its rows; `live_view` looks at the same, and
    `beside` is kept beside them.

    Safe with one thread that indexes and any number that ask: a question sees each record wholly or not at all. Where a caller
    gives `among`, those ids alone are in scope, whatever the pool's tag says. The floors are for tests of what sweeps and indexes do.
    """

    def __init__(self, *beside: Beside, sweep_floor: int = SWEEP_FLOOR, settle_floor: int = SETTLE_FLOOR) -> None:
        self._terms = TermColumns()
        self.rows = ItemRows(self._terms, *beside, sweep_floor=sweep_floor, settle_floor=settle_floor)
        self.live_view = PackedLiveView(self.rows)
        self._last: tuple[tuple[str, int, int], InScope] | None = None

    def index(self, items: Sequence[WideItem]) -> Indexed:
        return Indexed(self.rows.take(items))

    def refresh(self) -> None:
        """As the port; every question sees every record anyhow."""

    def settle(self) -> None:
        """Indexes every pool that is due, so that the first questions need not; for a start, after everything was loaded."""
        for pool_id in self.rows.pool_ids():
            with self.rows.lock:
                self._indexed(self.rows.pool(pool_id))

    def recall(self, query: Query, weights: Mapping[str, int], among: Iterable[str] | None = None) -> Answer:
        """As the port."""
        with self.rows.lock:
            asked = self._terms.asked(weights)
            return self._best(query, self._in_scope(query, among).matching(asked), asked)

    def browse(self, query: Query, by: Literal["newest", "static"], among: Iterable[str] | None = None) -> Answer:
        """As the port; an item without `published_at` counts as published at 0."""
        with self.rows.lock:
            return self._best(query, self._in_scope(query, among).all(by))

    def pick(self, query: Query, item_ids: Sequence[str], among: Iterable[str] | None = None) -> Answer:
        """As the port; an id given twice counts once."""
        with self.rows.lock:
            inside = None if among is None else frozenset(among)
            asked = [item_id for item_id in dict.fromkeys(item_ids) if inside is None or item_id in inside]
            rows = np.array(self.rows.rows_of(asked), np.int32)
            if inside is None:
                rows = rows[self.rows.inside(query.scope, rows, query.now)]
            found, is_all = best_allowed(self.rows, query, Ranked(rows, np.arange(len(rows), 0, -1)))
            return self._answer(query, found._replace(scores=np.zeros(len(found.rows), np.int64)), is_all=is_all)

    def _in_scope(self, query: Query, among: Iterable[str] | None) -> InScope:
        """The last answer is kept: the sources of one request ask one after another about the same rows."""
        terms = self._terms
        if query.scope.everything:
            return InScope(self.rows, terms, self.rows.everywhere())
        if among is not None:
            return InScope(self.rows, terms, np.array(self.rows.rows_of(among), np.int32))
        moment = (query.scope.pool_id, query.now, self.rows.changes)
        if self._last is None or self._last[0] != moment:
            pool = self.rows.pool(query.scope.pool_id)
            held = pool.held(query.now)
            self._last = (moment, InScope(self.rows, terms, held.newer, self._indexed(pool), held.settled))
        return self._last[1]

    def _indexed(self, pool: PoolRows) -> PoolIndex | None:
        """The index of the pool's settled rows, made if there is none; None where no row has settled."""
        if pool.index is None and pool.settled:
            rows = pool.now()[: pool.settled]
            facts = self.rows.facts_of(rows)
            pool.index = PoolIndex(rows, facts[:, LIVE_FROM].copy(), facts[:, STATIC], self._terms.lines_of(rows))
        return pool.index

    def _best(self, query: Query, ranked: Ranked, asked: Asked | None = None) -> Answer:
        if not ranked.rows.size:
            return _NOTHING
        found, is_all = best_allowed(self.rows, query, ranked)
        return self._answer(query, found, asked, is_all=is_all)

    def _answer(self, query: Query, found: Ranked, asked: Asked | None = None, *, is_all: bool) -> Answer:
        rows = found.rows
        shared = [()] * len(rows) if asked is None or found.marks is None else asked.members(found.marks)
        return Answer(hits_of(self.rows, query, rows, found.scores.tolist(), shared), is_all)
