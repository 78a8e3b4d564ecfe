"""`smallpool bench stack`: the distributed wiring against the bare search, against what people write by hand, and how fresh it is.

In: sizes, a seed, servers that answer. Out: ratios within one run, and what they were measured on. Everything lies under names of
its own on the servers, and is removed, but for a marketplace that is to be kept for the next run.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
from msgspec import Struct
from msgspec.structs import replace

from smallpool_config.bench.contestants import time_pages
from smallpool_config.bench.freshness import time_freshness
from smallpool_config.bench.ingest import long_listings
from smallpool_config.bench.intake import time_intake
from smallpool_config.bench.loading import load_items, load_pools
from smallpool_config.bench.marketplace import Marketplace
from smallpool_config.bench.recall import UNHURRIED_MS
from smallpool_config.bench.recorded import Recorded
from smallpool_config.bench.report import machine, resident_mb, tracked
from smallpool_config.bench.servers import described
from smallpool_config.cli.screen import progress
from smallpool_config.settings import Settings, apart
from smallpool_core.errors import SmallpoolError
from smallpool_stores.elasticsearch.edge import translated
from smallpool_stores.elasticsearch.names import items_alias

SEARCH_MS = 60_000
"""Groups of a million items take some seconds where eight ask at once, and who asks for them is timed too."""


class Sizes(Struct, frozen=True):
    """What is measured: pages over `items` in `pools`, `listings` taken in, `per_second` arriving for so many seconds."""

    items: int
    pools: int
    requests: int
    listings: int
    per_second: int
    seconds: int


def bench_stack(settings: Settings, sizes: Sizes, *, seed: int, reuse: str | None, keep: bool) -> dict[str, Any]:
    """The figures as JSON values. `reuse` names a marketplace that an earlier run has kept."""
    name = reuse or f"bench-{token_hex(4)}"
    with TemporaryDirectory(prefix="smallpool-bench-") as directory:
        figures = _pages(_settings(settings, name, Path(directory, "pages")), sizes, seed, is_there=reuse is not None, keep=keep)
        figures |= _write_path(_settings(settings, f"{name}-intake", Path(directory, "intake")), sizes, seed)
    return {**figures, "kept_as": name if keep else None, "seed": seed, "machine": machine()}


def _settings(settings: Settings, name: str, directory: Path) -> Settings:
    """A marketplace of its own on the servers, one copy of everything, whose pages and stores may take their time."""
    directory.mkdir(parents=True)
    own = apart(settings, name, str(directory))
    return replace(
        own,
        wiring="distributed",
        elasticsearch=replace(own.elasticsearch, replicas=0, read_timeout_ms=SEARCH_MS),
        redis=replace(own.redis, answer_timeout_ms=UNHURRIED_MS, connect_timeout_ms=UNHURRIED_MS),
        read=replace(own.read, timeout_ms=UNHURRIED_MS),
    )


def _pages(settings: Settings, sizes: Sizes, seed: int, *, is_there: bool, keep: bool) -> dict[str, Any]:
    system = Recorded(settings)
    market = Marketplace(sizes.items, sizes.pools, seed, system.clock.now_ms())
    if is_there:
        with closing(Recorded(settings)) as looked:
            _check(looked, market)  # outside of what ends by removing it: what is not this marketplace is somebody's
    try:
        with _timing() as filled:
            if not is_there:
                _fill(system, market)
        with _timing() as loaded, progress("live view", shown=True) as show:
            system.load(show)
        figures = uvloop.run(time_pages(system, market, sizes.requests))
        return figures | {
            "sizes": {
                "items": sizes.items,
                "pools": sizes.pools,
                "largest_pool": int(market.pool_sizes.max()),
                "memberships": int(market.pool_sizes.sum()),
                "index": _index(system),
                "fill_s": filled.seconds,
                "load_s": loaded.seconds,
                "rss_mb": resident_mb(),
            },
            "servers": described(settings, system.connection, system.redis),
        }
    finally:
        if not keep:
            system.discard()
        system.close()


def _write_path(settings: Settings, sizes: Sizes, seed: int) -> dict[str, Any]:
    """Intake first, then freshness over what it left."""
    system = Recorded(settings)
    listings = long_listings(system, seed, system.clock.now_ms())
    folder = Path(settings.store.directory)
    try:
        figures = time_intake(settings, listings, sizes.listings, sizes.pools, seed)
        return figures | time_freshness(settings, listings, folder, sizes.per_second, sizes.seconds)
    finally:
        system.discard()


def _fill(system: Recorded, market: Marketplace) -> None:
    system.init()
    load_items(system, tracked(market.wide_items(), "items", market.items), market.now)
    rules = ((market.pool_id(number), market.rule(number)) for number in range(market.pools))
    load_pools(system, tracked(rules, "pools", market.pools), market.now)


def _check(system: Recorded, market: Marketplace) -> None:
    """Raises `SmallpoolError` unless what is kept is this marketplace."""
    name, first = system.settings.elasticsearch.prefix, next(market.wide_items())
    if not system.has_data():
        raise SmallpoolError(f"there is no marketplace {name!r} on {system.place}: leave --reuse out, and keep one with --keep")
    stored = system.items.get([first.item_id]).get(first.item_id)
    if _index(system)["documents"] != market.items or stored is None or stored.pools != first.pools:
        raise SmallpoolError(f"the marketplace {name!r} has other items: give the --items, --pools and --seed with which it was kept")


def _index(system: Recorded) -> dict[str, int]:
    alias = items_alias(system.settings.elasticsearch.prefix)
    with translated("ask how large the index of items is"):
        told = system.connection.sync.indices.stats(index=alias, metric=["docs", "store", "segments"])["_all"]["primaries"]
    size_mb = round(told["store"]["size_in_bytes"] / 1e6)
    return {"documents": told["docs"]["count"], "segments": told["segments"]["count"], "size_mb": size_mb}


class _Timed(Struct):
    seconds: float = 0.0


@contextmanager
def _timing() -> Iterator[_Timed]:
    timed, started = _Timed(), time.perf_counter()
    yield timed
    timed.seconds = round(time.perf_counter() - started, 1)
