"""Items with many versions, sent to a marketplace on real servers; what must stand in the end, and whether it does.

In: a source of chance. Out: events in any order; the oracle's answer; checks of the wide index, the tags and a live view that starts now.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

from msgspec.structs import replace

from builders import given, item_event
from harm_rig import await_that
from smallpool_config.clock import SystemClock
from smallpool_config.stack import Addresses
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import INDEXER_GROUP, encode_item_event
from smallpool_core.items import ItemEvent
from smallpool_core.places import behind
from system_rig import EVERYTHING, Marketplace, field
from two_wirings import Rested, distributed, on_servers

PARTITIONS = 4
VERSIONS = 5
CHEAP = field("price_cents", "lt", 50_000)
DEAR = field("price_cents", "gte", 50_000)


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
    """Whether everything is taken in and tagged; a store that is only just back may not have answered this process yet."""
    try:
        market.system.catalogue.refresh()
        return waiting(market) == 0 and not market.system.catalogue.untagged()
    except StoreUnavailable:
        return False


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
