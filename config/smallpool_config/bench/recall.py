"""`smallpool bench recall`: how long one page takes, the full read path with its claim, in process and on one core.

In: sizes and a seed. Out: percentiles of wall time per page, and what was measured. Every request is of a person who never
asked before, with a full seen list and at least twenty triggers; nothing is cached between requests.
"""

import asyncio
import gc
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from smallpool_config.bench.marketplace import Marketplace
from smallpool_config.bench.report import machine, percentile, resident_mb, tracked
from smallpool_config.bench.vector_market import VectorMarket
from smallpool_config.settings import Settings
from smallpool_config.wiring import Embedded, System
from smallpool_core.adjustments import Adjustment
from smallpool_core.pages import ClaimRequest, Entry
from smallpool_core.pools import Ordering, PoolDraft
from smallpool_core.users import Identity
from smallpool_service.page import Page
from smallpool_service.request import RecallRequest

PAGE = 10
SEEN = 200
VECTOR_SEED = 1
AT_ONCE = 2_000
UNHURRIED_MS = 5_000
"""No part of a page may be cut off for being late: what is timed is all of it."""


def bench_recall(settings: Settings, *, items: int, pools: int, requests: int, seed: int, boosts: int = 0) -> dict[str, Any]:
    """The figures as JSON values, of pools that boost by so many conditions; works in a directory of its own, which it removes."""
    with TemporaryDirectory(prefix="smallpool-bench-") as directory:
        unhurried = replace(settings.read, timeout_ms=UNHURRIED_MS)
        system = Embedded(replace(settings, read=unhurried, store=replace(settings.store, directory=directory)))
        try:
            return asyncio.run(_measured(system, Path(directory), items, pools, requests, seed, boosts))
        finally:
            system.close()


async def _measured(system: Embedded, directory: Path, items: int, pools: int, requests: int, seed: int, boosts: int) -> dict[str, Any]:
    market = Marketplace(items, pools, seed, system.clock.now_ms())
    timings = {"store_s": _seconds(lambda: store_items(system, market))}
    await make_pools(system, market, Ordering(boost=tuple(_boost(number) for number in range(boosts))))
    timings["load_s"] = _seconds(system.load)
    asked = market.requested_pools(requests)
    for person, pool in enumerate(tracked(asked, "people", requests)):
        await prepare(system, market, person, pool)
    gc.freeze()  # as a server does once it has loaded
    warm = [await _page(system, market, requests + number, pool) for number, pool in enumerate(asked[:50])]
    milliseconds, pages = [], []
    for person, pool in enumerate(tracked(asked, "pages", requests)):
        started = time.perf_counter()
        page = await _page(system, market, person, pool)
        milliseconds.append((time.perf_counter() - started) * 1000)
        pages.append(page)
    return {
        "p50_ms": percentile(milliseconds, 50),
        "p99_ms": percentile(milliseconds, 99),
        "max_ms": round(max(milliseconds), 3),
        "rss_mb": resident_mb(),
        "by_pool_size": _by_pool_size(milliseconds, [int(market.pool_sizes[pool]) for pool in asked]),
        "page_fill": round(sum(len(page.items) for page in pages) / (PAGE * len(pages)), 4),
        "degraded_pages": sum(bool(page.degraded) for page in pages),
        "stages_ms": by_stage(pages),
        "items": items,
        "pools": pools,
        "requests": requests,
        "boosts": boosts,
        "pools_requested": len(set(asked)),
        "largest_pool": int(market.pool_sizes.max()),
        "memberships": int(market.pool_sizes.sum()),
        "seen": SEEN,
        "synchronous": system.settings.store.synchronous,
        "seed": seed,
        "warm_up": len(warm),
        **{name: round(value, 1) for name, value in timings.items()},
        "file_mb": _file_mb(directory),
        "machine": machine(),
    }


def _file_mb(directory: Path) -> int:
    return round(sum(path.stat().st_size for path in directory.iterdir()) / 1e6)


def _seconds(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def store_items(system: System, market: Marketplace) -> None:
    """Puts the items into the wide table; with vectors where the settings have a model of them, which are made up as the items are."""
    models, items = system.vector_models, market.wide_items()
    if models is not None:
        items = VectorMarket(market, models.encoders.items.dimensions, VECTOR_SEED, models.version).items()
    for batch in _batches(tracked(items, "items", market.items)):
        with system.atomic.atomic():
            system.wide.append(batch)


def _batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(values)
    while batch := list(islice(iterator, AT_ONCE)):
        yield batch


def _boost(number: int) -> Adjustment:
    """One of several conditions: each holds for other prices, which all items have, or for a title that some have."""
    price = {"field": "price_cents", "op": "between", "value": [number * 5_000, (number + 1) * 5_000]}
    word = {"field": "title_words", "op": "contains_any", "value": [f"word{number}"]}
    return Adjustment({"any": [price, word]}, 1.1)


async def make_pools(system: Embedded, market: Marketplace, ordering: Ordering | None = None) -> None:
    """Pools are saved, and marked as tagged: the items carry the tags that the rules ask for."""
    upto = system.wide.end()
    with system.durable_database.atomic():
        for number in tracked(range(market.pools), "pools", market.pools):
            draft = PoolDraft(rule=market.rule(number), ordering=ordering or Ordering())
            revision = await system.pools.put(market.pool_id(number), draft, None, "bench", "made", market.now)
            system.pools.set_tagged(revision.pool.pool_id, revision.pool.epoch, upto)


async def prepare(system: System, market: Marketplace, person: int, pool: int) -> None:
    """Gives a person their behaviour, and 200 seen items of the pool they will ask for."""
    identity = Identity(f"user-{person:08d}", None).key
    system.triggers.save(identity, market.behaviour(person), market.now)
    members = market.members(pool, SEEN)
    for part, start in enumerate(range(0, len(members), SEEN // 2)):
        entries = tuple(Entry(item_id, item_id, None, b"{}") for item_id in members[start : start + SEEN // 2])
        await system.seen.claim(
            ClaimRequest(
                identity=identity,
                pool_id=market.pool_id(pool),
                request_id=f"before-{part}",
                round=0,
                ordered=entries,
                n=len(entries),
                cap=1,
                seen_size=SEEN,
                allow_seen=False,
                now=market.now,
                deadline=market.now + 200,
                final=True,
                fingerprint="",
            )
        )


async def _page(system: System, market: Marketplace, person: int, pool: int) -> Page:
    return await system.recaller.recall(request_of(market, person, pool))


def request_of(market: Marketplace, person: int, pool: int) -> RecallRequest:
    """What a person asks for."""
    return RecallRequest(pool_id=market.pool_id(pool), identity=Identity(f"user-{person:08d}", None), size=PAGE)


def _by_pool_size(milliseconds: list[float], sizes: list[int]) -> dict[str, dict[str, float]]:
    """Percentiles apart for requests of small, middling and the largest pools; bands that nobody asked are left out."""
    bands = {"up to 1000": (0, 1000), "up to 5000": (1000, 5000), "above 5000": (5000, max(sizes))}
    figures = {}
    for name, (low, high) in bands.items():
        some = [taken for taken, size in zip(milliseconds, sizes, strict=True) if low < size <= high]
        if some:
            figures[name] = {"requests": len(some), "p50_ms": percentile(some, 50), "p99_ms": percentile(some, 99)}
    return figures


def by_stage(pages: list[Page]) -> dict[str, float]:
    """Mean milliseconds a page by stage."""
    totals: dict[str, float] = {}
    for page in pages:
        for stage in page.trace.stages:
            totals[stage.stage] = totals.get(stage.stage, 0.0) + stage.ms
    return {stage: round(total / len(pages), 3) for stage, total in totals.items()}
