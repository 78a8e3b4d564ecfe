"""The rows of one pool: those that have settled, in rising order, and the newer ones as they came.

In: rows, each with the instants at which the pool holds it. Out: the rows, and which of some rows the pool holds at an instant.
Not safe for threads by themselves.
"""

from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smallpool_stores.memory.arrays import Places, RowList, Rows
from smallpool_stores.memory.pool_index import PoolIndex

SETTLE_FLOOR = 512
"""Newer rows settle once they are more than this many and more than an eighth of the pool."""
_SHARE_OF_NEWER = 8
_ALWAYS = (-(2**63), 2**63 - 1)


class Held(NamedTuple):
    """What a pool holds at an instant, dead rows included, each once: which of the settled ones (None: all), and the newer ones."""

    settled: NDArray[np.bool_] | None
    newer: Rows


class PoolRows(RowList):
    """Where a pool's rule depends on time, each entry carries the closed interval of now (ms) in which it holds.

    A row with several disjoint intervals stands several times; at any instant at most one of them holds. The first `settled`
    entries rise; `index` is of them, for who makes one, and gone once they change.
    """

    __slots__ = ("ends", "index", "settled", "starts")

    def __init__(self) -> None:
        super().__init__()
        self.starts: array[int] | None = None
        self.ends: array[int] | None = None
        self.settled = 0
        self.index: PoolIndex | None = None

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

    def settle(self, floor: int) -> None:
        """Lets all rows settle if the newer ones are many by now."""
        if len(self.rows) - self.settled > max(floor, len(self.rows) // _SHARE_OF_NEWER):
            self._arrange(self.now().argsort())
            self.settled = len(self.rows)

    def held(self, now: int) -> Held:
        """What the pool holds at `now` (ms)."""
        holds = self._holds(now)
        newer = np.array(self.rows[self.settled :], np.int32)
        if holds is None:
            return Held(None, newer)
        return Held(holds[: self.settled], newer[holds[self.settled :]])

    def at(self, now: int) -> Rows:
        """The rows that are in the pool at `now` (ms), dead ones included, each once."""
        rows, holds = self.now(), self._holds(now)
        return rows if holds is None else rows[holds]

    def within(self, asked: Rows, now: int) -> NDArray[np.bool_]:
        """For each of the rows asked whether the pool holds it at `now` (ms), (n,) bool; made for few of them."""
        held, newer = self.held(now)
        settled = np.array(self.rows[: self.settled], np.int32)
        return _found(asked, settled if held is None else settled[held]) | _found(asked, np.sort(newer))

    def _holds(self, now: int) -> NDArray[np.bool_] | None:
        """For each entry whether it holds at `now`; None where the pool does not depend on time."""
        if self.starts is None or self.ends is None:
            return None
        holds: NDArray[np.bool_] = (np.array(self.starts, np.int64) <= now) & (np.array(self.ends, np.int64) >= now)
        return holds

    def _keep(self, kept: Places) -> None:
        self.settled = int(kept.searchsorted(self.settled))
        self._arrange(kept)

    def _arrange(self, places: Places) -> None:
        super()._keep(places)
        if self.starts is not None and self.ends is not None:
            self.starts = array("q", np.array(self.starts, np.int64).take(places).tobytes()) if self.rows else None
            self.ends = array("q", np.array(self.ends, np.int64).take(places).tobytes()) if self.rows else None
        self.index = None

    @property
    def nbytes(self) -> int:
        """Bytes of the entries and their intervals."""
        intervals = 0 if self.starts is None else 2 * len(self.starts) * self.starts.itemsize
        return super().nbytes + intervals


def _found(asked: Rows, rising: Rows) -> NDArray[np.bool_]:
    if not rising.size:
        return np.zeros(len(asked), np.bool_)
    found: NDArray[np.bool_] = rising.take(rising.searchsorted(asked), mode="clip") == asked
    return found
