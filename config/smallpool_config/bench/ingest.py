"""`smallpool bench ingest`: how many listings a second the whole write path takes in, and how soon each is recallable.

In: how many listings and pools, a seed. Out: items a second through parse … index, the share of time of each stage, and
the time from acknowledged to recallable while half as many arrive, evenly, as the path can take.
"""

import asyncio
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from smallpool_config.bench.report import machine, percentile, resident_mb, tracked
from smallpool_config.bench.rules import made_up_rules
from smallpool_config.runtime import Background
from smallpool_config.settings import Settings
from smallpool_config.wiring import Embedded, System
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import encode_item_event
from smallpool_core.items import ItemEvent, WideItem
from smallpool_core.pools import PoolDraft
from smallpool_indexer.widen import widen
from smallpool_models.listings import generate_listings

SAMPLE = 2_000
APPENDED_AT_ONCE = 500
PACE_S = 0.002
PATIENCE_S = 30
SHORTEST_TITLE = 24
SHORTEST_DESCRIPTION = 30


class StageTimes:
    """Adds up what each stage of the write path took."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.counted: defaultdict[str, int] = defaultdict(int)

    def observe(self, stage: str, seconds: float, in_count: int, out_count: int) -> None:
        """One run of a stage."""
        self.seconds[stage] += seconds

    def count(self, name: str, amount: int = 1) -> None:
        """Something was counted."""
        self.counted[name] += amount


def bench_ingest(settings: Settings, *, items: int, pools: int, seconds: int, seed: int) -> dict[str, Any]:
    """The figures as JSON values; works in a directory of its own, which it removes. `seconds` is how long freshness is watched."""
    with TemporaryDirectory(prefix="smallpool-bench-") as directory:
        times = StageTimes()
        system = Embedded(replace(settings, store=replace(settings.store, directory=directory)), observer=times)
        try:
            return _measured(system, times, items, pools, seconds, seed)
        finally:
            system.close()


def _measured(system: Embedded, times: StageTimes, items: int, pools: int, seconds: int, seed: int) -> dict[str, Any]:
    now = system.clock.now_ms()
    listings = long_listings(system, seed, now)
    first = list(islice(listings, SAMPLE))
    _append(system, first, now)
    system.write_path.settle()
    _make_pools(system, [event.item_id for event in first], pools, seed, now)
    system.write_path.settle()
    events = list(tracked(islice(listings, items), "listings", items))
    _append(system, events, now)
    times.seconds.clear()
    started, used = time.perf_counter(), time.process_time()
    batches = iter(partial(_batch, system), 0)
    for _ in tracked(batches, "batches", items // system.indexer.batch_size):
        pass
    elapsed, processor = time.perf_counter() - started, time.process_time() - used
    stages = {stage: round(total / items * 1e6, 1) for stage, total in times.seconds.items()}
    stored = system.wide.get([event.item_id for event in events[:SAMPLE]])
    per_second = items / elapsed
    freshness = _freshness(system, listings, per_second / 2, seconds)
    return {
        "items_per_s": round(per_second, 1),
        "freshness_p50_ms": percentile(freshness, 50),
        "freshness_p99_ms": percentile(freshness, 99),
        "freshness_items_per_s": round(per_second / 2, 1),
        "freshness_items": len(freshness),
        "cores_used": round(processor / elapsed, 2),
        "stages_us_per_item": stages,
        "rss_mb": resident_mb(),
        "items": items,
        "pools": pools,
        "pools_per_item": round(mean(len(item.pools) for item in stored.values()), 2),
        "title_characters": round(mean(len(event.given.title) for event in events if event.given), 1),
        "description_characters": round(mean(len(event.given.description) for event in events if event.given), 1),
        "batch_size": system.indexer.batch_size,
        "synchronous": system.settings.store.synchronous,
        "seed": seed,
        "machine": machine(),
    }


def _batch(system: System) -> int:
    """One batch from the log to recallable; how many listings it had."""
    taken = system.indexer.run_once()
    system.tail_indexer.run_once()
    return taken


def long_listings(system: System, seed: int, now: int) -> Iterator[ItemEvent]:
    """Listings whose titles have some 30 and whose descriptions some 65 characters: the shorter ones are passed over."""
    for event in generate_listings(system.knowledge, count=sys.maxsize, seed=seed, start_ms=now, gap_ms=0):
        given = event.given
        if given is not None and len(given.title) >= SHORTEST_TITLE and len(given.description) >= SHORTEST_DESCRIPTION:
            yield event


def wide_items(system: System, events: Sequence[ItemEvent]) -> list[WideItem]:
    """What the listings among the events are understood as, in no pool."""
    given = [(event, event.given) for event in events if event.given is not None]
    understood = system.understander.understand([each for _, each in given])
    return [
        widen(event.item_id, event.version, 0, each, meaning, event.at) for (event, each), meaning in zip(given, understood, strict=True)
    ]


def _append(system: System, events: Sequence[ItemEvent], now: int) -> None:
    for start in range(0, len(events), APPENDED_AT_ONCE):
        batch = events[start : start + APPENDED_AT_ONCE]
        system.log.append_now("item-events", [(event.item_id, encode_item_event(event)) for event in batch], now)


def _make_pools(system: Embedded, item_ids: Sequence[str], pools: int, seed: int, now: int) -> None:
    """Saves made-up rules over the sample."""
    sample = list(system.wide.get(item_ids).values())
    rules = made_up_rules(sample, pools, seed, system.knowledge.attributes)
    with system.durable_database.atomic():
        for number, rule in enumerate(rules):
            asyncio.run(system.pools.put(f"pool-{number:05d}", PoolDraft(rule=rule), None, "bench", "made", now))


def _freshness(system: System, listings: Iterator[ItemEvent], per_second: float, seconds: int) -> list[float]:
    """Milliseconds from acknowledged to recallable of each listing, at an even pace that does not wait for the path."""
    records = [(event.item_id, encode_item_event(event)) for event in islice(listings, int(per_second * seconds))]
    while system.pool_watch.turn():  # the first look at ten thousand pools belongs to the start of a process
        pass
    waiting: deque[tuple[str, float]] = deque()
    milliseconds: list[float] = []
    sent = 0
    with Background(system, system.serving_lines()):
        started = time.perf_counter()
        while len(milliseconds) < len(records):
            passed = time.perf_counter() - started
            if passed > seconds + PATIENCE_S:
                raise StoreUnavailable(f"{len(waiting)} acknowledged listings were not recallable {PATIENCE_S} s after the last was sent")
            due = records[sent : int(passed * per_second)]
            if due:
                sent += len(due)
                system.acknowledged_log.append_now("item-events", due, system.clock.now_ms())
                acknowledged = time.perf_counter()
                waiting.extend((item_id, acknowledged) for item_id, _ in due)
            milliseconds += _recallable(system, waiting)
            time.sleep(PACE_S)
    return milliseconds


def _recallable(system: System, waiting: deque[tuple[str, float]]) -> list[float]:
    """Takes from the queue those listings that the live view knows by now, oldest first; how long each had to wait."""
    found: list[float] = []
    while waiting and system.live_view.look([waiting[0][0]], "", system.clock.now_ms())[0] is not None:
        found.append((time.perf_counter() - waiting.popleft()[1]) * 1000)
    return found
