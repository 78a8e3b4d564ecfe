"""The wide index in process: packed columns, gathered for one pool at a time.

In: wide items. Out: exact answers to recall, browse and pick, each under one hold of the rows' lock: some 1 ms for 10,000 rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from smallpool_core.items import WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pages import Answer, Query
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.best import Indices, best_under_cap
from smallpool_stores.memory.graveyard import SWEEP_FLOOR
from smallpool_stores.memory.hits import HitColumns
from smallpool_stores.memory.live_view import PackedLiveView
from smallpool_stores.memory.open_rows import OpenRows
from smallpool_stores.memory.rows import ItemRows, are_live

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
        self._open = OpenRows(self.rows)

    def index(self, items: Sequence[WideItem]) -> int:
        return self.rows.take(items)

    def recall(self, query: Query, weights: Mapping[str, int], among: Iterable[str] | None = None) -> Answer:
        """As the port."""
        with self.rows.lock:
            scope = self._open.of(query, among)
            found, sums = self._hits.terms.matching(scope.terms, weights)
            scores = sums.astype(np.int64) * STATIC_RANGE + scope.static.take(found)
            return self._best(query, scope.rows.take(found), scores, weights)

    def browse(self, query: Query, by: Literal["newest", "static"], among: Iterable[str] | None = None) -> Answer:
        """As the port; an item without `published_at` counts as published at 0."""
        with self.rows.lock:
            scope = self._open.of(query, among)
            return self._best(query, scope.rows, scope.published if by == "newest" else scope.static, {})

    def pick(self, query: Query, item_ids: Sequence[str], among: Iterable[str] | None = None) -> Answer:
        """As the port; an id given twice counts once."""
        with self.rows.lock:
            inside = None if among is None else frozenset(among)
            asked = [item_id for item_id in dict.fromkeys(item_ids) if inside is None or item_id in inside]
            rows = np.array(self.rows.rows_of(asked), np.int32)
            if inside is None and not query.scope.everything:
                rows = rows[self.rows.within(rows, self.rows.in_pool(query.scope.pool_id, query.now))]
            rows = rows[are_live(self.rows.facts_of(rows), query.now)]
            best, is_all = self._under_cap(query, rows, np.arange(len(rows), 0, -1))
            return self._answer(query, rows.take(best), np.zeros(len(best), np.int64), {}, is_all=is_all)

    def _best(self, query: Query, rows: Rows, scores: NDArray[np.int64], weights: Mapping[str, int]) -> Answer:
        best, is_all = self._under_cap(query, rows, scores)
        return self._answer(query, rows.take(best), scores.take(best), weights, is_all=is_all)

    def _under_cap(self, query: Query, rows: Rows, scores: NDArray[np.int64]) -> tuple[Indices, bool]:
        """Positions of the best rows by score that the query allows, and whether there are no more."""
        spread = partial(self._spread, query)
        return best_under_cap(rows, scores, self.rows.item_ids, spread, query.cap, query.limit, query.excluded)

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
