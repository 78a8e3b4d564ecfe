"""Counts what happens in pools in one process, and passes it on, every few seconds, to where it is kept for all.

In: pages and listings. Out: amounts by pool, kind and hour in `PoolFigures`; what that does not take is kept and passed on later.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Final

from smallpool_core.errors import StoreError
from smallpool_core.pool_hours import HOUR_MS, LISTED, Counted, HourCount
from smallpool_core.ports import Clock, PoolFigures

EVERY_MS: Final = 5_000
AFTER_A_FAILURE_MS: Final = 30_000
AT_ONCE: Final = 200
"""Counts of one turn: where they share a file and a thread with listings, these have their turn in between."""

log = logging.getLogger("smallpool.figures")


class PoolCounter:
    """Counts until somebody takes away what there is; safe for threads. It holds one number a pool, kind and hour."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int, Counted]] = Counter()
        self._lock = Lock()

    def page(self, pool_id: str, at: int, *, asked: int, given: int, recalled: int, sources: Mapping[Counted, int] | None = None) -> None:
        """One page that was returned; `sources` by what `of_source` names."""
        hour = at // HOUR_MS
        with self._lock:
            self._counts[pool_id, hour, "pages"] += 1
            self._counts[pool_id, hour, "asked"] += asked
            self._counts[pool_id, hour, "given"] += given
            self._counts[pool_id, hour, "recalled"] += recalled
            for counted, amount in (sources or {}).items():
                self._counts[pool_id, hour, counted] += amount

    def listed(self, pool_ids: Iterable[str], at: int) -> None:
        """One listing that came into these pools."""
        hour = at // HOUR_MS
        with self._lock:
            self._counts.update((pool_id, hour, LISTED) for pool_id in pool_ids)

    def put_back(self, counts: Sequence[HourCount]) -> None:
        """What was taken and could not be stored."""
        with self._lock:
            for one in counts:
                self._counts[one.pool_id, one.hour, one.counted] += one.amount

    def take(self) -> list[HourCount]:
        """All that was counted since the last time."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return [HourCount(pool_id, hour, counted, amount) for (pool_id, hour, counted), amount in taken.items() if amount]


class CountSender:
    """Passes on what a counter holds. For one thread; nobody waits for it, so it raises no error of a store."""

    def __init__(self, counter: PoolCounter, figures: PoolFigures, clock: Clock) -> None:
        self._counter = counter
        self._figures = figures
        self._clock = clock
        self._waiting: list[HourCount] = []
        self._sent_at: int | None = None
        self._pause_ms = EVERY_MS

    def turn(self) -> bool:
        """Sends some of what it is time for; what is left of it is in no hurry."""
        now = self._clock.now_ms()
        if not self._waiting and (self._sent_at is None or not 0 <= now - self._sent_at < self._pause_ms):
            self._sent_at, self._waiting = now, self._counter.take()
        self._send_some()
        return False

    def send(self) -> None:
        """Sends everything now."""
        self._waiting += self._counter.take()
        while self._waiting:
            self._send_some()

    def _send_some(self) -> None:
        some, left = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        try:
            self._figures.add(some)
            self._waiting, self._pause_ms = left, EVERY_MS
        except StoreError as error:
            self._counter.put_back(self._waiting)
            self._waiting = []
            self._pause_ms = AFTER_A_FAILURE_MS
            log.warning("what was counted in pools waits %d s: %s", AFTER_A_FAILURE_MS // 1000, error)
