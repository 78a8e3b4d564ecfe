"""Vectors of rows in one packed matrix, made of the terms that the rows are born with.

In: rows as they are born and buried. Out: for rows their inner products with some vectors, as whole numbers.

A coordinate is kept as a whole number of 1/127, a byte. So an item takes 64 bytes, one line of a cache, and each product is a sum of
whole numbers below 2^24, which float32 adds exactly in any order: all processes and machines order rows alike.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.term_vectors import DIMENSIONS, Direction, directions
from smallpool_stores.memory.arrays import Column, RowList, Rows

SCALE: Final = 127
"""A coordinate of 1."""
ONE: Final = SCALE * SCALE
"""The product of two equal vectors, within 2 %."""
MADE_AT_ONCE: Final = 256
_AT_ONCE: Final = 1_024
"""Rows in one product. They stay in a core's cache as float32, and up to 2^18 multiplications OpenBLAS starts no threads, which on a
busy machine wait for one another: 10,000 rows by three vectors take .5 ms instead of 16.
"""
_FEWEST: Final = 2
"""Vectors in one product: of a single one OpenBLAS would make another kind of product, with threads."""

Products = NDArray[np.int32]


class VectorColumns:
    """The rows' vectors beside their other columns, under the same lock; a row without a term that counts has none, which is all zeros.

    A vector is made when it is first asked for or with the next `MADE_AT_ONCE`, because many at a time take a tenth of the time.
    """

    def __init__(self) -> None:
        self._values = Column(np.int8, DIMENSIONS)
        self._waiting: dict[int, tuple[str, ...]] = {}

    def grow(self, capacity: int) -> None:
        """Makes room for `capacity` rows."""
        self._values.grow(capacity)

    def put(self, row: int, terms: Iterable[str]) -> None:
        """The row, which has none, begins to have the vector of these terms."""
        self._waiting[row] = tuple(terms)
        if len(self._waiting) >= MADE_AT_ONCE:
            self._make()

    def clear(self, row: int) -> None:
        """The row has no vector any more."""
        self._waiting.pop(row, None)
        self._values.values[row] = 0

    def lists(self) -> Iterable[RowList]:
        """None: no list holds rows here."""
        return ()

    def products(self, rows: Rows, vectors: NDArray[np.float32]) -> Products:
        """(n, k) inner products of n rows with (k, 64) unit vectors, `ONE` times as large and whole."""
        if self._waiting:
            self._make()
        asked = np.zeros((DIMENSIONS, max(_FEWEST, len(vectors))), np.float32)
        asked[:, : len(vectors)] = np.rint(vectors.astype(np.float64) * SCALE).T
        found = np.empty((len(rows), asked.shape[1]), np.int32)
        for first in range(0, len(rows), _AT_ONCE):
            some = self._values.values.take(rows[first : first + _AT_ONCE], axis=0).astype(np.float32)
            found[first : first + _AT_ONCE] = some @ asked
        return found[:, : len(vectors)]

    @property
    def bytes_per_row(self) -> int:
        """Bytes that one row takes."""
        return int(self._values.values[0].nbytes)

    def _make(self) -> None:
        made = {row: some for row, terms in self._waiting.items() if (some := directions(terms))}
        self._waiting.clear()
        if not made:
            return
        sums = _sums(list(made.values()))
        lengths = np.sqrt(np.einsum("ij,ij->i", sums, sums))[:, None]
        # Terms whose directions cancel out add up to nothing, and to no vector.
        unit = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
        self._values.values[list(made)] = np.rint(unit * SCALE)


def _sums(rows: Sequence[Sequence[Direction]]) -> NDArray[np.float64]:
    """(n, 64) the sums of each row's directions, each as long as it weighs. What is added up are the bits, since they are bytes: the sum
    of the signs is twice that less all weights.
    """
    counts = [len(row) for row in rows]
    starts = np.cumsum([0, *counts[:-1]])
    weights = np.array([one.weight for row in rows for one in row], np.int16)
    bits = np.frombuffer(b"".join([one.bits for row in rows for one in row]), np.uint8).reshape(-1, DIMENSIONS // 8)
    plus = np.add.reduceat(np.unpackbits(bits, axis=1) * weights[:, None], starts, axis=0)
    return (2 * plus - np.add.reduceat(weights, starts)[:, None]).astype(np.float64)
