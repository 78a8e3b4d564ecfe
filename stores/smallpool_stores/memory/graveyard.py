"""Dead rows, and the passes over all lists after which their numbers may be given again.

In: rows as they die. Out: numbers that no list holds any more.
"""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from smallpool_stores.memory.arrays import RowList

SWEEP_FLOOR = 1024
"""A pass begins when a quarter as many rows died as live, but at least this many."""


class Graveyard:
    """Rows that died, in the order: dead, waiting for the pass under way to end, free. Not safe for threads by itself."""

    def __init__(self, floor: int = SWEEP_FLOOR) -> None:
        self._floor = floor
        self._dead: list[int] = []
        self._waiting: list[int] = []
        self._free: list[int] = []
        self._unswept: list[RowList] = []
        self._lists_in_pass = 0

    def bury(self, row: int) -> None:
        """The row died."""
        self._dead.append(row)

    def reuse(self) -> int | None:
        """A number that no list holds any more, None where there is none."""
        return self._free.pop() if self._free else None

    def sweep(self, taken: int, living: int, order: NDArray[np.int64], lists: Callable[[], Iterable[RowList]]) -> None:
        """Goes on with a pass as far as `taken` records pay for, or begins one; `order` is negative for the dead.

        A pass ends by about the time that enough records came in for the next to begin: so no call does much, and the dead are at
        most about half as many as the living.
        """
        enough = max(self._floor, living // 4)
        if self._waiting:
            for _ in range(min(len(self._unswept), 1 + self._lists_in_pass * taken // enough)):
                self._unswept.pop().sweep(order)
            if not self._unswept:
                self._free += self._waiting
                self._waiting = []
        elif len(self._dead) >= enough:
            self._waiting, self._dead = self._dead, []
            self._unswept = list(lists())
            self._lists_in_pass = len(self._unswept)
