"""An index over one pool: for each term the places of the rows that have it, and for each row what rankings ask for.

In: the settled rows of a pool, with their facts and lines of terms. Out: places among these rows, with sums of weights.

A question reads the entries of its own terms instead of a line for each row of the pool. The index is never changed: rows that come
later are read from their lines, the dead are left out where candidates are judged, and when the settled rows change, the index goes.
"""

import numpy as np
from numpy.typing import NDArray

from smallpool_stores.memory.arrays import Places, Rows
from smallpool_stores.memory.terms import LINE, Asked, Lines, Marks

_NARROW_MOST = 2**16


class PoolIndex:
    """Places count from 0 in `rows` (n,) int32; `published` (n,) int64 in ms and `static` (n,) int32 go along with them.

    Entries are places ordered by term, in two bytes where the pool is small enough for that.
    """

    __slots__ = ("_begins", "_entries", "_terms", "published", "rows", "static")

    def __init__(self, rows: Rows, published: NDArray[np.int64], static: NDArray[np.int64], lines: Lines) -> None:
        self.rows = rows
        self.published = published
        self.static = static.astype(np.int32)
        terms, places = _by_term(lines)
        firsts = np.diff(terms, prepend=0).nonzero()[0]  # 0 is no term
        self._terms = terms.take(firsts)
        self._begins = np.append(firsts, len(terms)).astype(np.int32)
        self._entries = places.astype(np.uint16 if len(rows) <= _NARROW_MOST else np.uint32)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(part.nbytes for part in (self.rows, self.published, self.static, self._terms, self._begins, self._entries))

    def matching(self, asked: Asked) -> tuple[Places, Marks]:
        """Places of those rows that have one of the terms or more, rising, and their marks."""
        if not self._terms.size or not asked.marks:
            return np.empty(0, np.intp), np.empty(0, np.int64)
        numbers, marks = np.array(list(asked.marks.items()), np.int64).T
        at = self._terms.searchsorted(numbers)
        is_here = self._terms.take(at, mode="clip") == numbers
        begins, ends = self._begins.take(at[is_here]), self._begins.take(at[is_here] + 1)
        entries = [self._entries[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
        repeated = marks[is_here].astype(np.float64).repeat(ends - begins)
        sums = np.bincount(np.concatenate([self._entries[:0], *entries]), repeated, minlength=len(self.rows))
        found = (sums != 0).nonzero()[0]  # three times as fast as to ask the sums themselves
        return found, sums.take(found).astype(np.int64)


def _by_term(lines: Lines) -> tuple[NDArray[np.int32], Places]:
    """The term and the place of every entry of the lines, by term, rising: sorted half by half, three times as fast as at once."""
    first, full, second = lines
    at, at_second = first.reshape(-1).nonzero()[0], second.reshape(-1).nonzero()[0]
    terms = np.concatenate([first.reshape(-1).take(at), second.reshape(-1).take(at_second)])
    places = np.concatenate([at // LINE, full.take(at_second // LINE)])
    order = terms.astype(np.uint16).argsort(kind="stable")
    order = order.take((terms >> 16).astype(np.uint16).take(order).argsort(kind="stable"))
    return terms.take(order), places.take(order)
