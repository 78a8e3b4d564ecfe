"""How soon a listing is recallable after it was acknowledged, while listings arrive evenly: one `smallpool index`, and a replica.

In: a marketplace on the servers. Out: milliseconds from the acknowledgement of each listing until a term recall finds it and the
live view of this process, which tails as a server does, knows it.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from smallpool_config.bench.report import percentile
from smallpool_config.cli.screen import progress
from smallpool_config.runtime import Background
from smallpool_config.settings import Settings
from smallpool_config.wiring.distributed import Distributed
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import encode_item_event
from smallpool_core.items import ItemEvent
from smallpool_core.pages import Query
from smallpool_core.pools import HOME
from smallpool_core.terms import term

PACE_S = 0.02
ASK_EVERY_S = 0.05
"""How often it is asked what is recallable; the figures are longer by half of it, and by what the asking takes."""
PATIENCE_S = 60
WARM_UP = 100
SECTIONS = ("store", "elasticsearch", "kafka", "redis", "indexer", "knowledge")
MAIN = "import sys; from smallpool_config.cli import main; sys.exit(main())"


class Wave:
    """The listings of one second: they have one seller, by whom they are recalled; `acknowledged` by id, until they are found."""

    def __init__(self, seller_id: str) -> None:
        self.seller_id = seller_id
        self.acknowledged: dict[str, float] = {}
        self.found: set[str] = set()
        self.milliseconds: list[float] = []


def time_freshness(settings: Settings, listings: Iterator[ItemEvent], folder: Path, per_second: int, seconds: int) -> dict[str, Any]:
    """The figures. `folder` is for the indexer's settings and output."""
    system = Distributed(settings)
    try:
        with _indexing(settings, folder) as process:
            system.load()
            with Background(system, system.serving_lines()):
                asyncio.run(_arriving(system, process, listings, WARM_UP, per_second, "first"))
                milliseconds = asyncio.run(_arriving(system, process, listings, seconds * per_second, per_second, "arriving"))
    finally:
        system.close()
    return {
        "freshness_p99_ms": percentile(milliseconds, 99),
        "freshness": {
            "p50_ms": percentile(milliseconds, 50),
            "p99_ms": percentile(milliseconds, 99),
            "max_ms": percentile(milliseconds, 100),
            "listings": len(milliseconds),
            "per_second": per_second,
            "refresh_interval_ms": settings.elasticsearch.refresh_interval_ms,
        },
    }


@contextmanager
def _indexing(settings: Settings, folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """`smallpool index` in a process of its own, until the block ends."""
    config, output = folder / "index.toml", folder / "index.log"
    config.write_text(_toml(settings), "utf-8")
    command = [sys.executable, "-c", MAIN, "--config", str(config), "index"]
    with output.open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:  # noqa: S603, it is this program
        try:
            yield process
        finally:
            process.terminate()


def _toml(settings: Settings) -> str:
    """The sections that an indexer needs; a string, a number or a boolean is written in TOML as in JSON, what is not set is left out."""
    lines = [f'wiring = "{settings.wiring}"']
    for name, section in msgspec.to_builtins({name: getattr(settings, name) for name in SECTIONS}).items():
        lines += [f"[{name}]", *[f"{setting} = {json.dumps(value)}" for setting, value in section.items() if value is not None]]
    return "\n".join(lines)


async def _arriving(
    system: Distributed, process: "subprocess.Popen[bytes]", listings: Iterator[ItemEvent], count: int, per_second: int, label: str
) -> list[float]:
    """Sends the listings at their pace, whatever becomes of them, and watches for each of them."""
    waves = [Wave(f"{label}-{number}") for number in range((count - 1) // per_second + 1)]
    sending = asyncio.create_task(_send(system, waves, list(islice(listings, count)), per_second))
    found: list[float] = []
    give_up = time.monotonic() + count / per_second + PATIENCE_S
    with progress(label, shown=True) as show:
        while len(found) < count:
            if process.poll() is not None or time.monotonic() > give_up:
                sending.cancel()
                raise StoreUnavailable(f"{count - len(found)} listings are not recallable {PATIENCE_S} s after the last was sent")
            await asyncio.sleep(ASK_EVERY_S)
            await _look([wave for wave in waves if wave.acknowledged], system)
            found = [taken for wave in waves for taken in wave.milliseconds]
            show(len(found), count)
    await sending
    return found


async def _send(system: Distributed, waves: Sequence[Wave], events: Sequence[ItemEvent], per_second: int) -> None:
    started, sent = time.perf_counter(), 0
    while sent < len(events):
        due = int((time.perf_counter() - started) * per_second)
        for number in range(sent // per_second, min(due, len(events) - 1) // per_second + 1):
            wave = waves[number]
            batch = [_of_seller(event, wave) for event in events[sent : min(due, (number + 1) * per_second)]]
            await system.acknowledged_log.append(
                "item-events", [(event.item_id, encode_item_event(event)) for event in batch], system.clock.now_ms()
            )
            wave.acknowledged |= dict.fromkeys([event.item_id for event in batch], time.perf_counter())
            sent += len(batch)
        await asyncio.sleep(PACE_S)


def _of_seller(event: ItemEvent, wave: Wave) -> ItemEvent:
    return event if event.given is None else replace(event, given=replace(event.given, seller_id=wave.seller_id))


async def _look(waves: Sequence[Wave], system: Distributed) -> None:
    """Takes from the waves what a term recall finds and the live view knows by now."""
    now = system.clock.now_ms()
    scope = system.recaller.live_pool(HOME, now).scope
    for wave in waves:
        most = len(wave.acknowledged) + 1
        query = Query(scope, frozenset(wave.found), cap=most + 1, limit=most, now=now)
        answer = await system.reader.recall(query, {term("seller", wave.seller_id): 1})
        recalled = [hit.item_id for hit in answer.hits if hit.item_id in wave.acknowledged]
        known = system.live_view.look(recalled, HOME, now)
        at = time.perf_counter()
        for item_id in [item_id for item_id, live in zip(recalled, known, strict=True) if live is not None and live.is_on_sale]:
            wave.found.add(item_id)
            wave.milliseconds.append(1000 * (at - wave.acknowledged.pop(item_id)))
