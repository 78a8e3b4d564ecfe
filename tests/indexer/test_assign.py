"""Stage assign: the pools whose rules hold for an item, as of an epoch."""

from builders import DAY, NOW, wide_item
from smallpool_core.rules import MAX_MS
from write_rig import Rig

APPLE = {"field": "brand", "op": "eq", "value": "apple"}
FRESH = {"field": "published_at", "op": "within", "value": "-24h"}


def pools_of(rig: Rig, **fields: object) -> tuple[str, ...]:
    rig.assigner.refresh()
    return rig.assigner.assign([wide_item(**fields)]).out[0].pools


def test_an_item_is_in_the_pools_whose_rules_hold_in_the_order_of_their_names(rig: Rig) -> None:
    for pool_id in ("b", "a", "Z"):
        rig.put_pool(pool_id, APPLE)
    rig.put_pool("dear", {"field": "price_cents", "op": "gt", "value": 100_000})
    assert pools_of(rig, brand="apple") == ("Z", "a", "b")
    assert pools_of(rig, brand="apple", price_cents=100_001) == ("Z", "a", "b", "dear")
    assert pools_of(rig) == ()


def test_an_item_carries_the_epoch_of_the_rules_it_was_checked_against(rig: Rig) -> None:
    rig.put_pool("a", APPLE)
    rig.assigner.refresh()
    assert rig.assigner.assign([wide_item()]).out[0].epoch == rig.pools.epoch()


def test_a_changed_rule_holds_from_the_next_refresh(rig: Rig) -> None:
    rig.put_pool("a", APPLE)
    assert pools_of(rig, brand="apple") == ("a",)
    rig.put_pool("a", {"field": "brand", "op": "eq", "value": "sony"}, revision=1)
    assert pools_of(rig, brand="apple") == ()
    assert pools_of(rig, brand="sony") == ("a",)


def test_only_live_pools_have_items(rig: Rig) -> None:
    rig.put_pool("a", APPLE, state="draft")
    assert pools_of(rig, brand="apple") == ()
    rig.put_pool("a", APPLE, revision=1, state="live")
    assert pools_of(rig, brand="apple") == ("a",)
    rig.put_pool("a", APPLE, revision=2, state="archived")
    assert pools_of(rig, brand="apple") == ()


def test_a_rule_that_depends_on_time_tags_the_item_and_sends_its_intervals_along(rig: Rig) -> None:
    rig.put_pool("fresh", {"all": [APPLE, FRESH]})
    rig.put_pool("stale", {"all": [APPLE, {"not": FRESH}]})
    rig.put_pool("always", APPLE)
    rig.assigner.refresh()
    [item] = rig.assigner.assign([wide_item(brand="apple", published_at=NOW)]).out
    assert item.pools == ("always", "fresh", "stale")
    assert item.intervals.keys() == {"fresh", "stale"}
    assert item.intervals["fresh"] == ((NOW, NOW + DAY),)
    assert item.intervals["stale"][-1] == (NOW + DAY + 1, MAX_MS)


def test_a_rule_in_time_that_never_holds_says_so_with_no_interval(rig: Rig) -> None:
    rig.put_pool("fresh", FRESH)
    rig.assigner.refresh()
    [item] = rig.assigner.assign([wide_item(published_at=None)]).out
    assert item.intervals == {"fresh": ()}


def test_intervals_end_with_the_rule_that_made_them(rig: Rig) -> None:
    rig.put_pool("a", FRESH)
    rig.assigner.refresh()
    rig.put_pool("a", APPLE, revision=1)
    rig.assigner.refresh()
    [item] = rig.assigner.assign([wide_item(brand="apple")]).out
    assert (item.pools, item.intervals) == (("a",), {})


def test_a_removed_item_passes_as_it_is(rig: Rig) -> None:
    rig.put_pool("all", {"all": []})
    rig.assigner.refresh()
    sold = wide_item(state="sold")
    assert rig.assigner.assign([sold]).out == [sold]


def test_a_change_is_seen_even_if_someone_else_refreshed_the_catalogue(rig: Rig) -> None:
    rig.put_pool("a", APPLE)
    assert pools_of(rig, brand="apple") == ("a",)
    rig.put_pool("a", APPLE, revision=1, state="archived")
    rig.put_pool("b", APPLE)
    rig.catalogue.refresh()
    assert pools_of(rig, brand="apple") == ("b",)


def test_what_is_banned_is_in_that_pool_alone(rig: Rig) -> None:
    rig.put_pool("fresh", FRESH)
    rig.put_pool("a", APPLE)
    rig.put_pool("banned", {"field": "seller_id", "op": "eq", "value": "s9"})
    rig.assigner.refresh()
    [banned, other] = rig.assigner.assign([wide_item("b", brand="apple", seller_id="s9"), wide_item("o", brand="apple")]).out
    assert (banned.pools, banned.intervals) == (("banned",), {})
    assert other.pools == ("a", "fresh")
