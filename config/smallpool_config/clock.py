"""The clock of real systems."""

import time


class StandingClock:
    """Always the same instant, in epoch ms: what is done twice comes out the same."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self._now_ms


class SystemClock:
    """UTC by the machine's own clock."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000
