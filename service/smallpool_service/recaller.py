"""The front door of the read path: checks a request, opens it, replays or makes its page, and records what was served.

In: a `RecallRequest`. Out: a `Page`, or an error of `smallpool_core.errors` that says what was wrong with the request.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from uuid import uuid4

from msgspec.structs import replace

from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.catalogue import KnownPool
from smallpool_core.errors import DeadlinePassed, RequestIdReused, StoreError
from smallpool_core.pages import Claimed
from smallpool_core.pool_counts import PoolCounter
from smallpool_core.ranking import Ranker
from smallpool_service.adjust import Adjuster
from smallpool_service.experiments.placing import Experiments, Placement
from smallpool_service.interests import InterestFinder
from smallpool_service.page import Page, PageItem
from smallpool_service.person import Person, open_person
from smallpool_service.pipeline import Pipeline
from smallpool_service.rank import ranker_of
from smallpool_service.relation_age import RelationAge
from smallpool_service.reply import explained, features_served, items_of, page_of
from smallpool_service.request import RecallRequest, check_request
from smallpool_service.run import ReadPorts, Run
from smallpool_service.served import ServedLog, served_record
from smallpool_service.settings import ReadSettings
from smallpool_service.source_counts import counted
from smallpool_service.source_quotas import quotas_of, switched_on
from smallpool_service.sources.explore import Explore
from smallpool_service.sources.latent import Latent
from smallpool_service.sources.newest import Newest
from smallpool_service.sources.pinned import Pinned
from smallpool_service.sources.popular import Popular
from smallpool_service.sources.source import Source
from smallpool_service.sources.terms import Terms
from smallpool_service.sources.vectors import Vectors
from smallpool_service.sources.x2i import X2i, X2iPool
from smallpool_service.trace import Observer, Unobserved

BY_VECTORS = frozenset({Vectors.name, Latent.name})
MOST_MADE = 1_000
"""Sets of sources that are kept for buckets with settings of their own."""


def default_sources(ports: ReadPorts, settings: ReadSettings) -> tuple[Source, ...]:
    """The sources of a plain installation, in the order in which a page names them."""
    return (
        Terms(ports.reader, settings.trigger_share),
        Vectors(ports.vectors),
        Latent(ports.vectors),
        X2i(ports.reader, ports.relations, settings),
        Popular(ports.reader, ports.stats),
        Newest(ports.reader),
        Explore(ports.live, ports.stats),
    )


def nobody_measures() -> None:
    """The age of the data where nobody measures it."""


class Recaller:
    """Answers recall requests; safe for any number of them at once on one event loop."""

    def __init__(
        self,
        ports: ReadPorts,
        *,
        settings: ReadSettings | None = None,
        behaviour: BehaviourSettings | None = None,
        sources: Sequence[Source] | None = None,
        observer: Observer | None = None,
        counter: PoolCounter | None = None,
        data_age_ms: Callable[[], int | None] = nobody_measures,
        new_request_id: Callable[[], str] = lambda: uuid4().hex,
        experiments: Experiments | None = None,
        rankers: Mapping[str, Ranker] = MappingProxyType({}),
    ) -> None:
        """`rankers` by pool, that of every other pool under `""`."""
        self.ports = ports
        self.settings = settings or ReadSettings()
        self.behaviour = behaviour or BehaviourSettings()
        self.sources = sources if sources is not None else default_sources(ports, self.settings)
        self._makes_sources = sources is None
        self._made_sources: dict[int, tuple[ReadSettings, Sequence[Source]]] = {}
        self.experiments = experiments
        self._observer = observer or Unobserved()
        self._counter = counter or PoolCounter()
        self.data_age_ms = data_age_ms
        self._new_request_id = new_request_id
        self._adjuster = Adjuster()
        self._finder = InterestFinder(ports.vectors, ports.find_encoders, self.behaviour)
        self.relation_age = RelationAge(ports.relations, ports.clock)
        self._rankers = rankers
        self._served = ServedLog(ports.log)
        self._refreshed_at: int | None = None

    async def recall(self, request: RecallRequest) -> Page:
        """One page.

        Raises `Refused` (a limit is broken), `NotFound`, `PoolNotLive` or `PoolClosed` (the pool), `RequestIdReused` (another body
        came under this request_id), `DeadlinePassed` (before anything was asked). A store that fails degrades the page.
        """
        run = await self.begin(request)
        person = await run.tracer.awaited("open", open_person, run, self.ports, self.settings_of(run))
        _check_fingerprint(person, run)
        if person.begun.closed:
            return self._replay(run, person.begun)
        pipeline = self.pipeline(run, person)
        claimed = await pipeline.execute()
        await self.relation_age.tell(run)
        items = items_of(claimed.entries)
        if claimed.closed_now:
            await run.tracer.awaited("served", self._record, items, run, pipeline)
        elif run.claims:
            return self._replay(run, claimed)
        shown = explained(items, run, pipeline.taste) if request.explain else items
        self._observer.count("page.made")
        page = page_of(run, claimed, shown, run.bucket, self.data_age_ms(), replayed=False)
        self._count(run, page)
        return page

    async def recall_once(self, request: RecallRequest) -> Page:
        """`recall` for a caller whose event loop ends with the page: its record is waited for too."""
        page = await self.recall(request)
        await self._served.settled()
        return page

    async def rehearse(self, request: RecallRequest, known: KnownPool) -> Page:
        """The page of a dry run in a pool as `known` says it is, which need not be saved; nothing is counted, nothing written. Where it
        has a largest size, `known` comes with its cut-off.
        """
        run = self.start(request, known)
        person = await open_person(run, self.ports, self.settings)
        claimed = await self.pipeline(run, person).execute()
        await self.relation_age.tell(run)
        return page_of(run, claimed, items_of(claimed.entries), {}, self.data_age_ms(), replayed=False)

    async def begin(self, request: RecallRequest) -> Run:
        """`start`, with the cut-off of a pool that has a largest size; where nothing tells it in time that of before holds, and the page
        says so.
        """
        run = self.start(request)
        known, cuts = run.known, self.ports.cuts
        if known.pool.settings.max_size is not None:
            run.known = await run.attempt(
                "cut_off", cuts.applied(known, run.started), cuts.last(known), self.settings_of(run).opening_share
            )
        return run

    def start(self, request: RecallRequest, rehearsed: KnownPool | None = None) -> Run:
        """Checks the request and finds its pool, unless it is rehearsed in one; asks no store for a request whose deadline has passed."""
        check_request(request)
        now = self.ports.clock.now_ms()
        deadline = request.deadline_ms if request.deadline_ms is not None else now + self.settings.timeout_ms
        if deadline <= now and not request.admitted:
            raise DeadlinePassed(now - deadline)
        known = self.live_pool(request.pool_id, now) if rehearsed is None else rehearsed
        placement = self._placed(request, known) if rehearsed is None else None
        observer = self._observer if rehearsed is None else Unobserved()
        request_id = request.request_id or self._new_request_id()
        return Run(
            request,
            request_id,
            known if placement is None else placement.known,
            self.ports.catalogue.pending_bans(self.ports.tail.place()),
            clock=self.ports.clock,
            deadline=deadline,
            floor_ms=self.settings.claim_floor_ms,
            observer=observer,
            placement=placement,
        )

    def _placed(self, request: RecallRequest, known: KnownPool) -> Placement | None:
        return None if self.experiments is None else self.experiments.place(request.identity.key, known, request.buckets)

    def settings_of(self, run: Run) -> ReadSettings:
        """The settings of the read path for the buckets of a run."""
        return self.settings if run.placement is None else run.placement.settings

    def pipeline(self, run: Run, person: Person) -> Pipeline:
        """The stages for one run."""
        ranker = ranker_of(self._rankers, run.known.pool.pool_id)
        settings = self.settings_of(run)
        return Pipeline(run, person, self.ports, self.sources_of(run), settings, self.behaviour, self._adjuster, self._finder, ranker)

    def sources_of(self, run: Run) -> Sequence[Source]:
        """The sources that are asked for a page of the run, less those that are switched off: pinned items have one of their own, where
        there are any, and so have lists of related items that are made of the pool's items alone. While no item has a vector, sources that
        go by vectors are asked where the pool says so itself.
        """
        settings, pool = self.settings_of(run), run.known.pool
        made = self.sources if settings is self.settings or not self._makes_sources else self._sources_by(settings)
        own = [X2iPool(self.ports.reader, self.ports.relations, settings)] if pool.settings.own_relations else []
        made = (
            made if self.ports.vectors.model else [one for one in made if one.name not in BY_VECTORS or pool.settings.sources.get(one.name)]
        )
        asked, pins = switched_on((*made, *own), quotas_of(settings, pool.settings)), pool.ordering.pins
        return (Pinned(self.ports.reader, pins), *asked) if pins else asked

    def _sources_by(self, settings: ReadSettings) -> Sequence[Source]:
        """The sources for the settings of a bucket, made once."""
        known, sources = self._made_sources.get(id(settings), (None, ()))
        if known is not settings:  # an id alone may have been another's
            sources = default_sources(self.ports, settings)
            self._made_sources[id(settings)] = (settings, sources)
            if len(self._made_sources) > MOST_MADE:
                del self._made_sources[next(iter(self._made_sources))]
        return sources

    def live_pool(self, pool_id: str, now: int) -> KnownPool:
        """The pool, open at `now`, as of the last refresh, which is made first if it is due; with the store down the last copy serves.

        Its tag counts as trusted only where the live view has come as far as the tag has. Until then its rule comes without what is
        banned, which a trusted tag says by itself.
        """
        # A clock that was set back says nothing of how long ago that was.
        if self._refreshed_at is None or not 0 <= now - self._refreshed_at < self.settings.pools_refresh_ms:
            with suppress(StoreError):
                self.ports.catalogue.refresh()
            if self.experiments is not None:
                self.experiments.try_to_refresh()
            self._refreshed_at = now
        catalogue = self.ports.catalogue
        known = catalogue.open(pool_id, now).seen_from(self.ports.tail.place())
        return known if known.is_trusted else replace(known, rule=catalogue.served_rule(pool_id, known.rule))

    def _replay(self, run: Run, claimed: Claimed) -> Page:
        self._observer.count("page.replayed")
        return page_of(run, claimed, items_of(claimed.entries), run.bucket, self.data_age_ms(), replayed=True)

    def _count(self, run: Run, page: Page) -> None:
        """What this page says of its pool; one that was replayed has been counted."""
        asked, sources = run.request, counted(page.trace.sources)
        if not asked.dry_run:
            given, recalled = len(page.items), len(run.ranked)
            self._counter.page(asked.pool_id, run.started, asked=asked.size, given=given, recalled=recalled, sources=sources)

    async def _record(self, items: list[PageItem], run: Run, pipeline: Pipeline) -> None:
        features = features_served(items, run.ranked, pipeline.taste, pipeline.popularity)
        now = run.now()
        asked = run.request
        record = served_record(asked.identity, run.request_id, asked.pool_id, items, features, now, asked.context, run.placement)
        failure = await self._served.take(record, now)
        if failure is not None:
            run.degrade("served_log", failure)


def _check_fingerprint(person: Person, run: Run) -> None:
    if person.page is not None and person.page.fingerprint != run.fingerprint:
        raise RequestIdReused(run.request_id)
