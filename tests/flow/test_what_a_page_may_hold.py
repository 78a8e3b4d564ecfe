"""Blocked sellers, the like of purchases, seller spread and quotas, from an event to a page."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import HOUR, NOW, user_event
from read_rig import U1, ids
from smallpool_config.settings import Settings, StoreSettings
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.pools import Ordering
from smallpool_core.quotas import Quota
from smallpool_core.users import Identity
from smallpool_service.people import put_profile
from system_rig import EVERYTHING, UNHURRIED, Marketplace, field, listing, listings

U2 = Identity("u2", None)


def test_a_blocked_seller_is_gone_from_every_pool_at_once_and_back_when_the_block_is_lifted(market: Marketplace) -> None:
    market.take(listing("a", category="甲", seller_id="s1"), listing("b", category="乙", seller_id="s2"))
    ports = market.system.read_ports
    asyncio.run(put_profile(ports, U1, [], {}, ["s1"]))
    assert [market.glance(pool_id=pool_id) for pool_id in ("p", "home")] == [["b"], ["b"]]
    assert (market.why("a"), market.why("a", identity=U2)) == (("filter", "blocked_seller"), ("page", "served"))
    asyncio.run(put_profile(ports, U1, [], {}))
    assert sorted(market.glance()) == ["a", "b"]


@pytest.fixture
def considerate(tmp_path: Path) -> Iterator[Marketplace]:
    """A marketplace that offers nobody what they have, or could not open in time."""
    behaviour, read = BehaviourSettings(bought_alike=3), replace(UNHURRIED, least_left_s=1)
    with Marketplace(Settings(store=StoreSettings(str(tmp_path), "off"), read=read, behaviour=behaviour)) as market:
        market.put_pool("p", EVERYTHING)
        yield market


def test_whoever_bought_a_thing_is_not_offered_another_like_it(considerate: Marketplace) -> None:
    market = considerate
    market.take(
        listing("bought", "苹果 #金色", category="手机"),
        listing("same", "苹果 #金色 #全新", category="手机"),
        listing("silver", "苹果 #银色", category="手机"),
        listing("tablet", "苹果 #金色", category="平板"),
        user_event("purchase", "bought"),
    )
    assert sorted(market.glance()) == ["silver", "tablet"]
    assert market.why("same") == ("filter", "bought_alike")
    assert sorted(market.glance(identity=U2)) == ["bought", "same", "silver", "tablet"]


def test_an_auction_leaves_its_pages_shortly_before_its_end(considerate: Marketplace) -> None:
    market = considerate
    market.take(listing("a", category="甲", sale="auction", expires_at=NOW + HOUR), listing("b", category="乙"))
    market.clock.advance(HOUR - 1_001)
    assert "a" in market.glance()
    market.clock.advance(1)
    assert market.glance() == ["b"]
    assert market.why("a") == ("filter", "expiring")


def test_seller_spread_holds_on_every_page_of_many_requests_at_once(market: Marketplace) -> None:
    market.put_pool("p", EVERYTHING, settings={"max_per_seller": 2})
    market.take(*(listing(f"i{place:03}", category=f"类{place}", seller_id=f"s{place % 8}") for place in range(80)))
    pages = market.pages_at_once([{} for _ in range(6)])
    served = [ids(page) for page in pages]  # type: ignore[arg-type]
    assert [len(page) for page in served[:4]] == [10] * 4
    assert len({item_id for page in served for item_id in page}) == sum(map(len, served))
    for page in served:
        sellers = [int(item_id[1:]) % 8 for item_id in page]
        assert max(sellers.count(seller) for seller in sellers) <= 2


def test_a_quota_counts_items_as_they_are_stored_and_follows_their_changes(market: Marketplace) -> None:
    auctions = Quota(field("sale", "eq", "auction"), at_most=2)
    market.put_pool("p", EVERYTHING, ordering=Ordering(quotas=(auctions,)))
    market.take(*listings(4, per_category=1, sale="auction"))
    page = market.recall(dry_run=True)
    assert (len(page.items), page.short) == (2, "quota")
    assert market.why("i0003") == ("claim", "quota")
    market.take(listing("i0003", category="类0003", version=2, sale="fixed"))
    assert len(market.glance()) == 3
