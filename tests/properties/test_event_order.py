"""The order in which events come, how often each comes and how they fall into batches make no difference to what is recalled."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import builders
from builders import HOUR, NOW, item_event, user_event
from smallpool_core.behaviour import BehaviourSettings, triggers_from
from smallpool_core.items import ItemEvent, ItemEventType, WideItem
from smallpool_core.users import UserEvent
from smallpool_indexer.settings import IndexerSettings
from system_rig import Event, Marketplace, field

ITEMS = ("a", "b", "c", "é", "👍")
POOLS: dict[str, dict[str, Any]] = {
    "cheap": field("price_cents", "lt", 500),
    "red": field("points", "has", "红"),
    "fresh": field("published_at", "within", "-1h"),
}

listings = st.builds(
    builders.given,
    title=st.sampled_from(("苹果 手机", "#红 珠", "华为 #红 #旧")),
    category=st.sampled_from((("数码", "手机"), ("文玩", "手串"))),
    price_cents=st.sampled_from((100, 900)),
    published_at=st.sampled_from((NOW - 2 * HOUR, NOW)),
    expires_at=st.none() | st.just(NOW + HOUR),
)


@st.composite
def lives(draw: st.DrawFn) -> list[ItemEvent]:
    """Events of some items, each item's with versions of their own."""
    events = []
    for item_id in draw(st.lists(st.sampled_from(ITEMS), min_size=1, unique=True)):
        for version in draw(st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True)):
            kind: ItemEventType = draw(st.sampled_from(("published", "updated", "sold", "withdrawn")))
            item = draw(listings) if kind in ("published", "updated") else None
            events.append(item_event(item_id, kind, version=version, given=item))
    return events


class Outcome(NamedTuple):
    """What can be told from outside: what is on sale, who has gone, and the pages."""

    on_sale: dict[str, WideItem]
    gone: dict[str, tuple[int, str]]
    pages: dict[str, list[str]]


def outcome(events: Sequence[Event], batch_size: int) -> Outcome:
    with tempfile.TemporaryDirectory() as folder, Marketplace(Path(folder), indexer=IndexerSettings(batch_size=batch_size)) as market:
        for pool_id, rule in POOLS.items():
            market.save_pool(pool_id, rule)
        market.settle()
        market.take(*events)
        stored = market.stored()
        return Outcome(
            {item_id: item for item_id, item in stored.items() if item.state == "on_sale"},
            {item_id: (item.version, item.state) for item_id, item in stored.items() if item.state != "on_sale"},
            {pool_id: market.glance(pool_id=pool_id) for pool_id in (*POOLS, "home")},
        )


@given(lives(), st.randoms(use_true_random=False), st.sampled_from((1, 2, 64)))
@settings(max_examples=25)
def test_order_duplication_and_batches_of_item_events_do_not_matter(events: list[ItemEvent], random: Any, batch_size: int) -> None:
    shuffled = [*events, *random.choices(events, k=len(events))]
    random.shuffle(shuffled)
    assert outcome(shuffled, batch_size) == outcome(events, 64)


acts = st.builds(
    user_event,
    st.sampled_from(("view", "click", "favourite", "cart", "bid", "purchase", "expose")),
    st.sampled_from(ITEMS),
    at=st.integers(NOW - 3 * HOUR, NOW),
)


class Taste(NamedTuple):
    """What a person's behaviour adds up to, free of the order in which it came."""

    triggers: dict[str, float]
    bought: set[tuple[str, int]]
    recent: set[tuple[str, int]]
    popularity: dict[str, float]


def taste(events: Sequence[UserEvent], batch_size: int) -> Taste:
    settings = IndexerSettings(user_batch_size=batch_size)
    stock = [item_event(item_id, given=builders.given(category=("类", item_id), seller_id=item_id)) for item_id in ITEMS]
    with tempfile.TemporaryDirectory() as folder, Marketplace(Path(folder), indexer=settings) as market:
        market.take(*stock, *events)
        state = market.system.triggers.load("u:u1")
        return Taste(
            {trigger.term: trigger.weight for trigger in triggers_from(state, NOW, BehaviourSettings())},
            {(touched.item_id, touched.at) for touched in state.bought},
            {(touched.item_id, touched.at) for touched in state.recent},
            asyncio.run(market.system.stats.responses("", ITEMS, NOW)).weights,
        )


@given(st.lists(acts, min_size=1, max_size=12), st.randoms(use_true_random=False), st.sampled_from((1, 3, 32)))
@settings(max_examples=15)
def test_order_duplication_and_batches_of_behaviour_do_not_matter(events: list[UserEvent], random: Any, batch_size: int) -> None:
    shuffled = [*events, *random.choices(events, k=len(events))]
    random.shuffle(shuffled)
    one, other = taste(events, 32), taste(shuffled, batch_size)
    assert other.triggers == pytest.approx(one.triggers)
    assert other.popularity == pytest.approx(one.popularity)
    assert other[1:3] == one[1:3]
