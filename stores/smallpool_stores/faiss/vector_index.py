"""The port `VectorIndex` with FAISS for what the numpy adapter does not search: everything on sale, where that is too much to read.

In: as that adapter. Out: as that adapter; of everything the nearest rows but a few.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.pages import Answer, Query
from smallpool_core.vectors import Vectors
from smallpool_stores.faiss.in_no_hurry import in_no_hurry
from smallpool_stores.memory.allowed import best_allowed
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.changed_rows import ChangedRows
from smallpool_stores.memory.in_scope import Ranked
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.memory.vector_generation import Products, VectorGeneration
from smallpool_stores.memory.vector_index import MOST_ROWS, NOTHING, NumpyVectorIndex, matrix
from smallpool_stores.memory.vectors import VectorColumns

if TYPE_CHECKING:
    from smallpool_stores.faiss.row_graph import RowGraph

_SHARE_CHANGED = 8
"""The graph is built anew when more than an eighth of its rows changed, which until then are read one after another."""
_DEPTH, _DEEPER, _MOST_NEAR = 4, 4, 8_192
"""Rows that the graph is asked for: some times as many as are wanted, more where the query allows too few of them."""
_FEWEST_NEAR: Final = 128
_COPIED_AT_ONCE = 16_384
"""Vectors copied for a graph under one hold of the lock, a megabyte."""


class FaissVectorIndex(NumpyVectorIndex):
    """Exact inside pools and categories, and of everything up to `most_rows`; above that by a graph, which `rebuild` makes once somebody
    has asked for it: a million rows take minutes of a core and 220 MB, which a service without a home feed by vectors does not pay. Until
    there is a graph nothing is found there.
    """

    def __init__(self, rows: ItemRows, vectors: VectorColumns, changed: ChangedRows, most_rows: int = MOST_ROWS) -> None:
        super().__init__(rows, vectors, most_rows)
        self._changed = changed
        self._graph: RowGraph | None = None
        self._is_asked_for = False

    async def nearest(self, query: Query, vectors: Vectors, categories: Sequence[str] = ()) -> tuple[Answer, ...]:
        if query.scope.everything and not categories:
            with self._rows.lock:
                self._is_asked_for = True
                graph = self._graph
                if graph is not None and graph.generation is self._vectors.of(vectors.model):
                    asked = matrix(vectors, graph.generation)
                    newer, products = self._newer(query, asked, graph)
                    return tuple([self._near(query, asked[place], graph, Ranked(newer, products[:, place])) for place in range(len(asked))])
        return await super().nearest(query, vectors, categories)

    def rebuild(self) -> bool:
        """Builds the graph where it is due, and says whether it was. Takes minutes for a million rows, while which the rows are free: for a
        thread of its own. On Linux the building itself waits for whatever else wants the cores.
        """
        with self._rows.lock:
            generation = self._vectors.in_force
            if generation is None or self._rows.height <= self._most_rows or not self._is_asked_for:
                self._graph = None
                self._changed.forget_all()
                return False
            graph = self._graph
            if graph is not None and graph.generation is generation and self._is_fresh(graph):
                return False
            self._changed.remember()
            mark, height = self._changed.mark, self._rows.height
        from smallpool_stores.faiss.row_graph import RowGraph  # noqa: PLC0415, FAISS is loaded where a graph is due, after any fork

        copied = self._copied(generation, height)
        built = in_no_hurry(lambda: RowGraph(generation, mark, *copied))
        with self._rows.lock:
            self._graph = built
            self._changed.forget(mark)
        return True

    def _copied(self, generation: VectorGeneration, height: int) -> tuple[Rows, NDArray[np.int8]]:
        """The rows up to `height` that have a vector, and these vectors: some under each hold of the lock, so that no page waits for all.
        What changes meanwhile counts as changed since the mark, whatever was copied of it.
        """
        rows, stored = list[Rows](), list[NDArray[np.int8]]()
        for first in range(0, height, _COPIED_AT_ONCE):
            some = np.arange(first, min(first + _COPIED_AT_ONCE, height), dtype=np.int32)
            with self._rows.lock:
                vectors = generation.stored(some)
            has_any = vectors.any(axis=1)
            rows.append(some[has_any])
            stored.append(vectors[has_any])
        return np.concatenate(rows), np.concatenate(stored)

    def _is_fresh(self, graph: "RowGraph") -> bool:
        return self._changed.mark - graph.mark <= max(self._most_rows // _SHARE_CHANGED, len(graph) // _SHARE_CHANGED)

    def _newer(self, query: Query, asked: NDArray[np.float32], graph: "RowGraph") -> tuple[Rows, Products]:
        """Rows of the scope that changed since the graph was built, which may be as many as an eighth of it, by one product for all."""
        rows = self._changed.since(graph.mark)
        return graph.generation.products_of_those_that_have_any(rows[self._rows.inside(query.scope, rows, query.now)], asked)

    def _near(self, query: Query, vector: NDArray[np.float32], graph: "RowGraph", newer: Ranked) -> Answer:
        depth = max(_FEWEST_NEAR, _DEPTH * (query.limit + len(query.excluded)))
        while True:
            near = graph.near(vector, min(depth, _MOST_NEAR))
            near = near[self._changed.are_as_of(graph.mark, near)]
            near = near[self._rows.inside(query.scope, near, query.now)]
            products = graph.generation.products(near, vector[None])[:, 0]
            ranked = Ranked(np.concatenate([near, newer.rows]), np.concatenate([products, newer.scores]))
            found, is_all = best_allowed(self._rows, query, ranked)
            if len(found.rows) == query.limit or depth >= min(_MOST_NEAR, len(graph)):
                break
            depth *= _DEEPER
        is_whole = is_all and depth >= len(graph)
        return self._answer(query, found, is_all=is_whole) if found.rows.size or is_whole else NOTHING
