"""The whole write path of one process, to be turned by one thread: listings, behaviour, backfill, sweeping.

In: the time. Out: whether anything was done, so that the caller knows when to wait for news. Nothing here starts a thread
or sleeps.
"""

from msgspec import Struct

from smallpool_core.ports import Clock
from smallpool_indexer.backfill import Backfill
from smallpool_indexer.index import TailIndexer
from smallpool_indexer.pipeline import Indexer
from smallpool_indexer.sweep import Sweeper
from smallpool_indexer.user_events import UserEventConsumer

SWEEP_EVERY_MS = 60_000


class Workers(Struct, frozen=True):
    """What takes its turn."""

    indexer: Indexer
    tail_indexer: TailIndexer
    user_events: UserEventConsumer
    backfill: Backfill
    sweeper: Sweeper


class WritePath:
    """Gives each worker one bounded piece of work a turn, so that none starves another."""

    def __init__(self, clock: Clock, workers: Workers) -> None:
        self._clock = clock
        self._workers = workers
        self._swept_at: int | None = None

    def turn(self) -> bool:
        """One turn; whether there may be more to do at once. Store errors pass through: wait, then turn again."""
        workers = self._workers
        taken = workers.indexer.run_once() + workers.tail_indexer.run_once() + workers.user_events.run_once()
        more = workers.backfill.step()
        return self._sweep() > 0 or more or taken > 0

    def settle(self) -> None:
        """Turns until nothing is left to do."""
        while self.turn():
            pass
        self._workers.tail_indexer.drain()

    def _sweep(self) -> int:
        now = self._clock.now_ms()
        if self._swept_at is not None and 0 <= now - self._swept_at < SWEEP_EVERY_MS:
            return 0
        self._swept_at = now
        return self._workers.sweeper.sweep(now)
