"""The read path of one request: the order of its stages is the text of `execute` and `round`.

In: a run and the person who asks. Out: the page, claimed. Timing and counting lie in the tracer's wrapper round each stage.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.behaviour import BehaviourSettings, over_exposed
from smallpool_core.pages import Answer, Claimed, Dropped, Hit, Query, Short
from smallpool_core.term_vectors import interests
from smallpool_core.terms import term
from smallpool_service.adjust import Adjuster
from smallpool_service.bans import banned_meanwhile
from smallpool_service.candidates import Candidate, Lists, Question, Recalled, Scored
from smallpool_service.claim import Claiming
from smallpool_service.exposure import ignored_in_pool
from smallpool_service.filter import Screen, filter_hits
from smallpool_service.merge import merge
from smallpool_service.order import order
from smallpool_service.person import Person, find_wishes
from smallpool_service.prompt import side_by_side
from smallpool_service.quotas import quotas_of, shed
from smallpool_service.recall import recall
from smallpool_service.refill import may_hold_more, settled, short_reason
from smallpool_service.reserve import EXPLORE, reserve
from smallpool_service.rewrite import deeper, rewrite
from smallpool_service.run import ReadPorts, Run
from smallpool_service.score import Taste, score
from smallpool_service.settings import ReadSettings
from smallpool_service.sources.explore import seed_of
from smallpool_service.sources.popular import SITE
from smallpool_service.sources.source import Source
from smallpool_service.spread import spread
from smallpool_service.triggers import Wishes

REPEATS = "repeats"
NOTHING = Answer((), exhausted=True)
OWN_AT_ONCE = 2_000
"""What a person sells is kept out of a refill by so many items at a time."""
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
    ) -> None:
        self.wishes = Wishes({}, "none")
        self.claiming = Claiming(run, ports, person.begun, settings.offered_per_item * run.request.size)
        self._run = run
        self._person = person
        self._ports = ports
        self._sources = sources
        self._settings = settings
        self._behaviour = behaviour
        self._adjuster = adjuster
        self._seen = person.seen_ids
        self._bought = person.bought_ids
        self._tired = over_exposed(person.state, behaviour)
        self._own: frozenset[str] = frozenset()
        self._seed = seed_of(run.request_id)
        self._quotas = quotas_of(settings, run.known.pool.settings)
        self._likeness: dict[str, float] | None = None

    async def execute(self) -> Claimed:
        """The page: one round of all stages, then deeper ones while it is not full."""
        run, settings = self._run, self._settings
        timed, awaited = run.tracer.timed, run.tracer.awaited
        excluded = self._seen | self._bought | self._tired | self._on_page()

        query = timed("rewrite", rewrite, run.request.size, run.known, excluded, run.started, settings.candidates_per_item)
        self.wishes = await awaited("triggers", find_wishes, self._person, run, self._ports, settings, self._behaviour)
        first = await self.round(query)
        await self.refill(query, first)
        return self.claiming.page

    async def round(self, query: Query) -> Round:
        """Every stage once, from recall to claim."""
        run, settings, ports = self._run, self._settings, self._ports
        timed, awaited = run.tracer.timed, run.tracer.awaited
        until = run.until(settings.source_share)
        question = Question(query, self.wishes.weights, self._seed)

        recalled = await awaited("recall", recall, self._asked(until), question, ports.clock, until, self._quotas)
        thinned = timed("spread", spread, recalled, question, settings.trigger_share)
        # The statistics lie behind a network as a rule, and judging candidates takes about as long as their answer.
        popularity, kept = await side_by_side(self._popularity(thinned), awaited("filter", self._filtered, thinned))
        merged = timed("merge", merge, kept)
        await self._compare(merged)
        scored = timed("score", score, merged, self.taste, popularity)
        ranked = await awaited("order", self._order, scored)
        await awaited("claim", self.claiming.take, ranked)

        run.note(recalled, (*thinned.dropped, *kept.dropped), ranked)
        return Round(recalled, thinned.dropped)

    async def refill(self, query: Query, last: Round) -> None:
        """Rounds ever deeper while the page is not full and the pool not exhausted; then the page is closed in any case."""
        claiming, run = self.claiming, self._run
        while not claiming.page.closed and not run.is_late():
            done = settled(last.recalled, last.put_aside) - query.excluded
            if not self._may_hold_more(last.recalled, done):
                break
            await self._find_own(query)
            query = deeper(query, done | self._own, self._settings.deeper_by)
            last = await self.round(query)
        await self._repeat_oldest(query)
        if not claiming.page.closed:
            await claiming.close(await self._short(query))

    @property
    def taste(self) -> Taste:
        """What this person's candidates are scored by."""
        return Taste(
            weights=self._run.known.pool.ordering.weights,
            triggers=self.wishes.weights,
            prices=self.wishes.prices,
            now=self._run.started,
            half_life_ms=self._settings.freshness_half_life_s * 1000,
            popularity_half=self._settings.popularity_half,
            likeness=self._likeness,
        )

    async def _compare(self, candidates: Sequence[Candidate]) -> None:
        """How like the person's interests the candidates are, where the pool weighs that and something is known of the person."""
        run, index = self._run, self._ports.vectors
        if not run.known.pool.ordering.weights.get("vector"):
            return
        asked = interests(self.wishes.weights)
        if not len(asked):
            return
        found = await run.attempt("vectors", index.likeness([one.hit.item_id for one in candidates], asked), {})
        self._likeness = {**(self._likeness or {}), **found}

    async def _popularity(self, lists: Lists) -> Mapping[str, float]:
        run = self._run
        return await run.attempt("stats", self._ports.stats.popularity(SITE, lists.item_ids, run.started), {})

    async def _filtered(self, lists: Lists, *, repeats: bool = False) -> Lists:
        return filter_hits(lists, await self._screen(lists, repeats=repeats), self._ports.live)

    async def _order(self, scored: Sequence[Scored]) -> list[Scored]:
        run, pool = self._run, self._run.known.pool
        ranked = order(await self._adjuster.adjusted(scored, run, self._ports), pool.ordering.pins)
        if self.claiming.page.entries:  # the first round has kept the places already
            return ranked
        share = self._quotas[EXPLORE].share
        return reserve(ranked, run.request.size, share, pool.settings.max_per_category, pool.settings.spread_level, self._seed)

    async def _find_own(self, query: Query) -> None:
        """Once something that the person sells was recalled, finds the rest of it in one question: under the cap of the port it
        would hide what others sell of the same spread key, a few items a round.
        """
        run, seller_id = self._run, self._run.request.identity.user_id
        if seller_id is not None and any(drop.reason == "own" for drop in run.drops):
            rest = replace(query, excluded=query.excluded | self._own, cap=OWN_AT_ONCE, limit=OWN_AT_ONCE)
            answer = await run.attempt("wide_index", self._ports.reader.recall(rest, {term("seller", seller_id): 1}), NOTHING)
            self._own |= {hit.item_id for hit in answer.hits}

    async def _repeat_oldest(self, query: Query) -> None:
        """Where the pool allows it and has too few unseen items, claims seen ones, those first that were served longest ago."""
        run, claiming = self._run, self.claiming
        if claiming.page.closed or run.is_late() or not self._may_repeat() or not self._person.seen:
            return
        excluded = self._bought | self._tired | self._on_page()
        again = rewrite(len(self._person.seen), run.known, excluded, query.now, per_item=1)
        oldest = [entry.item_id for entry in self._person.seen]
        answer = await run.attempt(f"source:{REPEATS}", self._ports.reader.pick(again, oldest), NOTHING)
        seen = Lists({REPEATS: answer.hits})
        popularity, kept = await side_by_side(self._popularity(seen), self._filtered(seen, repeats=True))
        scored = score(merge(kept), self.taste, popularity)
        run.note(Recalled({REPEATS: answer}), kept.dropped, scored)
        await claiming.take(scored, allow_seen=True)

    async def _short(self, query: Query) -> Short | None:
        run, entries, pool = self._run, self.claiming.page.entries, self._run.known.pool.settings
        is_late = run.is_late()
        left = None if is_late else await self._left(query)
        if left is None and not run.known.is_trusted and (run.failures or not is_late):
            run.degrade("rule_pending", "the pool's tag is still being brought up to date, and the wide index that knows its rule fails")
        if is_late:
            return "deadline"
        return short_reason(left, run.failures, entries, pool.max_per_category, pool.spread_level)

    async def _left(self, query: Query) -> Sequence[Hit] | None:
        """Some of the items that this person could still be shown, were it not for the caps; None if the wide index fails."""
        run = self._run
        dropped = {drop.item_id for drop in run.drops if drop.stage != "spread"}
        seen = frozenset() if self._may_repeat() else self._seen
        known = seen | self._bought | self._tired | self._own | self._on_page() | dropped
        probe = Query(query.scope, known, cap=PROBED, limit=PROBED, now=query.now)
        answer = await run.attempt("wide_index", self._ports.reader.browse(probe, "static"), None)
        if answer is None:
            return None
        probed = Lists({"probe": answer.hits})
        return (await self._filtered(probed, repeats=self._may_repeat())).by_source["probe"]

    async def _screen(self, lists: Lists, *, repeats: bool = False) -> Screen:
        """What the hits are held against."""
        run, ports = self._run, self._ports
        item_ids = lists.item_ids
        ignored = await ignored_in_pool(item_ids, run, ports, self._settings)
        banned = await banned_meanwhile(item_ids, run, ports)
        seen = frozenset() if repeats else self._seen
        return Screen(run.known.scope, seen, self._bought, run.request.identity.user_id, run.now(), self._tired | ignored, banned)

    def _on_page(self) -> frozenset[str]:
        return frozenset(entry.item_id for entry in self.claiming.page.entries)

    def _may_repeat(self) -> bool:
        return self._run.known.pool.settings.when_exhausted == "repeat_oldest"

    def _may_hold_more(self, recalled: Recalled, done: frozenset[str]) -> bool:
        pool = self._run.known.pool.settings
        return may_hold_more(recalled, done, self.claiming.page.entries, pool.max_per_category, pool.spread_level)

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
