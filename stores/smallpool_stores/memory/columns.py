"""The wide index in process: packed columns, gathered for one pool at a time.

In: wide items. Out: exact answers to recall, browse and pick, each under one hold of the rows' lock: some 1 ms for 10,000 rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from smallpool_core.items import WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pages import Answer, Query
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.best import best_under_cap, first_of_each
from smallpool_stores.memory.graveyard import SWEEP_FLOOR
from smallpool_stores.memory.hits import HitColumns
from smallpool_stores.memory.live_view import PackedLiveView
from smallpool_stores.memory.rows import ItemRows

STATIC_RANGE = 512
"""Σ of weights counts this many times a static score of 0 … 511 (design, section 4)."""


class ColumnIndex:
    """The port `ItemWriter`, and what `ItemReader` asks where a pool's tag is trusted. Owns its rows; `live_view` looks at the same.

    Safe with one thread that indexes and any number that ask: a question sees each record wholly or not at all. Where a caller
    gives `among`, those ids alone are in scope, whatever the pool's tag says. `sweep_floor` is for tests of what sweeps do.
    """

    def __init__(self, *, sweep_floor: int = SWEEP_FLOOR) -> None:
        self._hits = HitColumns()
        self.rows = ItemRows(self._hits, sweep_floor=sweep_floor)
        self.live_view = PackedLiveView(self.rows)

    def index(self, items: Sequence[WideItem]) -> int:
        return self.rows.take(items)

    def recall(self, query: Query, weights: Mapping[str, int], among: Iterable[str] | None = None) -> Answer:
        """As the port."""
        with self.rows.lock:
            terms = self._hits.terms
            everything = query.scope.everything
            rows, sums = terms.matching_anywhere(weights) if everything else terms.matching(self._scope(query, among), weights)
            allowed = self._allowed(query, rows)
            rows, scores = rows[allowed], sums[allowed].astype(np.int64) * STATIC_RANGE
            scores += self.rows.static.values.take(rows)
            return self._best(query, rows, scores, weights)

    def browse(self, query: Query, by: Literal["newest", "static"], among: Iterable[str] | None = None) -> Answer:
        """As the port; an item without `published_at` counts as published at 0."""
        with self.rows.lock:
            rows = self._scope(query, among)
            rows = rows[self._allowed(query, rows)]
            column = self.rows.live_from if by == "newest" else self.rows.static
            return self._best(query, rows, column.values.take(rows).astype(np.int64), {})

    def pick(self, query: Query, item_ids: Sequence[str], among: Iterable[str] | None = None) -> Answer:
        """As the port; an id given twice counts once."""
        with self.rows.lock:
            asked = self.rows.rows_of(dict.fromkeys(item_ids))
            rows = np.array(asked, np.int32)
            if not query.scope.everything:
                rows = rows[self.rows.among(rows, self._scope(query, among).tolist())]
            rows = rows[self._allowed(query, rows)]
            rows = rows[first_of_each(self._spread(query, rows), query.cap)]
            found = rows[: query.limit]
            return self._answer(query, found, np.zeros(len(found), np.int64), {}, is_all=len(rows) <= query.limit)

    def _scope(self, query: Query, among: Iterable[str] | None) -> Rows:
        if query.scope.everything:
            return np.arange(self.rows.height, dtype=np.int32)
        if among is not None:
            return np.array(self.rows.rows_of(among), np.int32)
        return self.rows.in_pool(query.scope.pool_id, query.now)

    def _allowed(self, query: Query, rows: Rows) -> NDArray[np.bool_]:
        return self.rows.is_live(rows, query.now) & ~self.rows.among(rows, self.rows.rows_of(query.excluded))

    def _best(self, query: Query, rows: Rows, scores: NDArray[np.int64], weights: Mapping[str, int]) -> Answer:
        best, is_all = best_under_cap(rows, scores, self.rows.item_ids, lambda some: self._spread(query, some), query.cap, query.limit)
        return self._answer(query, rows.take(best), scores.take(best), weights, is_all=is_all)

    def _answer(self, query: Query, found: Rows, scores: NDArray[np.int64], weights: Mapping[str, int], *, is_all: bool) -> Answer:
        names, level = self.rows.categories.names, query.spread_level
        categories = [names[number] for number in self.rows.category.values.take(found).tolist()]
        keys = categories if level is None else [cut(category, level) for category in categories]
        shared = self._hits.terms.shared(found, weights) if weights else [()] * len(found)
        return Answer(self._hits.hits(self.rows, found, keys, scores.tolist(), shared), is_all)

    def _spread(self, query: Query, rows: Rows) -> NDArray[np.int32]:
        """A number for the spread key of each row."""
        numbers: NDArray[np.int32] = self.rows.category.values.take(rows)
        if query.spread_level is None:
            return numbers
        distinct, place = np.unique(numbers, return_inverse=True)
        keys: dict[str, int] = {}
        of_category = [
            keys.setdefault(cut(self.rows.categories.names[number], query.spread_level), len(keys)) for number in distinct.tolist()
        ]
        return np.array(of_category, np.int32).take(place)


def cut(category: str, level: int) -> str:
    """A category path's first `level` elements: `("数码›手机", 1)` -> `"数码"`."""
    return PATH_SEPARATOR.join(category.split(PATH_SEPARATOR, level)[:level])
