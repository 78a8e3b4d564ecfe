"""Growing arrays: a column with a value for each row, and a list of rows, with the instants at which each of them holds.

In: single values, written by row number. Out: numpy arrays to gather from. Not safe for threads by themselves.
"""

from array import array
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Rows = NDArray[np.int32]
"""Row numbers."""

FIRST_CAPACITY = 1024
_ALWAYS = (-(2**63), 2**63 - 1)


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
        alive = order[self.now()] >= 0
        if not alive.all():
            self._keep(alive)

    def _keep(self, alive: NDArray[np.bool_]) -> None:
        self.rows = array("i", self.now()[alive].tobytes())

    @property
    def nbytes(self) -> int:
        """Bytes of the entries."""
        return len(self.rows) * self.rows.itemsize


class PoolRows(RowList):
    """The rows of one pool. Where its rule depends on time, each entry carries the closed interval of now (ms) in which it holds.

    A row with several disjoint intervals stands several times; at any instant at most one of them holds.
    """

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        super().__init__()
        self.starts: array[int] | None = None
        self.ends: array[int] | None = None

    @property
    def is_timed(self) -> bool:
        """Whether who is in the pool depends on the time."""
        return self.starts is not None

    def add(self, row: int) -> None:
        """Puts the row in the pool for good."""
        if self.starts is None:
            self.rows.append(row)
        else:
            self.add_interval(row, _ALWAYS[0], _ALWAYS[1])

    def add_interval(self, row: int, start: int, end: int) -> None:
        """Puts the row in the pool while start <= now <= end."""
        if self.starts is None or self.ends is None:
            self.starts = array("q", [_ALWAYS[0]]) * len(self.rows)
            self.ends = array("q", [_ALWAYS[1]]) * len(self.rows)
        self.rows.append(row)
        self.starts.append(start)
        self.ends.append(end)

    def at(self, now: int) -> Rows:
        """The rows that are in the pool at `now` (ms), dead ones included, each once."""
        rows = self.now()
        if self.starts is None or self.ends is None:
            return rows
        holds = (np.array(self.starts, np.int64) <= now) & (np.array(self.ends, np.int64) >= now)
        return rows.take(holds.nonzero()[0])

    def _keep(self, alive: NDArray[np.bool_]) -> None:
        super()._keep(alive)
        if self.starts is not None and self.ends is not None:
            self.starts = array("q", np.array(self.starts, np.int64)[alive].tobytes()) if self.rows else None
            self.ends = array("q", np.array(self.ends, np.int64)[alive].tobytes()) if self.rows else None

    @property
    def nbytes(self) -> int:
        """Bytes of the entries and their intervals."""
        intervals = 0 if self.starts is None else 2 * len(self.starts) * self.starts.itemsize
        return super().nbytes + intervals
