"""`smallpool index` in the distributed wiring: killed at any point, joined and left by others, stopped; everything acknowledged stays."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from builders import given, item_event
from harm_rig import Indexing, Servers, await_that
from smallpool_config.clock import SystemClock
from smallpool_config.stack import Addresses
from smallpool_core.events import INDEXER_GROUP, encode_item_event
from smallpool_core.items import ItemEvent
from smallpool_core.places import behind
from smallpool_stores.kafka import clients
from smallpool_stores.kafka.topics import group_name
from system_rig import EVERYTHING, Marketplace, field
from two_wirings import Rested, distributed, on_servers

PARTITIONS = 4
VERSIONS = 5
CHEAP = field("price_cents", "lt", 50_000)
DEAR = field("price_cents", "gte", 50_000)
STOPPED_WITHIN_S = 10.0


class State(NamedTuple):
    """What the events of an item lead to."""

    version: int
    state: str
    price_cents: int | None


@contextmanager
def marketplace(folder: Path, at: Addresses) -> Iterator[Marketplace]:
    """A marketplace on the servers, with pools; this process only sends, and looks."""
    settings = on_servers(folder, partitions=PARTITIONS, at=at)
    settings = replace(settings, kafka=replace(settings.kafka, session_timeout_ms=6_000))
    with distributed(folder, SystemClock(), settings=settings) as market:
        market.save_pool("p", EVERYTHING)
        market.save_pool("cheap", CHEAP)
        yield market


def life(random: Random, items: int) -> list[ItemEvent]:
    """Every version of every item in some order, listings and removals."""
    now = SystemClock().now_ms()
    events = [_event(random, f"n{number:05}", version, now) for number in range(items) for version in range(1, VERSIONS + 1)]
    random.shuffle(events)
    return events


def _event(random: Random, item_id: str, version: int, now: int) -> ItemEvent:
    if random.random() < 0.3:
        return item_event(item_id, random.choice(("sold", "withdrawn")), version=version, at=now)
    price = random.choice((10_000, 90_000))
    thing = given(f"苹果 手机 {version}", category=("数码", f"类{random.randrange(200):03}"), price_cents=price, published_at=now)
    return item_event(item_id, version=version, at=now, given=thing)


def oracle(events: Sequence[ItemEvent]) -> dict[str, State]:
    """What must stand in the end: of each item its highest version."""
    newest: dict[str, ItemEvent] = {}
    for event in events:
        if event.item_id not in newest or event.version > newest[event.item_id].version:
            newest[event.item_id] = event
    return {item_id: _outcome(event) for item_id, event in newest.items()}


def _outcome(event: ItemEvent) -> State:
    return State(event.version, "on_sale" if event.type == "published" else event.type, event.given and event.given.price_cents)


def send(market: Marketplace, events: Sequence[ItemEvent]) -> None:
    """Returns when brokers have acknowledged all of them."""
    pairs = [(event.item_id, encode_item_event(event)) for event in events]
    for first in range(0, len(pairs), 500):
        market.system.log.append_now("item-events", pairs[first : first + 500], market.clock.now_ms())


def waiting(market: Marketplace) -> int:
    log = market.system.log
    return behind(log.committed("item-events", INDEXER_GROUP), log.end("item-events"))


def found(market: Marketplace, item_ids: Sequence[str]) -> dict[str, State]:
    """What the wide index holds."""
    items = asyncio.run(market.system.reader.get(item_ids)).values()
    return {item.item_id: State(item.version, item.state, item.price_cents if item.state == "on_sale" else None) for item in items}


def rests(market: Marketplace) -> bool:
    market.system.catalogue.refresh()
    return waiting(market) == 0 and not market.system.catalogue.untagged()


def assert_as_the_oracle(market: Marketplace, events: Sequence[ItemEvent]) -> None:
    """The wide index, the pools' tags and the live view of a process that starts now are what the events say."""
    expected = oracle(events)
    await_that(lambda: rests(market), "everything is taken in and every pool is tagged")
    await_that(lambda: found(market, list(expected)) == expected, "the wide index holds what was acknowledged")
    on_sale = {item_id: state for item_id, state in expected.items() if state.state == "on_sale"}
    now = market.clock.now_ms()
    with Rested(market.system.settings, clock=SystemClock()) as later:
        live = later.system.live_view
        assert live.size("p", now) == len(on_sale)
        rule = later.system.catalogue
        rule.refresh()
        is_cheap = rule.get("cheap").pool.rule == CHEAP
        wanted = {item_id for item_id, state in on_sale.items() if ((state.price_cents or 0) < 50_000) == is_cheap}
        seen = live.look(list(expected), "cheap", now)
        assert {known.item_id for known in seen if known is not None and known.in_pool and known.is_on_sale} == wanted


def share_of(total: int, kills: int, number: int) -> int:
    """How many events may wait at most before the next kill."""
    return total * (kills - number) // (kills + 1)


@pytest.mark.parametrize(("kills", "items"), [(4, 600), pytest.param(50, 4_000, marks=pytest.mark.faults_long)])
def test_case_08_an_indexer_killed_at_random_points_while_events_flow_loses_nothing(
    harming: Servers, tmp_path: Path, kills: int, items: int
) -> None:
    random = Random(kills)
    with marketplace(tmp_path / "market", harming.addresses) as market:
        events = life(random, items)
        send(market, events)
        total = waiting(market)
        for number in range(kills):
            with Indexing(market.system.settings, tmp_path / "index") as process:
                most = share_of(total, kills, number) + random.randrange(1 + total // (kills + 1))
                process.await_that(lambda most=most: waiting(market) <= most, "the process takes in events")
                for _ in range(random.randrange(8)):  # some ms each, so that it is hit anywhere between two commits
                    waiting(market)
                process.kill()
        with Indexing(market.system.settings, tmp_path / "index"):
            assert_as_the_oracle(market, events)


def test_case_09_an_indexer_that_joins_and_one_that_leaves_while_events_flow_lose_nothing(harming: Servers, tmp_path: Path) -> None:
    with marketplace(tmp_path / "market", harming.addresses) as market, ExitStack() as stack:
        events = life(Random(9), 600)
        third = len(events) // 3
        first = stack.enter_context(Indexing(market.system.settings, tmp_path / "first"))
        send(market, events[:third])
        first.await_ready()
        second = stack.enter_context(Indexing(market.system.settings, tmp_path / "second"))
        second.await_ready()
        await_that(lambda: members(market) == 2, "both are in the group")
        send(market, events[third : 2 * third])
        market.save_pool("cheap", DEAR)
        send(market, events[2 * third :])
        assert first.stop(STOPPED_WITHIN_S) == 0
        assert_as_the_oracle(market, events)
        assert second.is_alive


def members(market: Marketplace) -> int:
    settings = market.system.settings.kafka
    name = group_name(settings, "item-events", INDEXER_GROUP)
    with closing(clients.admin(settings)) as client:
        return sum(len(described["members"]) for described in client.describe_groups([name]).values())


def test_an_indexer_that_is_told_to_stop_under_load_ends_soon_and_leaves_its_group_at_once(harming: Servers, tmp_path: Path) -> None:
    with marketplace(tmp_path / "market", harming.addresses) as market, Indexing(market.system.settings, tmp_path / "index") as process:
        events = life(Random(1), 600)
        send(market, events)
        total = waiting(market)
        process.await_that(lambda: waiting(market) < total, "the process takes in events")
        assert process.stop(STOPPED_WITHIN_S) == 0, process.said
        assert members(market) == 0
        assert "stopped; everything taken in is stored" in process.said
