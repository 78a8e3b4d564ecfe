"""Whether the threads of a process come round as they should.

In: what a thread does again and again. Out: the same, noted each time; the names of those that hang.
"""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")

HANGS_S = 300.0
"""A thread that has not come round for so long hangs. One turn waits for its stores, each with a time-out of its own: a bulk of
writes that is offered again and again, with brokers that are silent on top, is over sooner."""


class Pulse:
    """Notes when a turn begins and ends. `others` says for how many seconds each thread that looks after itself has been silent."""

    def __init__(self, others: Callable[[], Mapping[str, float]], monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._others = others
        self._monotonic_s = monotonic_s
        self._came_round_s: dict[str, float] = {}

    def of(self, name: str, turn: Callable[[], T]) -> Callable[[], T]:
        """The turn, from now on watched under this name."""
        self._came_round_s[name] = self._monotonic_s()

        def noted() -> T:
            self._came_round_s[name] = self._monotonic_s()
            try:
                return turn()
            finally:
                self._came_round_s[name] = self._monotonic_s()

        return noted

    def hanging(self) -> dict[str, str]:
        """What is wrong, by thread; nothing while all come round."""
        now = self._monotonic_s()
        silent = {name: now - at for name, at in self._came_round_s.items()} | dict(self._others())
        return {name: f"has not come round for {seconds:.0f} s" for name, seconds in silent.items() if seconds > HANGS_S}
