"""The port `VectorIndex` in process: exact search among the rows of a pool, by one product for all vectors of a question.

In: queries with vectors. Out: for each vector the rows nearest to it; how like them some items are. Under the lock of the rows.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.errors import StoreUnavailable
from smallpool_core.pages import Answer, Query
from smallpool_core.pools import BANNED
from smallpool_core.vectors import Vectors, check_vectors
from smallpool_stores.memory.allowed import best_allowed
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.hits import hits_of
from smallpool_stores.memory.in_scope import Ranked
from smallpool_stores.memory.rows import ItemRows, are_live
from smallpool_stores.memory.vector_generation import ONE, Products, VectorGeneration
from smallpool_stores.memory.vectors import Kept, VectorColumns

MOST_ROWS: Final = 100_000
"""Of a larger pool nothing is searched: its vectors alone take longer to read than a page has. Inside categories it may be twice that."""
_UNKEPT: Final = (
    "could not search vectors: this process keeps none; name a model of them in the settings, `[models] vectors`, and start it again"
)
NOTHING: Final = Answer((), exhausted=True)
_NO_ROWS: Final = np.empty(0, np.int32)


class NumpyVectorIndex:
    """Searches the rows that a live view keeps, by the vectors beside them. Safe with one thread that feeds and any number that ask."""

    def __init__(self, rows: ItemRows, vectors: VectorColumns, most_rows: int = MOST_ROWS) -> None:
        self._rows = rows
        self._vectors = vectors
        self._most_rows = most_rows

    @property
    def model(self) -> str:
        with self._rows.lock:
            found = self._vectors.in_force
        return "" if found is None else found.model

    async def nearest(self, query: Query, vectors: Vectors, categories: Sequence[str] = ()) -> tuple[Answer, ...]:
        with self._rows.lock:
            generation = self._vectors.of(vectors.model)
            asked = matrix(vectors, generation)
            rows = self._in_scope(query, categories)
            if not rows.size or not len(asked):
                return (NOTHING,) * len(asked)
            rows, products = generation.products_of_those_that_have_any(rows, asked)
            return tuple([self._best(query, rows, products[:, place]) for place in range(len(asked))])

    async def nearest_categories(self, query: Query, vectors: Vectors, most: int) -> tuple[tuple[tuple[str, float], ...], ...]:
        with self._rows.lock:
            generation = self._vectors.of(vectors.model)
            asked = matrix(vectors, generation)
            rows = self._in_scope(query, ())
            rows = rows[are_live(self._rows.facts_of(rows), query.now)]
            rows, products = generation.products_of_those_that_have_any(rows, asked)
            numbers = self._vectors.categories.numbers_of(rows)
            counts = np.bincount(numbers)
            return tuple([self._most_alike(numbers, counts, products[:, place], most) for place in range(len(asked))])

    async def likeness(self, item_ids: Sequence[str], vectors: Vectors) -> dict[str, float]:
        with self._rows.lock:
            generation = self._vectors.of(vectors.model)
            asked = matrix(vectors, generation)
            if not len(asked):
                return {}
            listed = [(item_id, row) for item_id, row in zip(item_ids, self._rows.places_of(item_ids), strict=True) if row is not None]
            best = generation.products(np.array([row for _, row in listed], np.int32), asked).max(axis=1).tolist()
        return {item_id: max(-1.0, min(1.0, product / ONE)) for (item_id, _), product in zip(listed, best, strict=True)}

    async def vectors_of(self, item_ids: Sequence[str], model: str) -> dict[str, bytes]:
        with self._rows.lock:
            generation = self._vectors.of(model)
            listed, gone = dict[str, int](), dict[str, int]()
            for item_id, row in zip(item_ids, self._rows.places_of(item_ids), strict=True):
                if row is not None:
                    listed[item_id] = row
                elif (place := self._vectors.place_of_gone(item_id)) is not None:
                    gone[item_id] = place
            found = generation.vectors(np.array(list(listed.values()), np.int32))
            left = generation.gone(np.array(list(gone.values()), np.intp))
        named = zip([*listed, *gone], [*found, *left], strict=True)
        return {item_id: vector.astype("<f4").tobytes() for item_id, vector in named if vector.any()}

    def kept(self) -> list[Kept]:
        """How many items have a vector of each model, and which of these is in force."""
        with self._rows.lock:
            return self._vectors.kept()

    def _in_scope(self, query: Query, categories: Sequence[str]) -> Rows:
        scope, most = query.scope, (2 if categories else 1) * self._most_rows
        if scope.everything:
            return self._everywhere(categories, most)
        if not scope.trusted:
            return _NO_ROWS
        rows = self._rows.pool(scope.pool_id).at(query.now)
        if categories:
            rows = rows[self._vectors.categories.are_in(rows, categories)]
        return rows if len(rows) <= most else _NO_ROWS

    def _everywhere(self, categories: Sequence[str], most: int) -> Rows:
        if not categories:
            return self._rows.everywhere() if self._rows.height <= most else _NO_ROWS
        rows = self._vectors.categories.rows(categories)
        if len(rows) > most:
            return _NO_ROWS
        banned = self._rows.pool(BANNED).now()
        return rows[~np.isin(rows, banned)] if banned.size else rows

    def _most_alike(self, numbers: Rows, counts: NDArray[np.intp], products: Products, most: int) -> tuple[tuple[str, float], ...]:
        """Categories by the mean product of their rows, which is the product of these rows' mean: nothing has to be kept for it."""
        sums = np.bincount(numbers, weights=products, minlength=len(counts))
        found = counts.nonzero()[0]
        means = sums[found] / counts[found] / ONE
        first = np.argsort(-means, kind="stable")
        # Ties at the end of what is wanted are few, and are put in order with the rest.
        kept = first[: most + np.count_nonzero(means[first[most:]] == means[first[most - 1]])] if most < len(first) else first
        names = [self._vectors.categories.name_of(number) for number in found[kept].tolist()]
        named = zip(names, means[kept].tolist(), strict=True)
        return tuple(sorted(named, key=lambda pair: (-pair[1], pair[0].encode()))[:most])

    def _best(self, query: Query, rows: Rows, products: Products) -> Answer:
        if not rows.size:
            return NOTHING
        found, is_all = best_allowed(self._rows, query, Ranked(rows, products))
        return self._answer(query, found, is_all=is_all)

    def _answer(self, query: Query, found: Ranked, *, is_all: bool) -> Answer:
        return Answer(hits_of(self._rows, query, found.rows, found.scores.tolist(), [()] * len(found.rows)), is_all)


class NoVectorIndex:
    """Where the settings keep no vectors: whoever asks is told so."""

    model = ""

    async def nearest(self, query: Query, vectors: Vectors, categories: Sequence[str] = ()) -> tuple[Answer, ...]:
        raise StoreUnavailable(_UNKEPT)

    async def nearest_categories(self, query: Query, vectors: Vectors, most: int) -> tuple[tuple[tuple[str, float], ...], ...]:
        raise StoreUnavailable(_UNKEPT)

    async def likeness(self, item_ids: Sequence[str], vectors: Vectors) -> dict[str, float]:
        raise StoreUnavailable(_UNKEPT)

    async def vectors_of(self, item_ids: Sequence[str], model: str) -> dict[str, bytes]:
        raise StoreUnavailable(_UNKEPT)


def matrix(vectors: Vectors, generation: VectorGeneration) -> NDArray[np.float32]:
    """(k, d) the vectors, once they are found to be such as the generation's."""
    check_vectors(vectors, generation.model, generation.dimensions)
    return np.frombuffer(vectors.values, "<f4").reshape(-1, generation.dimensions)
