"""One request under way: what it asks, until when, what it has cost so far, and what did not work.

In: a request and the pool. Out, as it goes: the trace, the drops and the degradations from which the reply is made.
"""

from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from smallpool_core.catalogue import Catalogue, KnownPool
from smallpool_core.encoder_ports import FindEncoders
from smallpool_core.errors import StoreError, VectorRefused
from smallpool_core.linking import Links
from smallpool_core.pages import Dropped, SourceFailure
from smallpool_core.ports import Clock, EventLog, ItemReader, ItemStats, LiveView, People, SeenList, TriggerStore, UserProfiles, WideTail
from smallpool_core.relation_ports import Relations
from smallpool_core.rules import Rule
from smallpool_core.source_ports import VectorIndex
from smallpool_service.candidates import Recalled, Scored
from smallpool_service.context import ReadQuery, reads_nothing
from smallpool_service.cuts import Cuts
from smallpool_service.experiments.placing import Placement
from smallpool_service.interests import KnownInterests
from smallpool_service.prompt import in_time
from smallpool_service.request import RecallRequest
from smallpool_service.source_counts import SourceCounts
from smallpool_service.trace import Observer, Tracer
from smallpool_service.triggers import NO_WISHES

T = TypeVar("T")


def knows_no_model(_: str) -> None:
    """What finds encoders where there are none."""


@dataclass(frozen=True, slots=True)
class ReadPorts:
    """What the read path asks of the world. `tail` is what feeds `live`, and says how far it has come; `cuts` looks at it;
    `read_query` reads the words of a query, and waits for nothing; `find_encoders` knows the models whose vectors `vectors` may hold.
    """

    catalogue: Catalogue
    reader: ItemReader
    live: LiveView
    tail: WideTail
    seen: SeenList
    triggers: TriggerStore
    profiles: UserProfiles
    people: People
    links: Links
    stats: ItemStats
    log: EventLog
    clock: Clock
    cuts: Cuts
    relations: Relations
    vectors: VectorIndex
    read_query: ReadQuery = reads_nothing
    find_encoders: FindEncoders = knows_no_model


class Run:
    """The state of one request. `deadline` and `started` in ms; `claims` says whether a page will be claimed for someone. `pending_bans`
    is the rule of what is banned everywhere, while no tag says it.
    """

    def __init__(
        self,
        request: RecallRequest,
        request_id: str,
        known: KnownPool,
        pending_bans: Rule | None,
        *,
        clock: Clock,
        deadline: int,
        floor_ms: int,
        observer: Observer,
        placement: Placement | None = None,
    ) -> None:
        self.placement = placement
        self.pending_bans = pending_bans
        self.request = request
        self.request_id = request_id
        self.fingerprint = request.fingerprint
        self.known = known
        self.started = clock.now_ms()
        self.deadline = deadline
        self.tracer = Tracer(observer)
        self.claims = bool(request.identity.key) and not request.dry_run
        self.degraded: dict[str, str] = {}
        self.ages_ms: dict[str, int] = {}
        self.failures: list[SourceFailure] = []
        self.drops: list[Dropped] = []
        self.ranked: dict[str, Scored] = {}
        self.sources = SourceCounts()
        self.wishes = NO_WISHES
        self.interests: KnownInterests | None = None
        self.candidates = 0
        self._clock = clock
        self._floor_ms = floor_ms
        self._observer = observer

    @property
    def bucket(self) -> dict[str, str]:
        """The buckets that the request is in, by layer."""
        return {} if self.placement is None else self.placement.bucket

    def now(self) -> int:
        """The clock, in ms."""
        return self._clock.now_ms()

    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return self.now() >= self.deadline

    def until(self, share: float) -> int:
        """The instant (ms) at which `share` of the time left will be over."""
        now = self.now()
        return now + int(max(0, self.deadline - now) * share)

    def note(self, recalled: Recalled, drops: Sequence[Dropped], ranked: Sequence[Scored]) -> None:
        """Keeps what a round found, for the trace and for explanations."""
        self.candidates += len(recalled)
        self.drops.extend(drops)
        for reason, amount in Counter([drop.reason for drop in drops]).items():
            self._observer.count(f"dropped.{reason}", amount)
        self.ranked.update([(scored.candidate.hit.item_id, scored) for scored in ranked])
        self.failures.extend(recalled.failures)
        for failure in recalled.failures:
            self.degrade(f"source:{failure.source}", failure.reason)

    def degrade(self, what: str, reason: str) -> None:
        """Notes that something did not work; the first reason stays."""
        if what not in self.degraded:
            self.degraded[what] = reason
            self._observer.count(f"degraded.{what}")

    async def attempt(self, what: str, call: Awaitable[T], default: T, share: float = 1.0) -> T:
        """Awaits a port whose callers fail open: its failure, or taking longer than `share` of the time left, is noted in
        `degraded` and gives the default.
        """
        budget_ms = max(self.until(share) - self.now(), self._floor_ms)
        try:
            return await in_time(call, budget_ms / 1000)
        except TimeoutError:
            self.degrade(what, f"no answer in {budget_ms} ms")
        except (StoreError, VectorRefused) as error:
            self.degrade(what, str(error))
        return default
