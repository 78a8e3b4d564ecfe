"""Who is timed for one page: smallpool, the searches that it needs with nothing around them, and services written by hand.

In: a loaded marketplace, people and the pools that they ask for. Out: milliseconds by contestant, taken in turn request by request,
so that all of them meet the same machine.
"""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from smallpool_config.bench.by_hand import Handwritten, Kept, Naive
from smallpool_config.bench.marketplace import Marketplace
from smallpool_config.bench.recall import PAGE, SEEN, by_stage, prepare
from smallpool_config.bench.recorded import Recorded, RecordedReader, under_way_s, waves_of
from smallpool_config.bench.report import percentile, tracked
from smallpool_core.behaviour import triggers_from
from smallpool_core.terms import integer_weights
from smallpool_core.users import Identity
from smallpool_service.page import Page
from smallpool_service.request import RecallRequest

GROUPS_FOR_CANDIDATES = 34
"""So many categories of three make the hundred candidates that smallpool ranks."""
WARM_UP = 30
"""The first pages are not timed; a run of fewer requests has as many before it as it times."""

CLIENTS = 8
"""So many ask at a time where throughput is measured."""
BLOCK = 50
RIVALS = ("ours", "naive", "naive_candidates", "handwritten")

MakePage = Callable[[int, int], Awaitable[int]]
"""Makes one page of a person in a pool; how many items, or rows, it has."""


class Ours:
    """The whole read path in process: behaviour and seen list read, sources asked, the page claimed and recorded."""

    def __init__(self, system: Recorded, market: Marketplace) -> None:
        self._system = system
        self._market = market
        self.pages: list[Page] = []
        self.searching_ms: list[float] = []

    async def page(self, person: int, pool: int) -> int:
        """One page."""
        self._system.index_reader.begin()
        self.pages.append(await self._system.recaller.recall(self._request(person, pool)))
        self.searching_ms.append(1000 * under_way_s(self._system.index_reader.sent))
        return len(self.pages[-1].items)

    async def rehearse(self, person: int, pool: int) -> list[list[dict[str, Any]]]:
        """The searches that the page needs, those together that are under way together; writes nothing."""
        self._system.index_reader.begin()
        await self._system.recaller.recall(self._request(person, pool, dry_run=True))
        return waves_of(self._system.index_reader.sent)

    def _request(self, person: int, pool: int, *, dry_run: bool = False) -> RecallRequest:
        who = Identity(f"user-{person:08d}", None)
        return RecallRequest(pool_id=self._market.pool_id(pool), identity=who, size=PAGE, dry_run=dry_run)


class BareSearches:
    """The searches of a page as the page sends them, and nothing else; `waves` are those of the person who comes next."""

    def __init__(self, reader: RecordedReader) -> None:
        self._reader = reader
        self.waves: list[list[dict[str, Any]]] = []

    async def all(self, person: int, pool: int) -> int:
        """Every search, those of a wave at once."""
        found = 0
        for wave in self.waves:
            found += sum([len(hits["hits"]) for hits in await asyncio.gather(*[self._reader.ask(body) for body in wave])])
        return found

    async def terms(self, person: int, pool: int) -> int:
        """The term recall alone, which is the first that is sent."""
        return len((await self._reader.ask(self.waves[0][0]))["hits"])


async def time_pages(system: Recorded, market: Marketplace, requests: int) -> dict[str, Any]:
    """The figures of everybody, and how much slower than smallpool they are."""
    ours, bare = Ours(system, market), BareSearches(system.index_reader)
    naive = Naive(Kept(system, market, "naive"), PAGE)
    candidates = Naive(Kept(system, market, "naive-candidates"), GROUPS_FOR_CANDIDATES)
    handwritten = Handwritten(Kept(system, market, "handwritten"))
    warm_up = min(WARM_UP, requests)
    asked = market.requested_pools(requests + warm_up)
    for person, pool in enumerate(tracked(asked, "people", len(asked))):
        await _prepare(system, market, person, pool, [naive.kept, candidates.kept, handwritten.kept])
    contestants: dict[str, MakePage] = {
        "ours": ours.page,
        "bare_searches": bare.all,
        "bare_term_search": bare.terms,
        "naive": naive.page,
        "naive_candidates": candidates.page,
        "handwritten": handwritten.page,
    }
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    filled = dict.fromkeys(contestants, 0)
    searches = waves = 0
    gc.freeze()  # as a server does once it has loaded
    for person, pool in enumerate(tracked(asked, "pages", len(asked))):
        bare.waves = await ours.rehearse(person, pool)
        waves, searches = waves + len(bare.waves), searches + sum(map(len, bare.waves))
        for name in _in_turn(list(contestants), person):
            started = time.perf_counter()
            filled[name] += await contestants[name](person, pool)
            taken[name].append(1000 * (time.perf_counter() - started))
    timed = {name: milliseconds[warm_up:] for name, milliseconds in taken.items()}
    rates = await _rates({name: contestants[name] for name in RIVALS}, asked)
    return {
        **_ratios(timed, rates),
        "recall": {
            **{name: _figures(milliseconds) for name, milliseconds in timed.items()},
            "requests": requests,
            "pages_per_s": rates,
            "clients": CLIENTS,
            "page_fill": {name: round(filled[name] / (PAGE * len(asked)), 3) for name in contestants if not name.startswith("bare")},
            "degraded_pages": dict(Counter(part for page in ours.pages for part in page.degraded)),
            "searches_a_page": round(searches / len(asked), 2),
            "waves_a_page": round(waves / len(asked), 2),
            "ours_in_searches": _figures(ours.searching_ms[warm_up : len(asked)]),
            "ours_stages_ms": by_stage(ours.pages[warm_up : len(asked)]),
        },
    }


async def _prepare(system: Recorded, market: Marketplace, person: int, pool: int, by_hand: Sequence[Kept]) -> None:
    """Everybody knows the same of the person: what was served, and what they like."""
    await system.seen.erase(Identity(f"user-{person:08d}", None).key, None)
    await prepare(system, market, person, pool)
    weights = integer_weights(triggers_from(market.behaviour(person), market.now, system.settings.behaviour))
    for kept in by_hand:
        await kept.prepare(person, market.members(pool, SEEN), weights)


def _in_turn(names: list[str], number: int) -> list[str]:
    first = number % len(names)
    return names[first:] + names[:first]


def _ratios(timed: dict[str, list[float]], rates: dict[str, float]) -> dict[str, float]:
    """Medians of latencies of one client against the bare searches; throughputs of several clients against the services by hand."""
    ours = percentile(timed["ours"], 50)
    return {
        "over_bare_search": round(ours / percentile(timed["bare_searches"], 50), 2),
        "over_bare_term_search": round(ours / percentile(timed["bare_term_search"], 50), 2),
        "naive_over_ours": round(rates["ours"] / rates["naive"], 2),
        "naive_candidates_over_ours": round(rates["ours"] / rates["naive_candidates"], 2),
        "best_handwritten_over_ours": round(rates["ours"] / rates["handwritten"], 2),
    }


async def _rates(contestants: dict[str, MakePage], asked: Sequence[int]) -> dict[str, float]:
    """Pages a second of each service while `CLIENTS` ask it, each for one page after another; in turn, block by block, so that all
    of them meet the same machine. The people are those who were timed before: each asks for one page more.
    """
    seconds = dict.fromkeys(contestants, 0.0)
    people = list(enumerate(asked))
    for number, first in enumerate(tracked(range(0, len(people), BLOCK), "blocks", -(-len(people) // BLOCK))):
        for name in _in_turn(list(contestants), number):
            block = iter(people[first : first + BLOCK])
            started = time.perf_counter()
            await asyncio.gather(*[_ask_on(contestants[name], block) for _ in range(CLIENTS)])
            seconds[name] += time.perf_counter() - started
    return {name: round(len(people) / taken, 1) for name, taken in seconds.items()}


async def _ask_on(make: MakePage, people: Iterator[tuple[int, int]]) -> None:
    for person, pool in people:
        await make(person, pool)


def _figures(milliseconds: Sequence[float]) -> dict[str, float]:
    return {
        "p50_ms": percentile(milliseconds, 50),
        "p99_ms": percentile(milliseconds, 99),
        "mean_ms": round(sum(milliseconds) / len(milliseconds), 3),
    }
