"""What vectors cost a page: pages with the sources `vectors` and `latent` and without, a batch each by turns in one process.

In: numbers of items, pools and requests, a seed. Out: ms of computing a page with and without, the mean of each stage, µs of the encoder
of people alone. Made-up vectors under the name of the shipped model; else as `smallpool bench recall`.
"""

import argparse
import asyncio
import json
import os
import time
from statistics import fmean, median
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from smallpool_config.bench import recall
from smallpool_config.bench.marketplace import Marketplace
from smallpool_config.bench.report import machine, percentile
from smallpool_config.settings import Settings
from smallpool_config.wiring import Embedded
from smallpool_core.encoder_ports import Token
from smallpool_core.vectors import packed_vector
from smallpool_service.page import Page
from smallpool_service.recaller import Recaller
from smallpool_service.settings import ReadSettings

BATCH, TOKENS, ASKED = 16, 64, 200
ON = {"vectors": 0.25, "latent": 0.05}


async def measured(system: Embedded, items: int, pools: int, requests: int, seed: int) -> dict[str, object]:
    """The figures."""
    market = Marketplace(items, pools, seed, system.clock.now_ms())
    recall.store_items(system, market)
    await recall.make_pools(system, market)
    system.load()
    on = replace(system.settings.read, source_shares=ON)
    recallers = {"with": Recaller(system.read_ports, settings=on, behaviour=system.settings.behaviour), "without": system.recaller}
    spent: dict[str, list[float]] = {name: [] for name in recallers}
    pages: dict[str, list[Page]] = {name: [] for name in recallers}
    asked = list(enumerate(market.requested_pools(2 * requests)))
    for first in range(0, len(asked), BATCH):
        name = "with" if first // BATCH % 2 else "without"
        for person, pool in asked[first : first + BATCH]:
            await recall.prepare(system, market, person, pool)
        for person, pool in asked[first : first + BATCH]:
            request = recall.request_of(market, person, pool)
            started = time.thread_time()
            pages[name].append(await recallers[name].recall(request))
            spent[name].append((time.thread_time() - started) * 1000)
    figures = {
        name: {"mean_ms": round(fmean(some), 3), "p50_ms": percentile(some, 50), "p99_ms": percentile(some, 99)}
        for name, some in spent.items()
    }
    stages = {name: recall.by_stage(some) for name, some in pages.items()}
    brought = sum(bool({"vectors", "latent"} & set(line.sources)) for page in pages["with"] for line in page.items)
    return {**figures, "stages_ms": stages, "lines_by_vectors": brought / sum(len(page.items) for page in pages["with"])}


def people_us(system: Embedded) -> float:
    """µs of computing that telling the interests of 64 tokens takes, in the median."""
    models = system.vector_models
    if models is None:
        return 0.0
    encoders, taken = models.encoders, []
    size = encoders.items.dimensions
    tokens = [
        Token(packed_vector([1.0 + (place * 7 + number) % 13 for number in range(size)]), 1.0, float(place), "short")
        for place in range(TOKENS)
    ]
    for _ in range(ASKED):
        started = time.thread_time()
        encoders.people.interests(tokens)
        taken.append((time.thread_time() - started) * 1e6)
    return round(median(taken), 1)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("items", 20_000), ("pools", 40), ("requests", 320), ("seed", 7)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="smallpool-bench-") as directory:
        settings = Settings()
        unhurried = ReadSettings(timeout_ms=60_000)
        system = Embedded(replace(settings, read=unhurried, store=replace(settings.store, directory=directory)))
        try:
            found = asyncio.run(measured(system, options.items, options.pools, options.requests, options.seed))
            print(json.dumps({**vars(options), **found, "people_us": people_us(system), "load_average": os.getloadavg(), **machine()}))
        finally:
            system.close()


if __name__ == "__main__":
    main()
