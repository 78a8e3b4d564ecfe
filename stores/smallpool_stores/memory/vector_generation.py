"""The vectors of one model: those of rows in one packed matrix, those of items that left lately in another.

In: vectors by row. Out: for rows their inner products with some vectors, as whole numbers; vectors of unit length.

A coordinate of an item is a whole number of 1/127, a byte, so an item of 64 takes one line of a cache; one of a question is a whole number
of 1/65,536. Each product is a sum of whole numbers below 2^24 (127 · 65,536 and what rounding adds to the lengths), which float32 adds
exactly in any order: all processes and machines order rows alike.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.vectors import PARTS_OF_ONE
from smallpool_stores.memory.arrays import Column, Places, Rows

ASKED_PARTS_OF_ONE: Final = 65_536
"""A coordinate of 1 in a question."""
ONE: Final = PARTS_OF_ONE * ASKED_PARTS_OF_ONE
"""The product of two equal vectors, within 2 %."""
_AT_ONCE: Final = 1_024
"""Rows in one product. They stay in a core's cache as float32, and up to 2^18 multiplications OpenBLAS starts no threads, which on a
busy machine wait for one another: 10,000 rows by three vectors take .5 ms instead of 16.
"""
_FEWEST: Final = 2
"""Vectors in one product: of a single one OpenBLAS would make another kind of product, with threads."""

Products = NDArray[np.int32]


class VectorGeneration:
    """A row without a vector has zeros, and so has a place of the gone. Not safe for threads by itself."""

    def __init__(self, model: str, dimensions: int, capacity: int, remembered: int) -> None:
        self.model = model
        self.dimensions = dimensions
        self._values = Column(np.int8, dimensions)
        self._values.grow(capacity)
        self._gone = np.zeros((remembered, dimensions), np.int8)

    def grow(self, capacity: int) -> None:
        """Makes room for `capacity` rows."""
        self._values.grow(capacity)

    def put(self, row: int, vector: bytes) -> None:
        """The row has this vector from now on."""
        self._values.values[row] = np.frombuffer(vector, np.int8)

    def clear(self, row: int) -> None:
        """The row has no vector any more."""
        self._values.values[row] = 0

    def bury(self, row: int, place: int) -> None:
        """What the row has goes to a place of the gone."""
        self._gone[place] = self._values.values[row]
        self.clear(row)

    def remember(self, place: int, vector: bytes) -> None:
        """This vector goes to a place of the gone, zeros where it is empty."""
        self._gone[place] = np.frombuffer(vector, np.int8) if vector else 0

    def bring_back(self, row: int, place: int) -> None:
        """What is at the place goes to the row."""
        self._values.values[row] = self._gone[place]

    def products(self, rows: Rows, vectors: NDArray[np.float32]) -> Products:
        """(n, k) inner products of n rows with (k, d) unit vectors, `ONE` times as large and whole."""
        asked = np.zeros((self.dimensions, max(_FEWEST, len(vectors))), np.float32)
        asked[:, : len(vectors)] = np.rint(vectors.astype(np.float64) * ASKED_PARTS_OF_ONE).T
        found = np.empty((len(rows), asked.shape[1]), np.int32)
        for first in range(0, len(rows), _AT_ONCE):
            some = self._values.values.take(rows[first : first + _AT_ONCE], axis=0).astype(np.float32)
            found[first : first + _AT_ONCE] = some @ asked
        return found[:, : len(vectors)]

    def products_of_those_that_have_any(self, rows: Rows, vectors: NDArray[np.float32]) -> tuple[Rows, Products]:
        """Those of the rows that have a vector, and their `products`."""
        products = self.products(rows, vectors)
        has_vector = np.zeros(len(rows), np.bool_)
        for place in range(products.shape[1]):  # each row by itself would take numpy several times as long
            has_vector |= products[:, place] != 0
        if has_vector.all():
            return rows, products
        # A vector may be like none of those asked: only of these few rows it has to be looked up.
        has_vector[~has_vector] = np.logical_or.reduce(self._values.values.take(rows[~has_vector], axis=0), axis=1)
        return rows[has_vector], products[has_vector]

    def stored(self, rows: Rows) -> NDArray[np.int8]:
        """(n, d) vectors of the rows as they are kept, a copy."""
        stored: NDArray[np.int8] = self._values.values.take(rows, axis=0)
        return stored

    def vectors(self, rows: Rows) -> NDArray[np.float32]:
        """(n, d) vectors of the rows, of unit length; zeros for a row that has none."""
        return _unit(self.stored(rows))

    def gone(self, places: Places) -> NDArray[np.float32]:
        """The same of places of the gone."""
        return _unit(self._gone.take(places, axis=0))


def _unit(stored: NDArray[np.int8]) -> NDArray[np.float32]:
    values = stored.astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", values, values))[:, None]
    unit: NDArray[np.float64] = np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0)
    return unit.astype(np.float32)
