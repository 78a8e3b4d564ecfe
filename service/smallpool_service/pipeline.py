"""The read path of one request: the order of its stages is the text of `execute` and `round`.

In: a run and the person who asks. Out: the page, claimed. Timing and counting lie in the tracer's wrapper round each stage.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.behaviour import BehaviourSettings, bought_likenesses, over_exposed
from smallpool_core.pages import Answer, Claimed, Dropped, Query, Short
from smallpool_core.statistics import Responses
from smallpool_service.adjust import Adjuster
from smallpool_service.alike import bought_alike
from smallpool_service.bans import banned_meanwhile
from smallpool_service.candidates import Candidate, Lists, Question, Recalled, Scored
from smallpool_service.claim import Claiming
from smallpool_service.exposure import ignored_in_pool
from smallpool_service.filter import Screen, filter_hits
from smallpool_service.interests import VECTORS, Asking, InterestFinder
from smallpool_service.late_ranker import LateRanker
from smallpool_service.merge import merge
from smallpool_service.order import order
from smallpool_service.person import Person, find_wishes, read_query
from smallpool_service.popularity import Popularity
from smallpool_service.prompt import side_by_side
from smallpool_service.rank import rank
from smallpool_service.recall import recall
from smallpool_service.refill import may_hold_more, settled, short_reason
from smallpool_service.reserve import EXPLORE, LATENT, reserve
from smallpool_service.rewrite import deeper, rewrite
from smallpool_service.room import Placed, placed
from smallpool_service.run import ReadPorts, Run
from smallpool_service.score import Taste, score
from smallpool_service.settings import ReadSettings
from smallpool_service.source_quotas import WHOLE, covers_nothing, quotas_of, shed
from smallpool_service.sources.explore import seed_of
from smallpool_service.sources.latent import MOST_NEAR, Latent, times_the_share
from smallpool_service.sources.newest import Newest
from smallpool_service.sources.popular import SITE
from smallpool_service.sources.source import Source
from smallpool_service.sources.vectors import Vectors
from smallpool_service.spread import spread
from smallpool_service.triggers import NO_WISHES

REPEATS = "repeats"
NOTHING = Answer((), exhausted=True)
NO_VECTORS = "no item has a vector: name a model in the settings, `[models] vectors`, and let what is listed be embedded"
PROBED = 20
"""Rows that are looked at to tell whether a short page is short for its caps or because the pool has no more."""


class Round(Struct, frozen=True):
    """What one pass through the stages recalled, and what the spread stage put aside for another time."""

    recalled: Recalled
    put_aside: Sequence[Dropped]


class Pipeline:
    """One request on its way through the stages."""

    def __init__(
        self,
        run: Run,
        person: Person,
        ports: ReadPorts,
        sources: Sequence[Source],
        settings: ReadSettings,
        behaviour: BehaviourSettings,
        adjuster: Adjuster,
        finder: InterestFinder,
        ranker: LateRanker | None = None,
    ) -> None:
        self.wishes = NO_WISHES
        self.claiming = Claiming(run, ports, person.begun, settings)
        self._run = run
        self._person = person
        self._ports = ports
        self._sources = sources
        self._settings = settings
        self._behaviour = behaviour
        self._adjuster = adjuster
        self._finder = finder
        self._ranker = ranker
        self.popularity = Popularity(Responses(), settings.popularity_half, settings.popularity_exposures)
        self._seen = person.seen_ids
        self._bought = person.bought_ids
        self._tired = over_exposed(person.state, behaviour)
        self._seed = seed_of(run.request_id)
        self._quotas = quotas_of(settings, run.known.pool.settings)
        self._likeness: dict[str, float] | None = None
        self._alike: frozenset[str] = frozenset()
        own = run.request.identity.user_id
        self.unwanted_sellers = person.blocked_sellers | (frozenset() if own is None else {own})

    async def execute(self) -> Claimed:
        """The page: one round of all stages, then deeper ones while it is not full."""
        run, settings = self._run, self._settings
        timed, awaited = run.tracer.timed, run.tracer.awaited
        excluded = self.unasked | self._on_page()

        query = timed(
            "rewrite", rewrite, run.request.size, run.known, excluded, run.started, settings.candidates_per_item, self.unwanted_sellers
        )
        query = await self._without_alike(query)
        self.wishes = await awaited("triggers", find_wishes, self._person, run, self._ports, settings, self._behaviour)
        run.wishes = self.wishes
        await self._find_interests(query)
        first = await self.round(query)
        await self.refill(query, first)
        return self.claiming.page

    async def round(self, query: Query) -> Round:
        """Every stage once, from recall to claim."""
        run, settings, ports = self._run, self._settings, self._ports
        timed, awaited = run.tracer.timed, run.tracer.awaited
        until = run.until(settings.source_share)
        question = self.question(query)

        recalled = await awaited("recall", recall, self._asked(until), question, ports.clock, until, self._quotas)
        thinned = timed("spread", spread, recalled, question, settings.trigger_share)
        # The statistics lie behind a network as a rule, and judging candidates takes about as long as their answer.
        popularity, kept = await side_by_side(self._popularity(thinned), awaited("filter", self._filtered, thinned))
        merged = timed("merge", merge, kept)
        await self._compare(merged)
        scored: Sequence[Scored] = timed("score", score, merged, self.taste, popularity)
        if self._ranker is not None:
            scored = await awaited("rank", rank, scored, self._ranker, run, self.taste, popularity, settings)
        ranked = await awaited("order", self._order, scored)
        await awaited("claim", self.claiming.take, ranked)

        run.note(recalled, (*thinned.dropped, *kept.dropped), ranked)
        run.sources.note(query.limit, recalled, thinned, kept)
        return Round(recalled, thinned.dropped)

    async def refill(self, query: Query, last: Round) -> None:
        """Rounds ever deeper while the page is not full and the pool not exhausted; then the page is closed in any case.

        Where both sources that cover a pool are off, what else it holds fills the page up, newest first: else a page of a pool that has
        more would say that there is no more.
        """
        query, last = await self._deepened(query, last)
        if covers_nothing(self._quotas) and not self.claiming.page.closed and not self._run.is_late() and self.claiming.knows_its_page:
            self._sources, self._quotas = (Newest(self._ports.reader),), {**self._quotas, Newest.name: WHOLE}
            query = deeper(query, settled(last.recalled, last.put_aside), 1)
            query, _ = await self._deepened(query, await self.round(query))
        await self._repeat_oldest(query)
        if not self.claiming.page.closed:
            await self.claiming.close(await self._short(query))

    async def _deepened(self, query: Query, last: Round) -> tuple[Query, Round]:
        """The rounds that may bring more from the sources as they are; returns the last of them with its query."""
        claiming, run = self.claiming, self._run
        while not claiming.page.closed and not run.is_late() and claiming.knows_its_page:
            done = settled(last.recalled, last.put_aside) - query.excluded
            room = await claiming.room()
            if not may_hold_more(last.recalled, done, claiming.page.entries, room, claiming.limits.level):
                break
            query = deeper(query, done, self._settings.deeper_by, room.full_sellers())
            last = await self.round(query)
        return query, last

    @property
    def unasked(self) -> frozenset[str]:
        """Items that no source is asked for: what this person saw, bought or bought the like of, and was shown too often."""
        return self._seen | self._bought | self._alike | self._tired

    def question(self, query: Query) -> Question:
        """What every source is asked with this query."""
        person = self._person
        return Question(query, self.wishes.weights, person.touched_ids, person.last_bought_ids, self._seed, self._run.interests)

    @property
    def taste(self) -> Taste:
        """What this person's candidates are scored by."""
        return Taste(
            weights=self._run.known.pool.ordering.weights,
            triggers=self.wishes.weights,
            prices=self.wishes.prices,
            now=self._run.started,
            half_life_ms=self._settings.freshness_half_life_s * 1000,
            source_weights=self._settings.source_weights,
            rank_smoothing=self._settings.rank_smoothing,
            likeness=self._likeness,
            life_share=self._settings.freshness_life_share,
        )

    async def _find_interests(self, query: Query) -> None:
        """The person's interests as vectors, where a source of this page or its score goes by them."""
        run, state = self._run, self._person.state
        left_ms = run.until(self._settings.source_share) - run.now()
        gone = shed(self._sources, left_ms, self._settings.unhurried_ms)  # for whom there is no time now there will be none later
        names = {source.name for source in self._sources if source not in gone}
        if not (self._weighs_vectors or names & {Vectors.name, Latent.name}):
            return
        if not self._ports.vectors.model:
            run.degrade(VECTORS, NO_VECTORS)
            return
        words = run.request.context.query
        terms = read_query(words, run, self._ports) if words is not None else ()
        asking = Asking(state, self._person.profile, words, terms, run.started)
        most_near = MOST_NEAR if Latent.name in names or run.request.explain else 0
        found = run.tracer.awaited("interests", self._finder.find, asking, query, most_near)
        run.interests = await run.attempt(VECTORS, found, None, self._settings.opening_share)

    @property
    def _weighs_vectors(self) -> bool:
        return self._run.known.pool.ordering.weights.get("vector", 0.0) > 0

    async def _compare(self, candidates: Sequence[Candidate]) -> None:
        """How like the person's interests the candidates are, where the pool weighs that and something is known of the person."""
        run, index = self._run, self._ports.vectors
        if not self._weighs_vectors or run.interests is None:
            return
        asked = [one.hit.item_id for one in candidates]
        found = await run.attempt(VECTORS, index.likeness(asked, run.interests.found.vectors), {})
        self._likeness = {**(self._likeness or {}), **found}

    async def _popularity(self, lists: Lists) -> Popularity:
        run, settings = self._run, self._settings
        found = await run.attempt("stats", self._ports.stats.responses(SITE, lists.item_ids, run.started), Responses())
        known = Popularity(found, settings.popularity_half, settings.popularity_exposures)
        self.popularity = self.popularity.joined(known)
        return known

    async def _filtered(self, lists: Lists, *, repeats: bool = False) -> Lists:
        return filter_hits(lists, await self._screen(lists, repeats=repeats), self._ports.live)

    async def _order(self, scored: Sequence[Scored]) -> list[Scored]:
        run, pool = self._run, self._run.known.pool
        most = self._settings.offered_per_item * run.request.size
        ranked = order(await self._adjuster.adjusted(scored, run, self._ports), pool.ordering, most)
        if self.claiming.page.entries:  # the first round has kept the places already
            return ranked
        shares = {EXPLORE: self._quotas[EXPLORE].share, LATENT: times_the_share(run.interests) * self._quotas[LATENT].share}
        return reserve(ranked, run.request.size, shares, pool.settings.max_per_category, pool.settings.spread_level, self._seed)

    async def _without_alike(self, query: Query) -> Query:
        """The query without what is like what the person bought, where a setting asks for it."""
        likenesses = bought_likenesses(self._person.state, self._behaviour)
        self._alike = await bought_alike(likenesses, query, self._run, self._ports, self._settings.opening_share)
        return replace(query, excluded=query.excluded | self._alike)

    async def _repeat_oldest(self, query: Query) -> None:
        """Where the pool allows it and has too few unseen items, claims seen ones, those first that were served longest ago."""
        run, claiming = self._run, self.claiming
        if claiming.page.closed or run.is_late() or not self._may_repeat() or not self._person.seen:
            return
        excluded = self._bought | self._alike | self._tired | self._on_page()
        again = rewrite(len(self._person.seen), run.known, excluded, query.now, 1, self.unwanted_sellers)
        oldest = [entry.item_id for entry in self._person.seen]
        answer = await run.attempt(f"source:{REPEATS}", self._ports.reader.pick(again, oldest), NOTHING)
        seen = Lists({REPEATS: answer.hits})
        popularity, kept = await side_by_side(self._popularity(seen), self._filtered(seen, repeats=True))
        scored = await self._adjuster.adjusted(score(merge(kept), self.taste, popularity), run, self._ports)
        repeated = Recalled({REPEATS: answer})
        run.note(repeated, kept.dropped, scored)
        run.sources.note(again.limit, repeated, seen, kept)
        await claiming.take(scored, allow_seen=True)

    async def _short(self, query: Query) -> Short | None:
        run = self._run
        is_late = run.is_late()
        left = None if is_late else await self._left(query)
        if left is None and not run.known.is_trusted and (run.failures or not is_late):
            run.degrade("rule_pending", "the pool's tag is still being brought up to date, and the wide index that knows its rule fails")
        if is_late:
            return "deadline"
        room = await self.claiming.room()
        return short_reason(left, run.failures, room) if self.claiming.knows_its_page else None

    async def _left(self, query: Query) -> Sequence[Placed] | None:
        """Some of the items that this person could still be shown, were it not for the caps; None if the wide index fails."""
        run = self._run
        dropped = {drop.item_id for drop in run.drops if drop.stage != "spread"}
        seen = frozenset() if self._may_repeat() else self._seen
        known = seen | self._bought | self._alike | self._tired | self._on_page() | dropped
        probe = Query(query.scope, known, cap=PROBED, limit=PROBED, now=query.now, excluded_sellers=self.unwanted_sellers)
        answer = await run.attempt("wide_index", self._ports.reader.browse(probe, "static"), None)
        if answer is None:
            return None
        probed = Lists({"probe": answer.hits})
        hits = (await self._filtered(probed, repeats=self._may_repeat())).by_source["probe"]
        judged = await self._adjuster.adjusted([Scored(Candidate(hit, {}), (), 0.0) for hit in hits], run, self._ports)
        return [placed(scored.candidate.hit, self.claiming.limits.level, scored.kinds) for scored in judged]

    async def _screen(self, lists: Lists, *, repeats: bool = False) -> Screen:
        """What the hits are held against."""
        run, ports = self._run, self._ports
        item_ids = lists.item_ids
        ignored = await ignored_in_pool(item_ids, run, ports, self._settings)
        banned = await banned_meanwhile(item_ids, run, ports)
        seen = frozenset() if repeats else self._seen
        now = run.now()
        return Screen(
            scope=run.known.scope,
            seen=seen,
            bought=self._bought,
            user_id=run.request.identity.user_id,
            now=now,
            over_exposed=self._tired | ignored,
            banned=banned,
            alike=self._alike,
            blocked_sellers=self._person.blocked_sellers,
            closing=now + self._settings.least_left_s * 1000,
        )

    def _on_page(self) -> frozenset[str]:
        return frozenset(entry.item_id for entry in self.claiming.page.entries)

    def _may_repeat(self) -> bool:
        return self._run.known.pool.settings.when_exhausted == "repeat_oldest"

    def _asked(self, until: int) -> Sequence[Source]:
        """The sources that have not failed yet, less those for which there is no time before `until` (ms)."""
        run = self._run
        failed = {failure.source for failure in run.failures}
        working = [source for source in self._sources if source.name not in failed]
        left_ms = until - run.now()
        gone = shed(working, left_ms, self._settings.unhurried_ms)
        for source in gone:
            run.degrade(f"shed:{source.name}", f"not asked, because {max(0, left_ms)} ms were left for all sources")
        return [source for source in working if source not in gone]
