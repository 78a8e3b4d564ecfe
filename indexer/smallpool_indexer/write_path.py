"""The write path of one process: what takes its turn, in three lines that wait for different stores.

In: the time. Out: whether anything was done, so that the caller knows when to wait for news. Nothing here starts a thread
or sleeps.

A line is for one thread at a time. One thread may turn all lines one after another, or each line has a thread of its own: what they
share is safe with threads where a wiring gives them several (the log, the statistics, and what backfill and rescorer hand over). So a store
that hangs holds up the line that asks it: the wide index never keeps a sale from being recorded, nor behaviour a listing.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from smallpool_core.ports import Clock
from smallpool_indexer.backfill import Backfill
from smallpool_indexer.forget import Forgetter
from smallpool_indexer.index import TailIndexer
from smallpool_indexer.pipeline import Indexer
from smallpool_indexer.renew import Renewer
from smallpool_indexer.reposts import RepostMarker
from smallpool_indexer.rescore import Rescorer
from smallpool_indexer.sellers import SellerEventConsumer, SellerScorer
from smallpool_indexer.sweep import Sweeper
from smallpool_indexer.user_events import UserEventConsumer

SWEEP_EVERY_MS = 60_000
RENEWAL = "renewal"
"""The name of the worker that brings stored listings in line with what understands them now."""

Turn = Callable[[], bool]
"""One bounded piece of work; whether there may be more to do at once. Store errors pass through: wait, then turn again."""


class Worker(Struct, frozen=True):
    """What takes its turn, by its name for people."""

    name: str
    turn: Turn


Line = Sequence[Worker]
"""Workers that take turns, so that none starves another."""


def turn_of(lines: Sequence[Line]) -> Turn:
    """One turn of every worker, in their order."""
    return lambda: sum(worker.turn() for line in lines for worker in line) > 0


class Workers(Struct, frozen=True):
    """What the lines are made of; `forgetter` where item intake does not wait for the statistics."""

    indexer: Indexer
    tail_indexer: TailIndexer
    user_events: UserEventConsumer
    backfill: Backfill
    sweeper: Sweeper
    rescorer: Rescorer
    renewer: Renewer
    reposts: RepostMarker
    seller_events: SellerEventConsumer
    sellers: SellerScorer
    forgetter: Forgetter | None = None


class WritePath:
    """Listings, backfill and sweeping ask the log and the wide table; indexing and the marking of pools ask the wide index and the
    store of the pools; behaviour asks the stores of people.
    """

    def __init__(self, clock: Clock, workers: Workers) -> None:
        self._clock = clock
        self._workers = workers
        self._swept_at: int | None = None
        self.taking_in: Line = (
            Worker("items", lambda: workers.indexer.run_once() > 0),
            Worker("backfill", workers.backfill.step),
            Worker("sweeper", lambda: self._sweep() > 0),
            Worker("static scores", lambda: workers.rescorer.send(clock.now_ms())),
            Worker(RENEWAL, workers.renewer.step),
            Worker("seller scores", lambda: workers.sellers.send(clock.now_ms())),
        )
        self.indexing: Line = (
            Worker("index", lambda: workers.tail_indexer.run_once() > 0),
            Worker("tags of pools", workers.backfill.mark),
        )
        forgetting = () if workers.forgetter is None else (Worker("popularity", workers.forgetter.run_once),)
        self.behaviour: Line = (
            Worker("user events", lambda: workers.user_events.run_once() > 0),
            Worker("seller events", lambda: workers.seller_events.run_once() > 0),
            Worker("moved sellers", lambda: workers.sellers.look(clock.now_ms())),
            Worker("ranking", lambda: workers.rescorer.read(clock.now_ms())),
            Worker("reposts", workers.reposts.catch_up),
            *forgetting,
        )

    @property
    def lines(self) -> tuple[Line, Line, Line]:
        """All of it."""
        return self.taking_in, self.indexing, self.behaviour

    def turn(self) -> bool:
        """One turn of every worker; whether there may be more to do at once."""
        return turn_of(self.lines)()

    def settle(self) -> None:
        """Turns until nothing is left to do."""
        while self.turn():
            pass
        self._workers.tail_indexer.drain()

    def _sweep(self) -> int:
        now = self._clock.now_ms()
        if self._swept_at is not None and 0 <= now - self._swept_at < SWEEP_EVERY_MS:
            return 0
        # Before the sweep: one that a store fails is not tried again with every turn.
        self._swept_at = now
        return self._workers.sweeper.sweep(now)
