"""What a rule would do: each part counted by hand on a small marketplace, and left out by name where there is no time for it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from builders import HOUR, NOW, wide_item
from read_rig import EVERYTHING, FakeReader, World, in_pool, liking
from smallpool_core.errors import NotFound, StoreUnavailable
from smallpool_core.pages import Answer, Query
from smallpool_core.rule_counts import MAX_PARTS, Breakdown, Exclusion
from smallpool_core.rules import Rule
from smallpool_core.users import Identity
from smallpool_service.effective import Effect
from smallpool_service.operators import parse_rule
from smallpool_service.previews import CategoryCount, LeftOut, PriceCount, RulePreview, SellerCount, Side, Wanted, preview
from smallpool_service.served import served_record

CHEAP: dict[str, Any] = {"field": "price_cents", "op": "lt", "value": 5_000}
AUCTIONS: dict[str, Any] = {"field": "sale", "op": "eq", "value": "auction"}


def shown(world: World, rule: dict[str, Any], **wanted: Any) -> RulePreview:
    parsed = parse_rule(world.ports.catalogue, rule)
    return asyncio.run(preview(world.recaller, Wanted(**{"rule": parsed, "people": 0, "until": NOW + 60_000} | wanted)))


def market() -> World:
    """Four phones, a camera without a price, and one that is sold; the pool `p` holds what is cheap."""
    world = World(
        in_pool("a", price_cents=999, seller_id="s2"),
        in_pool("b", price_cents=1_000, seller_id="s1", sale="auction"),
        wide_item("c", price_cents=5_000, seller_id="s2", sale="auction"),
        wide_item("d", price_cents=2_000_000, seller_id="s2", published_at=NOW - 25 * HOUR),
        wide_item("e", category="数码›相机", price_cents=None, seller_id=None, terms=()),
        wide_item("sold", state="sold"),
    )
    world.put_pool(rule=CHEAP)
    return world


def test_matching_items_are_counted_by_category_seller_and_price() -> None:
    breakdown = shown(market(), EVERYTHING).breakdown
    assert breakdown is not None
    assert breakdown.top_categories == [CategoryCount(["数码"], 5)]
    assert breakdown.categories == [CategoryCount(["数码", "手机"], 4), CategoryCount(["数码", "相机"], 1)]
    assert breakdown.sellers == [SellerCount("s2", 3), SellerCount("s1", 1)]
    assert [one for one in breakdown.prices if one.count] == [
        PriceCount(None, 1_000, 1),
        PriceCount(1_000, 5_000, 1),
        PriceCount(5_000, 10_000, 1),
        PriceCount(1_000_000, None, 1),
        PriceCount(None, None, 1),
    ]


def test_a_rule_gains_and_loses_against_the_one_that_stands() -> None:
    found = shown(market(), AUCTIONS, against="p", sample=1)
    assert found.plus is not None
    assert found.minus is not None
    assert (found.count, found.plus.count, found.minus.count) == (2, 1, 1)
    assert [item.item_id for item in (*found.plus.items, *found.minus.items)] == ["c", "a"]


def test_a_rule_by_itself_is_compared_with_nothing_and_one_that_stands_loses_and_gains_nothing() -> None:
    assert (shown(market(), AUCTIONS).plus, shown(market(), AUCTIONS).minus) == (None, None)
    same = shown(market(), CHEAP, against="p")
    assert same.plus == same.minus == Side(0, [])
    with pytest.raises(NotFound):
        shown(market(), CHEAP, against="nowhere")


def test_each_condition_says_what_it_keeps_out_alone_and_at_all() -> None:
    found = shown(market(), {"all": [AUCTIONS, {"not": CHEAP}]}).excluded_by
    assert found is not None
    assert [(one.path, one.condition, one.alone, one.excluded) for one in found] == [
        ("$.all[0]", AUCTIONS, 2, 3),
        ("$.all[1]", {"not": CHEAP}, 1, 2),
    ]
    whole = shown(market(), {"any": [AUCTIONS, CHEAP]}).excluded_by
    assert whole is not None
    assert [(one.path, one.alone, one.excluded) for one in whole] == [("$", 2, 2)]
    assert shown(market(), EVERYTHING).excluded_by == []


def test_of_more_conditions_than_can_be_counted_it_is_said_that_none_are() -> None:
    found = shown(market(), {"all": [CHEAP] * (MAX_PARTS + 1)})
    assert found.excluded_by is None
    assert [(one.part, str(MAX_PARTS) in one.reason) for one in found.left_out] == [("excluded_by", True)]


def test_inflow_is_what_was_published_in_a_day_by_the_hour() -> None:
    world = World(*(wide_item(f"i{place}", published_at=NOW - place * HOUR) for place in range(48)))
    assert shown(world, EVERYTHING).inflow_per_hour == round(25 / 24, 2)


def visited(world: World, *user_ids: str) -> None:
    """Pages were served to these people, in this order, who all like phones."""
    for user_id in user_ids:
        world.triggers.states[f"u:{user_id}"] = liking({"category:数码›手机": 1.0})
        record = served_record(Identity(user_id, None), "r", "p", [], {}, NOW)
        asyncio.run(world.log.append("served", [record], NOW))


def test_people_whom_pages_were_served_to_try_the_rule_before_and_after() -> None:
    """Of five items two are in the pool and three would be: site-wide recall finds exactly those phones that lie in it."""
    world = market()
    visited(world, "u1", "u2", "u2")
    world.triggers.states["u:u3"] = liking({"category:数码›手机": 1.0})
    found = shown(world, {"not": {"field": "price_cents", "op": "gt", "value": 5_000}}, against="p", people=5)
    assert found.people is not None
    assert (found.people.people, found.people.top) == (2, 100)
    assert found.people.before == Effect(page_fill=0.2, site_wide=2.0, inside=2.0)
    # The camera without a price is no phone: it is on the page, and not among what recall by triggers finds.
    assert found.people.after == Effect(page_fill=0.4, site_wide=3.0, inside=3.0)
    assert found.left_out == []


def test_a_pool_smaller_than_the_site_has_more_inside_than_the_sites_best_show() -> None:
    bests = [wide_item(f"s{place:03}", category=f"类{place}", terms=("point:x",), static_score=500) for place in range(100)]
    inside = [in_pool(f"p{place}", category=f"类{place}", terms=("point:x",), static_score=1) for place in range(20)]
    world = World(*bests, *inside)
    world.put_pool(rule={"field": "item_id", "op": "in", "value": [item.item_id for item in inside]})
    world.triggers.states["u:u1"] = liking({"point:x": 1.0})
    found = shown(world, EVERYTHING, against="p", users=("u1",)).people
    assert found is not None
    assert (found.before, found.after) == (Effect(1.0, 0.0, 20.0), Effect(1.0, 100.0, 100.0))


def test_what_a_person_was_shown_in_the_pool_counts_for_the_page() -> None:
    world = market()
    visited(world, "u1")
    world.page(pool_id="p", size=1)
    found = shown(world, CHEAP, against="p", people=1).people
    assert found is not None
    assert found.before == found.after == Effect(page_fill=0.1, site_wide=2.0, inside=2.0)


def test_trying_a_rule_writes_nothing() -> None:
    world = market()
    visited(world, "u1")
    records, claims = len(world.log.records), len(world.seen.claims)
    shown(world, AUCTIONS, against="p", people=1)
    assert (len(world.log.records), len(world.seen.claims)) == (records, claims)


def test_a_rule_that_belongs_to_no_pool_is_tried_too() -> None:
    world = market()
    visited(world, "u1")
    found = shown(world, AUCTIONS, people=1).people
    assert found is not None
    assert (found.before, found.after) == (None, Effect(0.2, 2.0, 2.0))
    home = shown(world, AUCTIONS, against="home", people=1).people
    assert home is not None
    assert (home.before, home.after) == (Effect(0.4, 4.0, 4.0), Effect(0.2, 2.0, 2.0))


def test_of_a_pool_that_is_not_live_the_rule_alone_decides() -> None:
    world = market()
    world.put_pool("q", rule=AUCTIONS, state="draft")
    visited(world, "u1")
    found = shown(world, AUCTIONS, against="q", people=1).people
    assert found is not None
    assert found.after == Effect(0.2, 2.0, 2.0)


def test_without_anybody_of_whom_something_is_known_people_are_left_out() -> None:
    world = market()
    asyncio.run(world.log.append("served", [served_record(Identity("stranger", None), "r", "p", [], {}, NOW)], NOW))
    found = shown(world, CHEAP, people=3)
    assert (found.people, found.left_out) == (None, [LeftOut("people", "nobody is known to try it with")])


class LateReader(FakeReader):
    """A wide index that takes all the time there is for its first count."""

    world: World

    async def preview(self, rule: Rule, now: int, sample: int) -> tuple[int, list[str]]:
        self.world.clock.advance(60_000)
        return await super().preview(rule, now, sample)


class SlowReader(FakeReader):
    """A wide index that takes five seconds for each recall."""

    world: World

    async def recall(self, query: Query, weights: Mapping[str, int]) -> Answer:
        self.world.clock.advance(5_000)
        return await super().recall(query, weights)


class BrokenReader(FakeReader):
    """A wide index that counts and does no more; of conditions it never says anything."""

    async def breakdown(self, rule: Rule, now: int, limit: int) -> Breakdown:
        raise StoreUnavailable("could not count: the test's index is down")

    async def exclusions(self, parts: Sequence[Rule], now: int) -> list[Exclusion]:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")


def over(world: World, reader: FakeReader) -> World:
    """The same marketplace behind another wide index."""
    world.recaller.ports = replace(world.ports, reader=reader)
    return world


def test_a_part_for_which_no_time_is_left_is_left_out_by_name() -> None:
    world = market()
    reader = LateReader(world.items)
    reader.world = world
    found = shown(over(world, reader), CHEAP, against="p", people=1)
    assert found.count == 2
    assert (found.breakdown, found.plus, found.excluded_by, found.inflow_per_hour, found.people) == (None, None, None, None, None)
    assert [one.part for one in found.left_out] == ["breakdown", "against", "excluded_by", "inflow", "people"]


def test_as_many_people_try_a_rule_as_there_is_time_for() -> None:
    world = market()
    visited(world, "u1", "u2", "u3", "u4", "u5")
    reader = SlowReader(world.items)
    reader.world = world
    found = shown(over(world, reader), CHEAP, people=5)
    assert found.people is not None
    assert 0 < found.people.people < 5
    assert (found.people.after, found.left_out) == (Effect(0.2, 2.0, 2.0), [])


def test_a_part_that_fails_or_hangs_costs_no_other_part() -> None:
    world = market()
    visited(world, "u1")
    found = shown(over(world, BrokenReader(world.items)), CHEAP, against="p", people=1, until=NOW + 300)
    assert [one.part for one in found.left_out] == ["breakdown", "excluded_by"]
    assert "is down" in found.left_out[0].reason
    assert (found.count, found.inflow_per_hour, found.people is not None) == (2, round(2 / 24, 2), True)
