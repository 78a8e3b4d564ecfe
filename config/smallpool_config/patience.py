"""Waiting for a store that does not answer: ever longer, and never as long as the others who wait for it.

In: what is to be done. Out: what it returns, once the store answers.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from smallpool_core.errors import StoreUnavailable

FIRST_S = 0.1
MOST_S = 5.0

T = TypeVar("T")
log = logging.getLogger("smallpool.patience")


def pauses() -> Iterator[float]:
    """Pauses in seconds, doubling up to `MOST_S`; half of each is left to chance, which spreads out those who come back at once."""
    longest = FIRST_S
    while True:
        yield longest * random.uniform(0.5, 1.0)  # noqa: S311, nothing is guarded by it
        longest = min(2 * longest, MOST_S)


def insist(call: Callable[[], T]) -> T:
    """What the call returns, made again after each `StoreUnavailable`; for a process that is of no use before."""
    for pause in pauses():
        try:
            return call()
        except StoreUnavailable as error:
            log.warning("starting waits %.1f s: %s", pause, error)
            time.sleep(pause)
    raise AssertionError("pauses never end")
