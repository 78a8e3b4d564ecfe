"""Everything that a person does, or the app tells of them, becomes triggers, and each brings items of its kind."""

import asyncio

import pytest

from builders import DAY, HOUR, MINUTE, NOW, user_event
from read_rig import U1
from smallpool_core.terms import kind_of
from smallpool_core.users import Identity, UserEventType
from smallpool_service.people import put_profile, view_person
from system_rig import Marketplace, listing, sold


def triggers(market: Marketplace, identity: Identity = U1) -> dict[str, float]:
    """The person's triggers by term, heaviest first."""
    recaller = market.system.recaller
    seen = asyncio.run(view_person(recaller.ports, identity, recaller.behaviour, recaller.settings.profile_tag_share))
    return {trigger.term: trigger.weight for trigger in seen.triggers}


@pytest.mark.parametrize("act", ["view", "click", "favourite", "cart", "bid", "purchase"])
def test_what_is_done_with_an_item_asks_for_its_category_brand_points_and_shop(market: Marketplace, act: UserEventType) -> None:
    market.take(listing("i1", "苹果 #金色", category="手机", seller_id="shop"), user_event(act, "i1"))
    assert {"category:数码›手机", "category:数码", "brand:苹果", "point:金色", "seller:shop"} <= triggers(market).keys()


def test_a_bid_weighs_more_than_a_cart_than_a_favourite_than_a_click_than_a_view(market: Marketplace) -> None:
    acts: tuple[UserEventType, ...] = ("bid", "cart", "favourite", "click", "view")
    market.take(*(listing(act, category=act) for act in acts), *(user_event(act, act) for act in acts))
    leaves = [term for term in triggers(market) if term.startswith("category:数码›")]
    assert leaves == [f"category:数码›{act}" for act in acts]


def test_liked_categories_add_up_over_their_items_and_to_the_category_above_them(market: Marketplace) -> None:
    market.take(
        *(listing(f"p{place}", category="手机") for place in range(3)),
        listing("c", category="相机"),
        *(user_event("favourite", f"p{place}") for place in range(3)),
        user_event("favourite", "c"),
    )
    found = triggers(market)
    assert found["category:数码›手机"] > found["category:数码"] > found["category:数码›相机"]


def test_liked_brands_add_up_over_categories(market: Marketplace) -> None:
    market.take(
        *(listing(f"a{place}", "苹果", category=f"类{place}") for place in range(4)),
        *(user_event("click", f"a{place}") for place in range(4)),
    )
    found = triggers(market)
    assert found["brand:苹果"] > max(weight for term, weight in found.items() if term.startswith("category:数码›"))


def test_a_shop_that_is_visited_often_and_one_that_is_followed_are_asked_for_by_name(market: Marketplace) -> None:
    market.take(
        *(listing(f"i{place}", f"词{place}", category=f"类{place}", seller_id="often") for place in range(4)),
        listing("once", "once", category="别的", seller_id="once"),
        *(user_event("click", f"i{place}", at=NOW - place * MINUTE) for place in range(4)),
        user_event("click", "once"),
        user_event("follow", seller_id="followed"),
    )
    found = triggers(market)
    assert found["seller:followed"] > found["seller:often"] > found["seller:once"]
    market.take(listing("new", "新", category="新", seller_id="followed"), listing("other", "新", category="旧", seller_id="nobody"))
    page = market.recall(explain=True, dry_run=True)
    [new] = [item for item in page.items if item.item_id == "new"]
    assert "seller:followed" in new.explain.triggers  # type: ignore[union-attr]


def test_a_search_asks_for_what_its_words_stand_for(market: Marketplace) -> None:
    market.take(user_event("search", query="苹果 #金色"))
    assert {"brand:苹果", "point:金色"} <= triggers(market).keys()


def test_tags_that_the_app_tells_are_triggers_beside_those_of_behaviour(market: Marketplace) -> None:
    market.take(listing("i1", "苹果"), user_event("click", "i1"))
    asyncio.run(put_profile(market.system.read_ports, U1, ["摄影"], {}))
    found = triggers(market)
    assert found["tag:摄影"] == pytest.approx(max(found.values()) / 2)


def test_the_session_and_the_lasting_taste_are_kept_apart_and_both_speak(market: Marketplace) -> None:
    market.take(
        *(listing(f"old{place}", "旧", category="老相机") for place in range(5)),
        listing("new", "新", category="手机"),
        *(user_event("click", f"old{place}", at=NOW - 3 * DAY) for place in range(5)),
        user_event("click", "new", at=NOW),
    )
    state = market.system.triggers.load("u:u1")
    assert state.short["category:数码›老相机"].weight == state.long["category:数码›老相机"].weight == pytest.approx(5.0)
    now = triggers(market)
    assert now["category:数码›手机"] > now["category:数码›老相机"] > 0
    market.clock.advance(DAY)
    later = triggers(market)
    assert later["category:数码›老相机"] > later["category:数码›手机"], "the session is over; what lasts is the taste"


def test_the_chosen_triggers_are_of_several_kinds_however_much_of_one_there_is(market: Marketplace) -> None:
    many = " ".join(f"#点{place}" for place in range(30))
    market.take(*(listing(f"i{place}", f"苹果 {many}", category=f"类{place}") for place in range(10)))
    market.take(*(user_event("cart", f"i{place}") for place in range(10)))
    kinds = [kind_of(term) for term in triggers(market)]
    limits = market.system.recaller.behaviour.kind_limits
    assert len(kinds) <= 20
    assert {"category", "point", "brand"} <= set(kinds)
    assert all(kinds.count(kind) <= limits[kind] for kind in kinds)


def test_what_is_like_a_clicked_item_is_reached_though_the_item_is_sold(market: Marketplace) -> None:
    market.take(listing("gone", "苹果 #金色", category="手机"), user_event("click", "gone"), sold("gone"))
    market.take(listing("like", "苹果 #金色", category="平板"), listing("other", "别的", category="桌子"))
    page = market.recall(explain=True, dry_run=True)
    assert page.items[0].item_id == "like"
    assert {"brand:苹果", "point:金色"} <= page.items[0].explain.triggers.keys()  # type: ignore[union-attr]


def test_a_click_that_comes_after_the_sale_still_says_what_the_person_likes(market: Marketplace) -> None:
    market.take(listing("gone", "苹果", category="手机"), sold("gone"))
    market.clock.advance(2 * HOUR)
    market.take(user_event("click", "gone", at=NOW + HOUR))
    assert "brand:苹果" in triggers(market)


def test_a_click_on_an_item_that_comes_and_goes_before_it_is_asked_about_is_resolved_by_what_is_left_of_it(market: Marketplace) -> None:
    market.take(user_event("click", "late"))
    assert triggers(market) == {}
    market.take(listing("late", "苹果", category="手机"), sold("late"))
    assert "brand:苹果" in triggers(market)
