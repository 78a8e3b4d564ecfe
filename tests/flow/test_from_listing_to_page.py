"""A listing goes in, a person's page comes out: through everything that `open_system` puts together."""

from collections import Counter
from pathlib import Path

import pytest

from builders import DAY, HOUR, MINUTE, NOW, FakeClock, given, item_event, user_event
from read_rig import ids
from smallpool_core.errors import PoolNotLive
from smallpool_core.users import Identity
from system_rig import EVERYTHING, Marketplace, field, knowledge_understander, listing, listings, sold

TITLES = {
    "beads": "小叶紫檀手串 2.0老料 金星 全品相",
    "bracelet": "印度小叶紫檀 佛珠手串 高密度顺纹",
    "pot": "宜兴紫砂壶 朱泥西施 名家全手工",
    "phone": "苹果 iPhone 13 128G 国行 九成新 电池健康89",
    "phone2": "Apple iPhone 12 64G 无拆修",
    "camera": "佳能 5D4 单反相机 快门数少",
    "bag": "Coach 蔻驰 女士单肩包 九成新",
    "coin": "袁大头三年 银元 保真",
}


def test_titles_alone_are_understood_and_a_click_brings_more_of_its_kind(tmp_path: Path) -> None:
    with Marketplace(tmp_path, understander=knowledge_understander()) as market:
        market.put_pool("p", EVERYTHING)
        market.take(*(item_event(name, given=given(title, category=(), seller_id=name)) for name, title in TITLES.items()))
        market.take(*(item_event(f"phone{n}", given=given(f"小米手机 {n} 二手", category=(), seller_id=f"m{n}")) for n in range(3, 9)))
        before = market.recall(dry_run=True, size=2)
        market.take(user_event("click", "bracelet"))
        after = market.recall(dry_run=True, size=2)
    assert set(ids(after)) == {"beads", "bracelet"} != set(ids(before))
    assert all("terms" in item.sources for item in after.items)
    assert not any("terms" in item.sources for item in before.items)


def test_a_search_brings_what_its_words_stand_for(tmp_path: Path) -> None:
    with Marketplace(tmp_path, understander=knowledge_understander()) as market:
        market.put_pool("p", EVERYTHING)
        market.take(*(item_event(name, given=given(title, category=(), seller_id=name)) for name, title in TITLES.items()))
        market.take(user_event("search", query="紫砂壶"))
        assert market.page(size=1) == ["pot"]


def test_what_one_person_does_moves_no_other_persons_triggers(market: Marketplace) -> None:
    market.take(*listings(40), listing("pot", "#紫砂 壶", "壶"), listing("cup", "#紫砂 杯", "杯", published_at=NOW - DAY))
    market.take(user_event("click", "pot", user_id="u2"), user_event("favourite", "pot", user_id=None, device_id="u1"))
    assert "cup" in market.glance(identity=Identity("u2", None))[:2]
    assert "cup" in market.glance(identity=Identity(None, "u1"))[:2]
    state = market.system.triggers.load("u:u1")
    assert (state.short, state.long, state.recent) == ({}, {}, [])


def test_twenty_pages_of_ten_are_two_hundred_items_under_the_cap(market: Marketplace) -> None:
    market.take(*listings(230, per_category=7), user_event("click", "i0003"), user_event("favourite", "i0100"))
    pages = [market.recall() for _ in range(20)]
    assert [(len(page.items), page.short, page.degraded) for page in pages] == [(10, None, [])] * 20
    assert len({item_id for page in pages for item_id in ids(page)}) == 200
    assert max(max(Counter(tuple(item.category) for item in page.items).values()) for page in pages) == 3


def test_seen_lists_of_pools_and_of_home_are_apart(market: Marketplace) -> None:
    market.put_pool("q", EVERYTHING)
    market.take(*listings(10))
    first = market.page()
    assert set(first) == set(market.page(pool_id="q")) == set(market.page(pool_id="home"))
    assert market.page() == []


def test_an_auction_leaves_at_its_very_millisecond(market: Marketplace) -> None:
    market.take(listing("auction", sale="auction", expires_at=NOW + 6 * HOUR))
    market.clock.advance(6 * HOUR - 1)
    assert market.glance() == ["auction"]
    market.clock.advance(1)
    assert market.glance() == []
    assert market.why("auction") == ("item", "expired")


def test_an_item_of_a_rule_in_time_leaves_when_its_interval_ends_without_any_event(market: Marketplace) -> None:
    market.put_pool("fresh", field("published_at", "within", "-1h"))
    market.put_pool("ending", field("expires_at", "within", "+1h"))
    market.take(listing("i", published_at=NOW, expires_at=NOW + 3 * HOUR))
    end, pools = market.system.wide.end(), ("fresh", "ending")
    held = []
    for step in (0, HOUR, 1, HOUR - 2, 1, HOUR - 1, 1):
        market.clock.advance(step)
        held.append([pool_id for pool_id in pools if market.glance(pool_id=pool_id)])
    assert held == [["fresh"], ["fresh"], [], [], ["ending"], ["ending"], []]
    assert market.system.wide.end() == end, "nothing was written meanwhile"


def test_a_listing_ahead_of_its_publication_is_not_recalled_before(market: Marketplace) -> None:
    market.take(listing("soon", published_at=NOW + 10 * MINUTE))
    assert market.why("soon") == ("item", "not_yet_published")
    market.clock.advance(10 * MINUTE - 1)
    assert market.glance() == []
    market.clock.advance(1)
    assert market.glance() == ["soon"]


def test_a_sold_item_is_gone_from_the_next_page_and_only_a_higher_version_brings_it_back(market: Marketplace) -> None:
    market.take(listing("a", version=5), listing("b", category="相机"))
    assert sorted(market.glance()) == ["a", "b"]
    market.take(sold("a", version=6))
    assert market.glance() == ["b"]
    for version in (4, 5, 6):
        market.take(listing("a", version=version))
        assert market.glance() == ["b"]
    market.take(listing("a", version=7))
    assert sorted(market.glance()) == ["a", "b"]


def test_what_was_withdrawn_by_the_version_that_lists_it_is_gone_too(market: Marketplace) -> None:
    market.take(listing("a"), item_event("a", "withdrawn", version=1))
    assert market.glance() == []


def test_a_person_is_never_shown_what_they_bought_or_sell(market: Marketplace) -> None:
    market.take(*listings(6, per_category=1), listing("mine", category="自己", seller_id="u1"), user_event("purchase", "i0002"))
    assert sorted(market.glance()) == ["i0000", "i0001", "i0003", "i0004", "i0005"]
    assert market.why("mine") == ("filter", "own")
    assert market.why("i0002") == ("filter", "bought")


@pytest.mark.parametrize("state", ["draft", "archived"])
def test_a_pool_is_recalled_from_only_while_it_is_live(market: Marketplace, state: str) -> None:
    market.take(*listings(4))
    assert len(market.glance()) == 4
    market.put_pool("p", state=state)
    with pytest.raises(PoolNotLive, match=state):
        market.page()
    market.take(listing("late", category="晚"), sold("i0000"))
    market.put_pool("p", state="live")
    assert sorted(market.glance()) == ["i0001", "i0002", "i0003", "late"]


def test_everything_is_as_it_was_after_a_restart(tmp_path: Path) -> None:
    clock = FakeClock()
    with Marketplace(tmp_path, clock=clock) as market:
        market.put_pool("p", field("price_cents", "lt", 200_000))
        market.take(*listings(25), listing("dear", price_cents=300_000), sold("i0001"), user_event("click", "i0004"))
        first, second = market.recall(request_id="r1"), market.glance()
    with Marketplace(tmp_path, clock=clock) as again:
        assert again.glance() == second
        replayed = again.recall(request_id="r1")
        assert (replayed.replayed, replayed.items) == (True, first.items)
        assert again.page() == second
