"""`smallpool bench pools`: how long an operator waits for a saved rule, and how long until its tag stands on every item.

In: sizes and a seed. Out: seconds until a save returns, with its count of matches, and until the backfill is through: every item of
the marketplace evaluated, those whose membership changes re-tagged by the write path. First they come into the pool, then they leave it.
"""

import asyncio
import time
from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from msgspec.structs import replace

from smallpool_config.bench.marketplace import Marketplace
from smallpool_config.bench.recall import make_pools, store_items
from smallpool_config.bench.report import machine, resident_mb, tracked
from smallpool_config.settings import Settings
from smallpool_config.wiring import Embedded
from smallpool_core.pools import HOME, PoolDraft
from smallpool_service.operators import Change, save_pool

POOL = "changed"


def bench_pools(settings: Settings, *, items: int, pools: int, changed: int, seed: int) -> dict[str, Any]:
    """The figures as JSON values; works in a directory of its own, which it removes. `changed` items enter the new pool."""
    with TemporaryDirectory(prefix="smallpool-bench-") as directory:
        system = Embedded(replace(settings, store=replace(settings.store, directory=directory)))
        try:
            return _measured(system, items, pools, changed, seed)
        finally:
            system.close()


def _measured(system: Embedded, items: int, pools: int, changed: int, seed: int) -> dict[str, Any]:
    market = Marketplace(items, pools, seed, system.clock.now_ms())
    store_items(system, market)
    asyncio.run(make_pools(system, market))
    system.load()
    system.write_path.settle()  # it loads the knowledge base, which is no part of a change
    prices = np.array([item.price_cents for item in tracked(market.wide_items(), "prices", items)])
    dearest = int(np.partition(prices, min(changed, items) - 1)[min(changed, items) - 1])
    enter = _changed(system, {"field": "price_cents", "op": "lte", "value": dearest}, None, changed)
    leave = _changed(system, {"any": []}, 1, changed)
    return {
        "save_s": max(enter["save_s"], leave["save_s"]),
        "backfill_s": max(enter["backfill_s"], leave["backfill_s"]),
        "enter": enter,
        "leave": leave,
        "evaluated": system.live_view.size(HOME, system.clock.now_ms()),
        "rss_mb": resident_mb(),
        "items": items,
        "pools": pools,
        "synchronous": system.settings.store.synchronous,
        "seed": seed,
        "machine": machine(),
    }


def _changed(system: Embedded, rule: dict[str, Any], expected: int | None, wanted: int) -> dict[str, Any]:
    """Saves the pool's rule, then works as the write path does until its tag is trusted."""
    before = system.live_view.size(POOL, system.clock.now_ms())
    change = Change("bench", "measured", system.clock.now_ms(), expected)
    started = time.perf_counter()
    asyncio.run(save_pool(system.read_ports, system.pools, POOL, PoolDraft(rule=rule), change))
    saved = time.perf_counter()
    for _ in tracked(_turns(system), "turns of the write path", wanted // system.indexer.batch_size):
        pass
    system.write_path.settle()
    ended = time.perf_counter()
    moved = abs(system.live_view.size(POOL, system.clock.now_ms()) - before)
    return {
        "save_s": round(saved - started, 3),
        "backfill_s": round(ended - saved, 1),
        "changed": moved,
        "changed_per_s": round(moved / (ended - saved)),
    }


def _turns(system: Embedded) -> Iterator[None]:
    while system.write_path.turn():
        yield
