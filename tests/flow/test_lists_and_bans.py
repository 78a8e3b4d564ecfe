"""What operators put in by hand: include lists, bans, pins and schedules hold with the next page; what is banned is served nowhere."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from builders import MINUTE, NOW
from smallpool_core.errors import PoolClosed, Refused
from smallpool_core.pools import BANNED, HOME, Ordering, PoolDraft
from smallpool_core.rules import matches, parse_rule
from smallpool_core.schedule import Schedule, Window
from smallpool_core.selection import Selection, effective_rule
from smallpool_indexer.settings import IndexerSettings
from system_rig import Marketplace, field, listing, sold

PAGE = {"size": 100}
CHEAP, DEAR = field("price_cents", "lt", 1_000), field("price_cents", "gte", 1_000)
FRESH = field("published_at", "within", "-1h")
NOTHING: dict[str, Any] = {"any": []}
BANNABLE = (CHEAP, DEAR, NOTHING, field("title_words", "contains_any", ["表"]))
EVERYWHERE = ("p", "q", HOME)


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Marketplace]:
    """Forty items, the cheaper half in one tagged pool and all of them in another; backfill and batches in small steps."""
    with Marketplace(tmp_path, indexer=IndexerSettings(batch_size=3, backfill_page=4)) as made:
        for pool_id, rule in (("p", CHEAP), ("q", {"all": []})):
            made.save_pool(pool_id, rule, settings={"max_per_category": 100})
        made.send(*[one(place) for place in range(40)])
        made.settle()
        yield made


def one(place: int, version: int = 1, **changes: Any) -> Any:
    """An item of one of three sellers, with one of two words in its title and a category of its own."""
    values = {"price_cents": place * 50, "seller_id": f"s{place % 3}", "published_at": NOW - place * 4 * MINUTE} | changes
    return listing(f"i{place:02}", ("苹果 手机", "苹果 表")[place % 2], f"类{place:02}", version=version, **values)


def held(market: Marketplace, pool_id: str) -> set[str]:
    """What a pool holds by the matcher, over every item as it is stored just now: its rule and lists, less what is banned."""
    catalogue, now = market.system.catalogue, market.clock.now_ms()
    attributes = market.system.knowledge.attributes
    catalogue.refresh()

    def rule_of(name: str) -> Any:
        pool = catalogue.get(name).pool
        own = pool.rule if pool.state == "live" else NOTHING
        return effective_rule(parse_rule(own, attributes), pool.selection if pool.state == "live" else Selection(), attributes)

    banned = rule_of(BANNED) if BANNED in catalogue else parse_rule(NOTHING, attributes)
    rule = rule_of(pool_id)
    return {
        item.item_id
        for item in market.stored().values()
        if item.state == "on_sale" and (item.published_at or 0) <= now and matches(rule, item, now) and not matches(banned, item, now)
    }


def on_page(market: Marketplace, pool_id: str) -> set[str]:
    return set(market.glance(pool_id=pool_id, **PAGE))


def step(market: Marketplace) -> None:
    """A little of everything that the write path does."""
    system = market.system
    system.backfill.step()
    system.indexer.run_once()
    system.tail_indexer.run_once()
    system.backfill.mark()


@pytest.mark.parametrize(
    "lists",
    [
        Selection(include=("i39", "i01", "not yet")),
        Selection(ban_items=("i00", "i01")),
        Selection(ban_sellers=("s1",)),
        Selection(ban_words=("表",)),
        Selection(include=("i30", "i31", "i32"), ban_items=("i30",), ban_sellers=("s1",), ban_words=("表",)),
    ],
)
def test_a_list_holds_at_every_moment_from_when_it_is_saved(market: Marketplace, lists: Selection) -> None:
    before = on_page(market, "p")
    market.save_pool("p", selection=lists)
    for _ in range(12):
        assert on_page(market, "p") == held(market, "p") != before
        step(market)
    market.settle()
    assert market.is_trusted()
    assert on_page(market, "p") == held(market, "p")
    market.put_pool("p", selection=Selection())
    assert on_page(market, "p") == before


def test_an_included_item_that_comes_later_is_in_the_pool_from_its_first_moment(market: Marketplace) -> None:
    market.put_pool("p", selection=Selection(include=("late",)))
    market.take(listing("late", "苹果 手机", price_cents=9_000))
    assert "late" in on_page(market, "p")
    market.take(sold("late"))
    assert "late" not in on_page(market, "p")


def test_what_is_banned_is_served_nowhere_from_when_it_is_saved(market: Marketplace) -> None:
    market.save_pool(BANNED, DEAR)
    for _ in range(15):
        assert on_page(market, "p") == {f"i{place:02}" for place in range(20)}
        for pool_id in ("q", HOME):
            assert on_page(market, pool_id) == {f"i{place:02}" for place in range(20)}
        step(market)
    market.settle()
    assert market.is_trusted(BANNED)
    assert [item.pools for item in market.stored().values() if item.price_cents == 1_000] == [(BANNED,)]
    assert all(on_page(market, pool_id) == {f"i{place:02}" for place in range(20)} for pool_id in EVERYWHERE)


def test_what_is_banned_no_more_comes_back_into_all_its_pools(market: Marketplace) -> None:
    market.put_pool(BANNED, {"any": []}, selection=Selection(include=("i00", "i30")))
    assert "i00" not in on_page(market, "p") | on_page(market, HOME)
    market.put_pool(BANNED, selection=Selection(include=("i30",)))
    assert "i00" in on_page(market, "p") & on_page(market, "q") & on_page(market, HOME)
    assert "i30" not in on_page(market, "q") | on_page(market, HOME)
    market.put_pool(BANNED, state="archived")
    assert "i30" in on_page(market, "q") & on_page(market, HOME)


def test_a_pool_that_changes_while_an_item_is_banned_does_not_hold_it(market: Marketplace) -> None:
    market.put_pool(BANNED, NOTHING, selection=Selection(include=("i30",)))
    market.save_pool("p", DEAR)
    assert on_page(market, "p") == held(market, "p") == {f"i{place:02}" for place in range(20, 40)} - {"i30"}
    market.settle()
    assert market.is_trusted()
    assert on_page(market, "p") == held(market, "p")


def test_why_names_the_ban_and_the_list(market: Marketplace) -> None:
    market.put_pool(BANNED, NOTHING, selection=Selection(include=("i01",)))
    market.put_pool("p", selection=Selection(ban_items=("i02",)))
    assert market.why("i01") == ("pool", "banned")
    assert market.why("i02") == ("pool", "not_in_pool")
    market.save_pool(BANNED, selection=Selection())
    assert market.why("i01") == ("pool", "not_yet_tagged")


def test_nothing_is_recalled_from_what_is_banned_and_its_rule_is_not_about_now(market: Marketplace) -> None:
    market.put_pool(BANNED, DEAR)
    with pytest.raises(Refused, match="served nowhere"):
        market.recall(pool_id=BANNED)
    with pytest.raises(Refused, match="holds at all times"):
        market.save_pool(BANNED, FRESH)


def test_the_count_of_a_rule_is_without_what_is_banned(market: Marketplace) -> None:
    assert market.save_pool(BANNED, field("price_cents", "gte", 500)).count == 30
    assert market.save_pool("p", CHEAP).count == 10


def something_happens(market: Marketplace, draw: Random, turn: int) -> None:
    """A listing, a sale, or a change of a pool or of what is banned; now and then nothing."""

    def ids() -> tuple[str, ...]:
        return tuple(f"i{place:02}" for place in draw.sample(range(50), 3))

    match draw.choice(("list", "list", "sell", "rule", "lists", "ban", "nothing", "nothing")):
        case "list":
            market.send(one(draw.randrange(50), version=turn + 2, price_cents=draw.randrange(2_000), published_at=market.clock.now_ms()))
        case "sell":
            market.send(sold(f"i{draw.randrange(50):02}", version=turn + 2))
        case "rule":
            market.save_pool("p", draw.choice([*BANNABLE, {"all": []}, {"all": [FRESH, CHEAP]}]))
        case "lists":
            market.save_pool("p", selection=Selection(include=ids(), ban_items=ids(), ban_words=draw.choice(((), ("表",)))))
        case "ban":
            lists = Selection(include=ids(), ban_items=ids(), ban_sellers=draw.choice(((), ("s1",))))
            market.save_pool(BANNED, draw.choice(BANNABLE), selection=lists, state=draw.choice(("live", "live", "archived")))


@pytest.mark.parametrize("seed", range(4))
def test_no_banned_item_is_served_and_every_pool_holds_what_its_rule_says_whatever_happens_in_which_order(
    market: Marketplace, seed: int
) -> None:
    draw = Random(seed)
    for turn in range(50):
        something_happens(market, draw, turn)
        for _ in range(draw.randrange(4)):
            step(market)
        market.clock.advance(draw.choice((0, MINUTE)))
        for pool_id, oracle in (("p", "p"), ("q", "q"), (HOME, "q")):
            assert on_page(market, pool_id) <= held(market, oracle), (turn, pool_id)
    market.settle()
    for pool_id, oracle in (("p", "p"), ("q", "q"), (HOME, "q")):
        assert on_page(market, pool_id) == held(market, oracle), pool_id


def test_pinned_items_come_first_in_their_order_once_each_person_and_no_others_for_it(market: Marketplace) -> None:
    market.take(sold("i05"))
    market.put_pool("p", ordering=Ordering(pins=("i17", "i39", "i05", "i03", "nobody's")))
    page = market.recall()
    assert [item.item_id for item in page.items][:2] == ["i17", "i03"]
    assert "pinned" in page.items[0].sources
    assert not {"i17", "i03"} & set(market.page())


def test_pins_stay_under_the_cap_of_their_category(market: Marketplace) -> None:
    pins = tuple(f"i{place:02}" for place in range(4, 10))
    market.put_pool("p", ordering=Ordering(pins=pins), settings={"max_per_category": 3, "spread_level": 1})
    assert market.glance()[:3] == ["i04", "i05", "i06"]
    assert len(market.glance()) == 3


def test_a_pool_is_closed_outside_of_its_windows_and_whole_when_it_opens(market: Marketplace) -> None:
    # NOW is 2025-06-15 23:06:40 in Shanghai.
    market.put_pool("p", schedule=Schedule(windows=(Window("2025-06-15T23:10", "2025-06-15T23:20"),)))
    with pytest.raises(PoolClosed, match=r"opens next at 2025-06-15T23:10 \(Asia/Shanghai\)"):
        market.recall()
    end = market.system.wide.end()
    market.clock.advance(4 * MINUTE)
    assert on_page(market, "p") == held(market, "p")
    market.clock.advance(10 * MINUTE)
    with pytest.raises(PoolClosed, match="no window is left"):
        market.recall()
    assert market.system.wide.end() == end


def test_a_pool_whose_rule_can_no_longer_be_read_can_be_archived(market: Marketplace) -> None:
    unreadable = PoolDraft(rule={"field": "attributes.taken_out", "op": "eq", "value": "x"})
    asyncio.run(market.system.pools.put("old", unreadable, None, "tester", "as it was made once", market.clock.now_ms()))
    saved = market.save_pool("old", state="archived")
    assert saved.count == 0
    assert asyncio.run(market.system.pools.get("old")).pool.state == "archived"
