"""The port `VectorIndex` in process: exact search among the rows of a pool, by one product for all vectors of a question.

In: queries with vectors. Out: for each vector the rows nearest to it; how like them some items are. Under the lock of the rows.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.errors import StoreUnavailable
from smallpool_core.pages import Answer, Query
from smallpool_core.term_vectors import DIMENSIONS, MODEL
from smallpool_core.vectors import Vectors, check_vectors
from smallpool_stores.memory.allowed import best_allowed
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.hits import hits_of
from smallpool_stores.memory.in_scope import Ranked
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.memory.vectors import ONE, Products, VectorColumns

MOST_ROWS: Final = 100_000
"""A larger scope is not searched: its vectors alone take longer to read than a page has."""
_UNKEPT: Final = "could not search vectors: this process keeps none; set `read.keep_vectors = true`, and start it again"
_NOTHING: Final = Answer((), exhausted=True)


class NumpyVectorIndex:
    """Searches the rows that a live view keeps, by the vectors beside them. Safe with one thread that feeds and any number that ask."""

    model = MODEL

    def __init__(self, rows: ItemRows, vectors: VectorColumns, most_rows: int = MOST_ROWS) -> None:
        self._rows = rows
        self._vectors = vectors
        self._most_rows = most_rows

    async def nearest(self, query: Query, vectors: Vectors) -> tuple[Answer, ...]:
        asked = _matrix(vectors)
        with self._rows.lock:
            rows = self._in_scope(query)
            if not rows.size or len(rows) > self._most_rows:
                return (_NOTHING,) * len(vectors)
            products = self._vectors.products(rows, asked)
            return tuple([self._best(query, rows, products[:, place]) for place in range(len(vectors))])

    async def likeness(self, item_ids: Sequence[str], vectors: Vectors) -> dict[str, float]:
        asked = _matrix(vectors)
        if not len(vectors):
            return {}
        with self._rows.lock:
            listed = [(item_id, row) for item_id, row in zip(item_ids, self._rows.places_of(item_ids), strict=True) if row is not None]
            best = self._vectors.products(np.array([row for _, row in listed], np.int32), asked).max(axis=1).tolist()
        return {item_id: min(1.0, product / ONE) for (item_id, _), product in zip(listed, best, strict=True)}

    def _in_scope(self, query: Query) -> Rows:
        scope = query.scope
        if scope.everything:
            return self._rows.everywhere() if self._rows.height <= self._most_rows else np.empty(0, np.int32)
        return self._rows.pool(scope.pool_id).at(query.now) if scope.trusted else np.empty(0, np.int32)

    def _best(self, query: Query, rows: Rows, products: Products) -> Answer:
        alike = (products > 0).nonzero()[0]
        if not alike.size:
            return _NOTHING
        found, is_all = best_allowed(self._rows, query, Ranked(rows.take(alike), products.take(alike)))
        return Answer(hits_of(self._rows, query, found.rows, found.scores.tolist(), [()] * len(found.rows)), is_all)


class NoVectorIndex:
    """Where the settings keep no vectors: whoever asks is told so."""

    model = MODEL

    async def nearest(self, query: Query, vectors: Vectors) -> tuple[Answer, ...]:
        raise StoreUnavailable(_UNKEPT)

    async def likeness(self, item_ids: Sequence[str], vectors: Vectors) -> dict[str, float]:
        raise StoreUnavailable(_UNKEPT)


def _matrix(vectors: Vectors) -> NDArray[np.float32]:
    """(k, 64) the vectors, once they are found to be such."""
    check_vectors(vectors, MODEL, DIMENSIONS)
    return np.frombuffer(vectors.values, "<f4").reshape(-1, DIMENSIONS)
