"""How often calls of the read path may be made a second time: at most once in ten, so that a server in trouble is not asked twice as much.

In: calls as they are made. Out: whether one that failed may be made again.
"""

from typing import Final

RETRIES_A_CALL: Final = 0.1
"""Each call pays for this much of a retry; what a token bucket holds of it is spent by retries alone."""
MOST_SAVED: Final = 10.0
"""Retries at most after any number of calls without one, and at the start: what one lost server with ten connections takes."""


class RetryBudget:
    """Of one client of one process. Threads that meet may count one call too few, which is on the safe side."""

    def __init__(self, saved: float = MOST_SAVED) -> None:
        self._saved = saved

    def called(self) -> None:
        """A call is made for the first time."""
        self._saved = min(MOST_SAVED, self._saved + RETRIES_A_CALL)

    def may_retry(self) -> bool:
        """Whether a call may be made again; then it is paid for."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
