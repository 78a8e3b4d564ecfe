"""Two checkouts of smallpool in turns, a batch each, so that both meet the same minutes of a machine that does other work too.

    python benchmarks/in_turns.py --other /path/to/another/checkout --what ingest --items 3000 --json

In: another checkout (its files suffice), what to time (`understand`: listings; `tag`: titles with the shipped tagger; `ingest`: the whole
write path as `smallpool bench ingest` has it; `page`: pages in three pools of 3,000 items, as `smallpool bench recall` has them), how
many, a seed. Out: µs of computing an item or page in each, and how many times as long the other takes.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count, islice
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from smallpool_config.bench import ingest, recall
from smallpool_config.bench.marketplace import Marketplace
from smallpool_config.settings import ModelSettings, Settings
from smallpool_config.tagging import understander_of
from smallpool_config.wiring import Embedded
from smallpool_core.items import Given
from smallpool_models.listings import generate_listings
from smallpool_models.understanding import load_knowledge
from smallpool_service.settings import ReadSettings

ROOTS = ("core", "indexer", "service", "models", "stores", "config")
BATCH = 64
POOLS = 10_000
PAGE_ITEMS, PAGE_POOLS = 3_000, 3
START_MS = 1_760_000_000_000

Turn = Callable[[], object]
"""One batch; what it gives back is of no matter."""


def main() -> None:
    """Prints the figures."""
    options = _options()
    if options.worker:
        _work(options)
        return
    workers = {"this": _worker(Path(__file__).parents[1]), "other": _worker(Path(options.other))}
    used: dict[str, list[float]] = {name: [] for name in workers}
    for worker in workers.values():
        _answer(worker)
    for _ in range(options.items // BATCH):
        for name, worker in workers.items():
            print("go", file=worker.stdin, flush=True)
            used[name].append(float(_answer(worker)))
    for worker in workers.values():
        worker.communicate()
    figures: dict[str, Any] = {name: {"mean_us": round(fmean(some), 1), "median_us": round(median(some), 1)} for name, some in used.items()}
    figures |= {
        "other_over_this": round(sum(used["other"]) / sum(used["this"]), 3),
        "load_average": [round(one, 1) for one in os.getloadavg()],
    }
    figures |= {"what": options.what, "items": options.items, "seed": options.seed}
    print(json.dumps(figures) if options.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--other", default=".", help="the checkout to compare with")
    parser.add_argument("--what", choices=("understand", "tag", "ingest", "page"), default="ingest")
    parser.add_argument("--items", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _worker(checkout: Path) -> "subprocess.Popen[str]":
    path = os.pathsep.join(str(checkout.resolve() / root) for root in ROOTS)
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--worker", *sys.argv[1:]]
    return subprocess.Popen(  # noqa: S603  this very file
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )


def _answer(worker: "subprocess.Popen[str]") -> str:
    line = worker.stdout.readline() if worker.stdout else ""
    if not line:
        raise SystemExit("a worker ended before it had answered; see what it wrote above")
    return line


def _work(options: argparse.Namespace) -> None:
    with TemporaryDirectory(prefix="smallpool-bench-") as directory:
        turns = {"ingest": _ingest, "page": _pages}.get(options.what, _understand)(options, directory)
        next(turns)()
        print("ready", flush=True)
        for turn in turns:
            if not sys.stdin.readline():
                return
            started = time.process_time()
            turn()
            print((time.process_time() - started) / BATCH * 1e6, flush=True)


def _understand(options: argparse.Namespace, _: str) -> Iterator[Turn]:
    knowledge = load_knowledge(Settings().knowledge.path)
    understander = understander_of(knowledge, ModelSettings(ner="shipped" if options.what == "tag" else ""))
    made = generate_listings(knowledge, count=sys.maxsize, seed=options.seed, start_ms=START_MS)
    given = (event.given for event in made if event.given is not None and len(event.given.title) >= 24)
    if options.what == "tag":
        given = (Given(title=one.title[:30]) for one in given if len(one.title) >= 30)
    while True:
        batch = list(islice(given, BATCH))
        yield partial(understander.understand, batch)


def _ingest(options: argparse.Namespace, directory: str) -> Iterator[Turn]:
    settings = Settings(models=ModelSettings(ner=""))  # whatever a checkout has by default
    system = Embedded(replace(settings, store=replace(settings.store, directory=directory)))
    now = system.clock.now_ms()
    listings = ingest.long_listings(system, options.seed, now)
    first = list(islice(listings, ingest.SAMPLE))
    ingest._append(system, first, now)  # noqa: SLF001  by the names that older checkouts have too
    system.write_path.settle()
    ingest._make_pools(system, [event.item_id for event in first], POOLS, options.seed, now)  # noqa: SLF001
    system.write_path.settle()
    ingest._append(system, list(islice(listings, options.items + BATCH)), now)  # noqa: SLF001
    while True:
        yield partial(ingest._batch, system)  # noqa: SLF001


def _pages(options: argparse.Namespace, directory: str) -> Iterator[Turn]:
    read = ReadSettings(timeout_ms=60_000)  # a machine that does other work too makes no page late
    system = Embedded(replace(Settings(), store=replace(Settings().store, directory=directory), read=read))
    market = Marketplace(PAGE_ITEMS, PAGE_POOLS, options.seed, system.clock.now_ms())
    recall.store_items(system, market)
    asyncio.run(recall.make_pools(system, market))
    system.load()
    people = count()

    async def ask(asked: Sequence[tuple[int, int]]) -> None:
        for person, pool in asked:
            await recall._page(system, market, person, pool)  # noqa: SLF001  by the names that older checkouts have too

    async def prepare(asked: Sequence[tuple[int, int]]) -> None:
        for person, pool in asked:
            await recall.prepare(system, market, person, pool)

    def turn(asked: Sequence[tuple[int, int]]) -> None:
        asyncio.run(ask(asked))

    while True:
        asked = list(zip(islice(people, BATCH), market.requested_pools(BATCH), strict=False))
        asyncio.run(prepare(asked))
        yield partial(turn, asked)


if __name__ == "__main__":
    main()
