"""usearch as a contestant: its graph knows no constraint, so what it finds is filtered afterwards.

In: vectors. Out: the numbers of those near to a vector.
"""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]


class UsearchGraph:
    """A graph over (n, d) vectors, numbered from 0, by inner product, on one thread; `ImportError` where usearch is not installed."""

    def __init__(self, vectors: Matrix) -> None:
        from usearch.index import Index  # noqa: PLC0415, an extra of the bench alone

        self._index = Index(ndim=vectors.shape[1], metric="ip", dtype="f32")
        self._index.add(np.arange(len(vectors)), vectors, threads=1)

    def near(self, vector: Matrix, count: int) -> Numbers:
        """The numbers of about the `count` nearest to (d,), the nearest first."""
        found: Numbers = np.asarray(self._index.search(vector, count, threads=1).keys, np.int64)
        return found
