"""A graph over the vectors of rows, for what is too much to read: everything that is on sale.

In: stored vectors and their rows. Out: rows that are near to a vector, most of the nearest among them.
"""

import faiss
import numpy as np
from numpy.typing import NDArray

from smallpool_core.vectors import PARTS_OF_ONE
from smallpool_stores.faiss.constrained import BUILT_WITH, NEIGHBOURS, on_one_thread
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.vector_generation import VectorGeneration

_ADDED_AT_ONCE = 50_000


class RowGraph:
    """Of rows as they were at a mark, by the vectors of one generation (Malkov and Yashunin 2016). Coordinates are bytes here too, of the
    rows and of what is asked: a million of 64 take some 220 MB. Built once, asked by any number of threads.
    """

    def __init__(self, generation: VectorGeneration, mark: int, rows: Rows, stored: NDArray[np.int8]) -> None:
        on_one_thread()
        self.generation = generation
        self.mark = mark
        self._rows = rows
        kind = faiss.ScalarQuantizer.QT_8bit_direct_signed
        self._index = faiss.IndexHNSWSQ(generation.dimensions, kind, NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = BUILT_WITH
        self._index.is_trained = True  # coordinates are what they are
        for first in range(0, len(stored), _ADDED_AT_ONCE):
            self._index.add(stored[first : first + _ADDED_AT_ONCE].astype(np.float32))

    def __len__(self) -> int:
        return len(self._rows)

    def near(self, vector: NDArray[np.float32], count: int) -> Rows:
        """The rows of about the `count` nearest to (d,) of unit length, in no order; none of a graph of nothing, which FAISS refuses."""
        if not len(self):
            return self._rows
        asked = np.rint(vector * PARTS_OF_ONE).astype(np.float32)[None]
        how = faiss.SearchParametersHNSW(efSearch=count)
        numbers = self._index.search(asked, min(count, len(self)), params=how)[1][0]
        found: Rows = self._rows.take(numbers[numbers >= 0])
        return found
