"""Growing arrays: a column with a value for each row, and a list of rows.

In: single values, written by row number. Out: numpy arrays to gather from. Not safe for threads by themselves.
"""

from array import array
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Rows = NDArray[np.int32]
"""Row numbers."""
Places = NDArray[np.intp]
"""Places in some array."""

FIRST_CAPACITY = 1024


class Column:
    """One value of a fixed width for each row; `cells` writes single values faster than numpy does."""

    __slots__ = ("cells", "values")

    def __init__(self, dtype: DTypeLike, width: int = 1) -> None:
        shape = FIRST_CAPACITY if width == 1 else (FIRST_CAPACITY, width)
        self.values: NDArray[Any] = np.zeros(shape, dtype)
        self.cells = self.values.reshape(-1).data

    def grow(self, capacity: int) -> None:
        """Makes room for `capacity` rows; new ones are zero."""
        values = np.zeros((capacity, *self.values.shape[1:]), self.values.dtype)
        values[: len(self.values)] = self.values
        self.values = values
        self.cells = values.reshape(-1).data


class RowList:
    """Rows that have something in common, in the order in which they came; a row that died stays until a sweep."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows = array("i")

    def now(self) -> Rows:
        """The rows as an array of the caller's own, (n,) int32."""
        return np.array(self.rows, np.int32)

    def sweep(self, order: NDArray[np.int64]) -> None:
        """Drops the rows whose `order` is negative: the dead ones."""
        alive = (order[self.now()] >= 0).nonzero()[0]
        if len(alive) < len(self.rows):
            self._keep(alive)

    def _keep(self, kept: Places) -> None:
        self.rows = array("i", self.now().take(kept).tobytes())

    @property
    def nbytes(self) -> int:
        """Bytes of the entries."""
        return len(self.rows) * self.rows.itemsize
