"""Processes that are killed: everything acknowledged is there afterwards, once. Numbers are those of docs/reliability.md."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import httpx
import pytest
from msgspec.structs import replace

import http_rig
from builders import NOW, user_event
from checkout import ROOT, SOURCE_ROOTS
from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP
from smallpool_core.items import ItemEvent, WideItem
from smallpool_core.pools import MAX_CAP
from smallpool_core.ports import Topic
from smallpool_core.users import TriggerState, UserEvent
from system_rig import EVERYTHING, Event, Marketplace, listing, listings, sold
from write_process import write_process

ITEMS = 60
BATCHES = 12
"""Batches that are sent to one life of the process."""
FEWEST_STAGES = 3
"""So many stages run, and are announced, for any event."""


AFTERWARDS: dict[Topic, tuple[str, list[Event]]] = {
    "item-events": (INDEXER_GROUP, [sold("i0001"), listing("new")]),
    "user-events": (BEHAVIOUR_GROUP, [user_event("click", "i0002"), user_event("click", "i0002")]),
}
"""What is sent on a log once all is set up, and who reads it."""


class Outcome(NamedTuple):
    """All that events lead to."""

    items: dict[str, WideItem]
    behaviour: TriggerState
    popularity: dict[str, float]
    page: list[str]


def outcome(market: Marketplace) -> Outcome:
    popularity = asyncio.run(market.system.stats.responses("", [f"i{place:04}" for place in range(ITEMS)], NOW)).weights
    items = {item_id: _timeless(item) for item_id, item in market.stored().items()}
    return Outcome(items, market.system.triggers.load("u:u1"), popularity, sorted(market.glance(size=100)))


def _timeless(item: WideItem) -> WideItem:
    """The record without what depends on when a process looked: of an item that is listed and sold in one batch no pool was ever asked,
    and popularity comes into the score of an item on sale once a minute, from the start of a process on.
    """
    timeless = replace(item, epoch=0, static_score=0, popularity=0)
    return replace(timeless, enrich=0) if item.state == "on_sale" else timeless


def begun(market: Marketplace) -> None:
    """A pool whose page has room for all that is on sale, and items that people act on and that nobody sells."""
    market.put_pool("p", EVERYTHING, settings={"max_per_category": MAX_CAP})
    market.take(*listings(ITEMS, per_category=6))


def life(random: Random, count: int) -> list[list[ItemEvent | UserEvent]]:
    """Batches of listings, changes and sales in any order of versions, and of behaviour."""
    return [[_event(random) for _ in range(random.randint(1, 12))] for _ in range(count)]


def _event(random: Random) -> ItemEvent | UserEvent:
    name, version = f"n{random.randrange(40):02}", random.randrange(1, 9)
    kind = random.choice(("list", "list", "sell", "act"))
    if kind == "act":
        return user_event(random.choice(("click", "favourite")), f"i{random.randrange(ITEMS):04}", at=NOW - random.randrange(3_600_000))
    if kind == "sell":
        return sold(name, version)
    return listing(name, f"版本 {version}", category=f"类{version}", version=version, price_cents=version * 100)


@pytest.mark.parametrize("topic", AFTERWARDS)
def test_case_07_what_is_killed_before_its_offset_is_committed_comes_again_without_visible_change(tmp_path: Path, topic: Topic) -> None:
    group, events = AFTERWARDS[topic]
    folders = {name: tmp_path / name for name in ("killed", "undisturbed")}
    with Marketplace(folders["killed"]) as market:
        begun(market)
        before = market.system.log.committed(topic, group)
        market.send(*events)
        for _ in range(2):
            with write_process(folders["killed"], "commit") as process:
                assert process.end() == -signal.SIGKILL
        assert market.system.log.committed(topic, group) == before
        market.settle()
        after = outcome(market)
    with Marketplace(folders["undisturbed"]) as market:
        begun(market)
        market.take(*events)
        assert outcome(market) == after


@pytest.mark.parametrize("times", [5, pytest.param(50, marks=pytest.mark.faults_long)])
def test_case_08_a_write_path_killed_at_random_points_ends_as_if_it_had_never_been(tmp_path: Path, times: int) -> None:
    random, sent = Random(times), list[Event]()
    folders = {name: tmp_path / name for name in ("killed", "undisturbed")}
    with Marketplace(folders["killed"]) as market:
        begun(market)
        for _ in range(times):
            with write_process(folders["killed"]) as process:
                after, stages = random.randrange(BATCHES), random.randint(1, FEWEST_STAGES)
                for place, batch in enumerate(life(random, BATCHES)):
                    market.send(*batch)
                    sent += batch
                    if place == after:
                        assert process.await_stages(stages)
                        process.kill()
        market.settle()
        recovered = outcome(market)
    with Marketplace(folders["undisturbed"]) as market:
        begun(market)
        market.take(*sent)
        assert outcome(market) == recovered


@contextmanager
def serving(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", httpx.Client]]:
    """`smallpool serve` over the folder, ready, and a client of it with the admin key."""
    path = os.pathsep.join(str(ROOT / name) for name in SOURCE_ROOTS)
    command = [sys.executable, "-P", "-c", "from smallpool_config.cli import main; main()", "serve", "--data", str(folder), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}, cwd=folder)
    try:
        assert process.stdout is not None
        address = next(line.split()[-1] for line in process.stdout if " on http://" in line)
        key = (folder / "admin.key").read_text().strip()
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
            yield process, client
    finally:
        process.kill()
        process.communicate()


def send_until_killed(process: "subprocess.Popen[str]", client: httpx.Client, random: Random) -> dict[str, int]:
    """Posts batches and kills the server while it works on one of them; the highest acknowledged version of each item."""
    acknowledged: dict[str, int] = {}
    last = random.randrange(5, 40)
    for number in range(last + 1):
        batch = [_row(random) for _ in range(random.randint(1, 20))]
        if number == last:
            process.kill()
        try:
            reply = client.post("/v1/item-events", json={"events": batch})
        except httpx.TransportError:
            break
        assert reply.status_code == 202, reply.text
        for row in batch:
            acknowledged[row["item_id"]] = max(row["version"], acknowledged.get(row["item_id"], 0))
    return acknowledged


def _row(random: Random) -> dict[str, Any]:
    name, version = f"n{random.randrange(200):03}", random.randrange(1, 1_000)
    return http_rig.removal(name, version) if random.random() < 0.3 else http_rig.listing(name, version)


@pytest.mark.faults_long
def test_case_08_a_server_killed_twenty_times_while_events_flow_has_all_that_it_acknowledged(tmp_path: Path) -> None:
    random, acknowledged = Random(8), dict[str, int]()
    for _ in range(20):
        with serving(tmp_path) as (process, client):
            for item_id, version in send_until_killed(process, client, random).items():
                acknowledged[item_id] = max(version, acknowledged.get(item_id, 0))
    assert acknowledged
    with serving(tmp_path) as (_, client):
        reply = client.post("/v1/item-events?wait=applied", json={"events": [http_rig.listing("last")]})
        assert reply.json()["applied"] is True
        for item_id, version in acknowledged.items():
            assert client.get(f"/v1/items/{item_id}").json()["version"] >= version
