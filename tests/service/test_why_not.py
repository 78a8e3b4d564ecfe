import asyncio
from typing import Any

import pytest

from builders import HOUR, NOW
from read_rig import U1, World, in_pool, shelf
from smallpool_core.errors import NotFound
from smallpool_core.users import Identity, Touched, TriggerState
from smallpool_service.settings import ReadSettings
from smallpool_service.why import Why, why


def asked(world: World, item_id: str, identity: Identity = U1, **changes: Any) -> Why:
    return asyncio.run(why(world.recaller, item_id, "p", identity, **changes))


def reason(world: World, item_id: str, **changes: Any) -> tuple[bool, str, str]:
    answer = asked(world, item_id, **changes)
    return answer.served, answer.stage, answer.reason


def test_an_item_that_was_never_indexed() -> None:
    assert reason(World(), "nothing") == (False, "item", "unknown_item")


@pytest.mark.parametrize("state", ["sold", "withdrawn", "expired"])
def test_an_item_that_left(state: str) -> None:
    assert reason(World(in_pool("i1", state=state)), "i1") == (False, "item", state)


def test_an_item_whose_time_is_over_and_one_whose_time_has_not_come() -> None:
    world = World(in_pool("late", expires_at=NOW - 5), in_pool("early", published_at=NOW + HOUR))
    assert reason(world, "late") == (False, "item", "expired")
    assert reason(world, "early") == (False, "item", "not_yet_published")


def test_an_item_outside_the_pool_names_the_conditions_that_fail_and_what_the_item_has() -> None:
    world = World(in_pool("i1", city="上海", quality=300, pools=()))
    rule = {"all": [{"field": "city", "op": "eq", "value": "北京"}, {"not": {"field": "quality", "op": "lt", "value": 0.4}}]}
    world.put_pool(rule=rule)
    answer = asked(world, "i1")
    assert (answer.stage, answer.reason) == ("pool", "not_in_pool")
    assert answer.detail == "$.all[0]: wants city eq 北京, the item has 上海; $.all[1]: what must not hold does"
    assert answer.more == ("$.all[0]: wants city eq 北京, the item has 上海", "$.all[1]: what must not hold does")


def test_every_condition_that_fails_stands_on_a_line_of_its_own_however_many_there_are() -> None:
    world = World(in_pool("i1", pools=()))
    world.put_pool(rule={"all": [{"field": "city", "op": "eq", "value": f"城{place}"} for place in range(20)]})
    answer = asked(world, "i1")
    assert answer.detail.endswith("; and 12 more")
    assert answer.more[19] == "$.all[19]: wants city eq 城19, the item has None"


def test_an_item_whose_tag_has_not_reached_the_live_view() -> None:
    assert reason(World(in_pool("i1", pools=())), "i1") == (False, "pool", "not_yet_tagged")


def test_an_item_of_the_persons_own_one_they_bought_and_one_they_saw() -> None:
    world = World(in_pool("own", "甲", seller_id="u1"), in_pool("bought", "乙"), in_pool("seen", "丙"))
    world.triggers.states["u:u1"] = TriggerState(bought=[Touched("bought", "purchase", NOW)])
    world.page()
    assert reason(world, "own") == (False, "filter", "own")
    assert reason(world, "bought") == (False, "filter", "bought")
    assert reason(world, "seen") == (False, "filter", "seen")


def test_a_seen_item_says_how_many_others_come_before_it_again() -> None:
    world = World(*shelf(150))
    world.put_pool(seen_size=100)
    first, *_ = world.page(size=20)
    assert asked(world, first).more == ("it may come again once 81 others were served to this person here",)
    world.page(size=80)
    assert asked(world, first).more == ("it may come again once 1 others were served to this person here",)
    world.page(size=1)
    assert reason(world, first)[2] != "seen"


def test_a_seen_item_comes_back_where_the_pool_repeats() -> None:
    world = World(*shelf(5))
    world.put_pool(when_exhausted="repeat_oldest")
    world.page()
    assert reason(world, "i000") == (True, "page", "served")


def test_a_seen_item_that_does_not_come_back_yet_is_still_seen() -> None:
    world = World(*shelf(12))
    world.put_pool(when_exhausted="repeat_oldest")
    first = world.page()
    assert reason(world, first[-1], size=2) == (False, "filter", "seen")


def test_an_item_behind_the_cap_of_its_category_in_every_source() -> None:
    world = World(*[in_pool(f"i{place}", published_at=NOW - place, static_score=9 - place) for place in range(5)])
    answer = asked(world, "i4")
    assert (answer.served, answer.stage, answer.reason) == (False, "spread", "category_cap")
    assert "3 others of 数码›手机 rank higher" in answer.detail


def test_an_item_that_was_recalled_but_whose_category_is_full_on_the_page() -> None:
    best = [in_pool(f"i{place}", published_at=NOW - place, static_score=9) for place in range(3)]
    world = World(*best, in_pool("liked-little", published_at=NOW - 9, terms=("brand:x",), quality=0))
    world.put_pool(weights={"quality": 1.0})
    world.likes(brand__x=1.0)
    assert reason(world, "liked-little") == (False, "claim", "category_cap")


def test_an_item_that_no_source_recalls_names_what_it_matches() -> None:
    world = World(*shelf(40, static_score=5), in_pool("deep", "末", published_at=NOW - HOUR), settings=ReadSettings(candidates_per_item=1))
    answer = asked(world, "deep")
    assert (answer.stage, answer.reason) == ("recall", "not_recalled")
    assert answer.detail == "it matches none of the 0 triggers, and others rank higher in each of terms, x2i, popular, newest, of 10 wanted"
    assert answer.more == (
        "it has category:数码›手机",
        "terms: not among those asked",
        "x2i: not among those asked",
        "popular: rank 41",
        "newest: rank 41",
    )


def test_an_item_that_shares_no_term_shows_its_terms_beside_the_triggers() -> None:
    often = shelf(40, static_score=5, terms=("brand:often",))
    lonely = in_pool("lonely", "末", published_at=NOW - HOUR, terms=("brand:rare", "city:远"))
    world = World(*often, lonely, settings=ReadSettings(candidates_per_item=1))
    world.likes(brand__often=2.0, city__near=1.0)
    answer = asked(world, "lonely")
    assert (answer.stage, answer.reason) == ("recall", "not_recalled")
    assert answer.detail.startswith("it matches none of the 2 triggers")
    assert answer.more[:2] == ("it has brand:rare, city:远", "asked for, and not in it: brand:often (1024), city:near (512)")
    assert "terms: not among those asked" in answer.more


def test_an_item_that_matches_too_little_says_at_which_rank_it_would_be_found() -> None:
    often = [in_pool(f"i{place:02}", f"类{place}", static_score=5, terms=(f"brand:b{place % 4}",)) for place in range(40)]
    weak = in_pool("weak", "末", published_at=NOW - HOUR, terms=("city:near",))
    world = World(*often, weak, settings=ReadSettings(candidates_per_item=1))
    world.likes(brand__b0=2.0, brand__b1=2.0, brand__b2=2.0, brand__b3=2.0, city__near=1.0)
    answer = asked(world, "weak")
    assert answer.detail.startswith("it matches city:near, but others rank higher")
    assert answer.more[0] == "it has city:near (512)"
    assert "terms: rank 41" in answer.more


def test_an_item_below_the_cut_says_its_rank_and_score() -> None:
    world = World(*shelf(20))
    world.put_pool(weights={"freshness": 1.0})
    answer = asked(world, "i019")
    assert (answer.stage, answer.reason) == ("order", "below_cut")
    assert answer.detail.startswith("rank 20 of 20 with score 0.9")
    assert "the last item on the page has" in answer.detail


def test_an_item_below_the_cut_says_by_how_much_and_in_which_dimensions() -> None:
    best = [in_pool(f"i{place:02}", f"类{place}", quality=800, seller_score=100, published_at=NOW) for place in range(10)]
    world = World(*best, in_pool("low", "末", quality=400, seller_score=300, published_at=NOW))
    world.put_pool(weights={"quality": 3.0, "seller": 1.0})
    answer = asked(world, "low")
    assert answer.detail == "rank 11 of 11 with score 0.3750; the last item on the page has 0.6250, 0.2500 more"
    assert answer.more == (
        "quality: 0.40 here, 0.80 there, which costs 0.3000",
        "seller: 0.30 here, 0.10 there, which gains 0.0500",
    )


def test_an_item_that_would_be_served_says_where() -> None:
    world = World(*shelf(20))
    world.put_pool(weights={"freshness": 1.0})
    sources = ("popular: rank 3", "newest: rank 3")
    assert asked(world, "i002") == Why("i002", "p", served=True, stage="page", reason="served", detail="place 3 of 10", more=sources)


def test_asking_why_writes_nothing() -> None:
    world = World(*shelf(20))
    asked(world, "i000")
    assert (world.seen.claims, world.log.records) == ([], [])


def test_asking_why_of_an_unknown_pool_is_refused() -> None:
    with pytest.raises(NotFound):
        asyncio.run(why(World().recaller, "i1", "nowhere", U1))
