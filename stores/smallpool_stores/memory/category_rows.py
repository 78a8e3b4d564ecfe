"""The rows of each category and of everything below it, as items come and go.

In: rows, each with its category's path key. Out: the rows of some categories; which of some rows are in them. Under the lock of the rows.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_stores.memory.arrays import Column, RowList, Rows
from smallpool_stores.memory.interned import Interned


class _Below:
    """A category and what is below it: its rows, the dead ones until a sweep, and the numbers of the paths that they have."""

    __slots__ = ("living", "paths", "rows")

    def __init__(self) -> None:
        self.rows = RowList()
        self.paths: set[int] = set()
        self.living = 0


class CategoryRows:
    """Rows by category. A row stands in one list for each element of its path, four bytes each."""

    def __init__(self) -> None:
        self._paths = Interned()
        self._path = Column(np.int32)
        self._below: dict[str, _Below] = {}

    def grow(self, capacity: int) -> None:
        """Makes room for `capacity` rows."""
        self._path.grow(capacity)

    def put(self, row: int, category: str) -> None:
        """The row, which is in none, is in a category from now on."""
        number = self._path.cells[row] = self._paths.take(category)
        for key in _keys(category):
            below = self._below.get(key)
            if below is None:
                below = self._below[key] = _Below()
            below.rows.rows.append(row)
            below.paths.add(number)
            below.living += 1

    def change(self, row: int, category: str) -> None:
        """The row is in this category from now on; hardly ever is it another than before, since the category is a term too."""
        before = self._paths.names[self._path.cells[row]]
        if before != category:
            for key in _keys(before):
                self._below[key].rows.rows.remove(row)
            self.clear(row)
            self.put(row, category)

    def clear(self, row: int) -> None:
        """The row is in no category any more; it stays in lists until they are swept."""
        number = self._path.cells[row]
        keys = _keys(self._paths.names[number])
        is_last = self._paths.give_back(number)
        for key in keys:
            below = self._below[key]
            below.living -= 1
            if not below.living:
                del self._below[key]
            elif is_last:
                below.paths.discard(number)

    def lists(self) -> Iterator[RowList]:
        """Every list that may hold a dead row."""
        return iter([below.rows for below in self._below.values()])

    def rows(self, categories: Sequence[str]) -> Rows:
        """The rows of these categories and of what is below them, dead ones included, each once."""
        found = [below.rows.now() for key in _highest(categories) if (below := self._below.get(key)) is not None]
        return np.concatenate(found) if found else np.empty(0, np.int32)

    def are_in(self, rows: Rows, categories: Iterable[str]) -> NDArray[np.bool_]:
        """For each of the rows, which must be alive to count, whether it is in one of the categories or below it, (n,) bool."""
        is_asked = np.zeros(max(1, len(self._paths)), np.bool_)
        for key in categories:
            if (below := self._below.get(key)) is not None:
                is_asked[list(below.paths)] = True
        inside: NDArray[np.bool_] = is_asked.take(self._path.values.take(rows), mode="clip")
        return inside

    def numbers_of(self, rows: Rows) -> Rows:
        """A number for the category that each of the rows is in itself, (n,) int32; `name_of` says which it is."""
        numbers: Rows = self._path.values.take(rows)
        return numbers

    def name_of(self, number: int) -> str:
        """The path key of a category that a living row is in."""
        return self._paths.names[number]

    @property
    def nbytes(self) -> int:
        """Bytes of the entries of lists."""
        return sum(below.rows.nbytes for below in self._below.values())


def _keys(category: str) -> list[str]:
    """A path and all that lead to it: `"数码›手机"` -> `["数码", "数码›手机"]`."""
    elements = category.split(PATH_SEPARATOR)
    return [PATH_SEPARATOR.join(elements[:depth]) for depth in range(1, len(elements) + 1)]


def _highest(categories: Sequence[str]) -> list[str]:
    """Those of the categories that are not below another of them, each once."""
    asked = dict.fromkeys(categories)
    return [key for key in asked if not any(above in asked for above in _keys(key)[:-1])]
