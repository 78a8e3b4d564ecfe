"""Which rows changed since a mark: for what is made of many rows at a time, and goes on being asked while they change.

In: rows as they are born, changed and buried. Out: those after a mark. Under the lock of the rows.
"""

from array import array
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from smallpool_stores.memory.arrays import Column, RowList, Rows
from smallpool_stores.memory.listing import Listing


class ChangedRows:
    """Changes are numbered from 1; a mark is the number of the last one before it. Kept beside the rows. Which rows they are of is
    remembered only while somebody wants to know, since nobody else ever forgets them.
    """

    def __init__(self) -> None:
        self._last_change = Column(np.int64)
        self._changes = array("i")
        self._forgotten = 0
        self._is_remembered = False

    def __len__(self) -> int:
        """How many changes are remembered."""
        return len(self._changes)

    def grow(self, capacity: int) -> None:
        """Makes room for `capacity` rows."""
        self._last_change.grow(capacity)

    def put(self, row: int, item: Listing) -> None:
        """The row changed."""
        self._note(row)

    def change(self, row: int, item: Listing) -> None:
        """The row changed."""
        self._note(row)

    def clear(self, row: int, item_id: str) -> None:
        """The row changed."""
        self._note(row)

    def left(self, item: Listing) -> None:
        """Nothing: no row changed."""

    def lists(self) -> Iterable[RowList]:
        """None: what is dead here is told from what else is known of it."""
        return ()

    @property
    def mark(self) -> int:
        """The number of the last change."""
        return self._forgotten + len(self._changes)

    def remember(self) -> None:
        """Somebody will ask for what changes from here on."""
        self._is_remembered = True

    def since(self, mark: int) -> Rows:
        """The rows that changed after the mark, each once."""
        rows = np.array(self._changes[mark - self._forgotten :], np.int32)
        newest: Rows = rows[self._last_change.values.take(rows) == np.arange(mark + 1, self.mark + 1)]
        return newest

    def are_as_of(self, mark: int, rows: Rows) -> NDArray[np.bool_]:
        """For each of the rows whether it has not changed since the mark, (n,) bool."""
        same: NDArray[np.bool_] = self._last_change.values.take(rows) <= mark
        return same

    def forget(self, mark: int) -> None:
        """Nobody will ask for what changed up to the mark."""
        del self._changes[: mark - self._forgotten]
        self._forgotten = max(mark, self._forgotten)

    def forget_all(self) -> None:
        """Nobody will ask for what changed, nor for what changes until the next `remember`."""
        self.forget(self.mark)
        self._is_remembered = False

    def _note(self, row: int) -> None:
        if self._is_remembered:
            self._changes.append(row)
        else:
            self._forgotten += 1
        self._last_change.cells[row] = self.mark
