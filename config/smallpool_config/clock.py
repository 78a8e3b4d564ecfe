"""The clock of real systems."""

import time


class SystemClock:
    """UTC by the machine's own clock."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000
