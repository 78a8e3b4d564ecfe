"""How many listings a second one indexer takes in, from the log to the wide index, with every server on the same machine.

In: a marketplace of its own with pools and no items, listings. Out: items a second, and where the time goes: by stage, inside the
clients of the servers, and in CPU of this process and of each server. Each line of workers has a thread, as in `smallpool index`, so what
stages take overlaps.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any

from smallpool_config.bench.ingest import SAMPLE, StageTimes, wide_items
from smallpool_config.bench.inside import Inside
from smallpool_config.bench.loading import load_pools
from smallpool_config.bench.report import tracked
from smallpool_config.bench.rules import made_up_rules
from smallpool_config.bench.servers import cpu_since, server_cpu_s, shares
from smallpool_config.cli.screen import progress
from smallpool_config.runtime import Background
from smallpool_config.settings import Settings
from smallpool_config.wiring.distributed import Distributed
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import INDEXER_GROUP, encode_item_event
from smallpool_core.items import ItemEvent
from smallpool_core.places import Places, behind, has_reached
from smallpool_stores.kafka.partition_producer import PartitionProducer
from smallpool_stores.sqlite.wide_table import SqliteWideTable

APPENDED_AT_ONCE = 500
WARM_UP = 500
LOOK_EVERY_S = 0.02


def time_intake(settings: Settings, listings: Iterator[ItemEvent], count: int, pools: int, seed: int) -> dict[str, Any]:
    """Makes the pools, whose rules are made around the first listings, and takes in `count` of those that follow."""
    times = StageTimes()
    system = Distributed(settings, observer=times)
    try:
        system.init()
        _make_pools(system, list(islice(listings, SAMPLE)), pools, seed)
        with Background(system, system.write_lines()) as background:
            _take_in(system, background, list(islice(listings, WARM_UP)))
        events = list(tracked(islice(listings, count), "listings", count))
        append(system, events)
        times.seconds.clear()
        return _timed(system, times, len(events))
    finally:
        system.close()


def append(system: Distributed, events: Sequence[ItemEvent]) -> None:
    """Puts the listings on the log."""
    now = system.clock.now_ms()
    for start in range(0, len(events), APPENDED_AT_ONCE):
        batch = events[start : start + APPENDED_AT_ONCE]
        system.log.append_now("item-events", [(event.item_id, encode_item_event(event)) for event in batch], now)


def _make_pools(system: Distributed, sample: Sequence[ItemEvent], pools: int, seed: int) -> None:
    rules = made_up_rules(wide_items(system, sample), pools, seed, system.knowledge.attributes)
    load_pools(system, ((f"pool-{number:05d}", rule) for number, rule in enumerate(rules)), system.clock.now_ms())


def _timed(system: Distributed, times: StageTimes, count: int) -> dict[str, Any]:
    inside, cpu = Inside(), server_cpu_s(system.settings)
    started, used = time.perf_counter(), time.process_time()
    with _watched(system, inside), Background(system, system.write_lines()) as background:
        _await_done(system, background)
        elapsed, used = time.perf_counter() - started, time.process_time() - used
        cpu_s = {"smallpool": round(used, 2), **cpu_since(cpu, system.settings)}

    def each(seconds: float) -> float:
        return round(seconds / count * 1e6, 1)

    return {
        "items_per_s": round(count / elapsed, 1),
        "shares": shares(cpu_s),
        "intake": {
            "listings": count,
            "us_per_item": each(elapsed),
            "stages_us_per_item": {stage: each(seconds) for stage, seconds in times.seconds.items()},
            "inside_us_per_item": {label: each(seconds) for label, seconds in inside.seconds.items()},
            "cpu_s": cpu_s,
            "elapsed_s": round(elapsed, 2),
            "batch_size": system.indexer.batch_size,
        },
    }


@contextmanager
def _watched(system: Distributed, inside: Inside) -> Iterator[None]:
    """Counts what the threads wait for: the transactions of Kafka, requests to Elasticsearch, the owner's copy in SQLite."""
    with ExitStack() as stack:
        stack.enter_context(inside.calls("kafka_transactions", PartitionProducer, "begin", "send", "commit"))
        stack.enter_context(inside.calls("elasticsearch_requests", system.connection.sync.transport, "perform_request"))
        stack.enter_context(inside.calls("copy_in_sqlite", SqliteWideTable, "append", "get"))
        yield


def _take_in(system: Distributed, background: Background, events: Sequence[ItemEvent]) -> None:
    """Takes the listings in, once this process owns every partition."""
    partitions = system.log.offsets.partitions("item-events")
    _await(background, lambda: len(system.wide.end()) == partitions)
    append(system, events)
    _await_done(system, background)


def _await_done(system: Distributed, background: Background) -> None:
    """Until every listing on the log is recorded, its place committed, and Elasticsearch has taken its record."""
    goal = system.log.end("item-events")
    total = behind(_committed(system), goal)
    with progress("taken in", shown=True) as show:

        def is_recorded() -> bool:
            left = behind(_committed(system), goal)
            show(total - left, total)
            return not left

        _await(background, is_recorded)
    _await(background, lambda: has_reached(system.tail_indexer.tail.place(), system.wide.end()))


def _await(background: Background, is_so: Callable[[], bool]) -> None:
    while not is_so():
        if not background.is_alive:
            raise StoreUnavailable(f"the write path has stopped: {background.failure}")
        time.sleep(LOOK_EVERY_S)


def _committed(system: Distributed) -> Places:
    return system.owned_log.committed("item-events", INDEXER_GROUP)
