"""`smallpool bench rules`: what it costs to find an item's pools among many rules, and to take in a changed rule.

In: how many rules and items, a seed. Out: microseconds an item in batches and one by one, beside every rule's own matcher in the
same run; milliseconds a change. Rules are made, and items understood, as in `smallpool bench ingest`; no store is opened.
"""

import gc
import time
import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from random import Random
from statistics import mean
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from smallpool_config.bench.ingest import SAMPLE, long_listings, wide_items
from smallpool_config.bench.report import machine, percentile, resident_mb, tracked
from smallpool_config.bench.rules import FEWEST, MOST, NEGATIVE_ONLY, NO_EQUALITY, made_up_rules
from smallpool_config.settings import Settings
from smallpool_config.wiring import open_system
from smallpool_core.items import WideItem
from smallpool_core.rules import Expression, Leaf, Not, Rule, RuleIndex, compiled, parse_rule

BATCH = 500
WARM_UP = 1
CHANGES = 500
SINGLES = 500
NAIVE_SAMPLE = 40
NOW = 1_760_000_000_000
"""No rule of the load depends on now, and a fixed one makes the same items every time."""


class _Load(Struct, frozen=True):
    """Rules by pool, items to hold against them, and further rules to change to."""

    rules: dict[str, Rule]
    items: list[WideItem]
    further: list[Rule]


class _Times(Struct):
    """What each of several runs took: wall time and CPU of this process, in microseconds a unit."""

    wall: list[float]
    cpu: list[float]

    def add(self, wall_s: float, cpu_s: float, units: int) -> None:
        """One run over so many units."""
        self.wall.append(wall_s / units * 1e6)
        self.cpu.append(cpu_s / units * 1e6)


def bench_rules(settings: Settings, *, rules: int, items: int, seed: int) -> dict[str, Any]:
    """The figures as JSON values; all of it on one thread."""
    load = _load(settings, rules, items, seed)
    bytes_per_rule = _bytes_per_rule(load)
    started = time.perf_counter()
    index = _index(load)
    built_s, rss_mb = time.perf_counter() - started, resident_mb()
    gc.freeze()  # as a server does once it has loaded
    try:
        return {
            **_batches(index, load.items),
            **_changes(index, load, seed),
            **_one_by_one(index, load.items[:SINGLES]),
            **_naive(index, load),
            "rss_mb": rss_mb,
            "index_bytes_per_rule": bytes_per_rule,
            "build_s": round(built_s, 2),
            "rules": rules,
            "items": items,
            "batch_size": BATCH,
            "seed": seed,
            "generator": _generator(load),
            "machine": machine(),
        }
    finally:
        gc.unfreeze()


def _load(settings: Settings, rules: int, items: int, seed: int) -> _Load:
    system = open_system(replace(settings, wiring="embedded"))
    listings = long_listings(system, seed, NOW)
    events = tracked(islice(listings, SAMPLE + items), "listings", SAMPLE + items)
    understood = [item for batch in _batched(events) for item in wide_items(system, batch)]
    attributes = system.knowledge.attributes
    made = [parse_rule(rule, attributes) for rule in made_up_rules(understood[:SAMPLE], rules + CHANGES, seed, attributes)]
    return _Load({f"pool-{number:05d}": rule for number, rule in enumerate(made[:rules])}, understood[SAMPLE:], made[rules:])


def _index(load: _Load) -> RuleIndex:
    index = RuleIndex()
    for pool_id, rule in tracked(load.rules.items(), "rules", len(load.rules)):
        index.put(pool_id, rule)
    return index


def _bytes_per_rule(load: _Load) -> int:
    """What an index takes beside the parsed rules, counted by allocation on one made for that alone."""
    tracemalloc.start()
    try:
        index = _index(load)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] // len(index)
    finally:
        tracemalloc.stop()


def _batched(values: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(values)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _batches(index: RuleIndex, items: Sequence[WideItem]) -> dict[str, Any]:
    """Each batch's time, spread over its items."""
    for batch in islice(_batched(items), WARM_UP):
        index.match_many(batch)
    times, hits = _Times([], []), 0
    for batch in tracked(_batched(items), "batches", -(-len(items) // BATCH)):
        wall, cpu = time.perf_counter(), time.process_time()
        found = index.match_many(batch)
        times.add(time.perf_counter() - wall, time.process_time() - cpu, len(batch))
        hits += sum(map(len, found))
    return {
        "p50_us": percentile(times.wall, 50),
        "p99_us": percentile(times.wall, 99),
        "cpu_us": round(mean(times.cpu), 3),
        "hits_per_item": round(hits / len(items), 2),
    }


def _one_by_one(index: RuleIndex, items: Sequence[WideItem]) -> dict[str, Any]:
    times = _Times([], [])
    for item in items:
        wall, cpu = time.perf_counter(), time.process_time()
        index.match(item)
        times.add(time.perf_counter() - wall, time.process_time() - cpu, 1)
    return {
        "single_p50_us": percentile(times.wall, 50),
        "single_p99_us": percentile(times.wall, 99),
        "single_cpu_us": round(mean(times.cpu), 3),
    }


def _changes(index: RuleIndex, load: _Load, seed: int) -> dict[str, Any]:
    """Each of the further rules takes the place of some pool's, and the old one comes back: what is asked next knows it."""
    random = Random(seed)  # noqa: S311, it makes load and guards nothing
    milliseconds = []
    for rule in load.further:
        pool_id = random.choice(list(load.rules))
        for now in (rule, load.rules[pool_id]):
            started = time.perf_counter()
            index.put(pool_id, now)
            milliseconds.append((time.perf_counter() - started) * 1000)
    return {"change_p50_ms": percentile(milliseconds, 50), "change_p99_ms": percentile(milliseconds, 99)}


def _naive(index: RuleIndex, load: _Load) -> dict[str, Any]:
    """Every rule's compiled matcher on some of the items, then the index on a batch of which they are the first, by CPU."""
    sample, batch = load.items[:NAIVE_SAMPLE], load.items[:BATCH]
    plain = [(pool_id, compiled(rule)) for pool_id, rule in load.rules.items()]
    started = time.process_time()
    found = [[pool_id for pool_id, holds in plain if holds(item, NOW)] for item in tracked(sample, "naive", len(sample))]
    between = time.process_time()
    ours = index.match_many(batch)
    naive_us, ours_us = (between - started) / len(sample) * 1e6, (time.process_time() - between) / len(batch) * 1e6
    return {
        "naive_us": round(naive_us, 1),
        "naive_over_ours": round(naive_us / ours_us, 1),
        "naive_agrees": found == ours[: len(sample)],
        "naive_items": len(sample),
    }


def _generator(load: _Load) -> dict[str, Any]:
    """What the load was made by, and what came of it."""
    return {
        "leaves": [FEWEST, MOST],
        "leaves_mean": round(mean(_leaves(rule.expression) for rule in load.rules.values()), 2),
        "no_equality": NO_EQUALITY,
        "negative_only": NEGATIVE_ONLY,
        "made_around_items": SAMPLE,
    }


def _leaves(expression: Expression) -> int:
    match expression:
        case Leaf():
            return 1
        case Not():
            return _leaves(expression.part)
        case _:
            return sum(map(_leaves, expression.parts))
