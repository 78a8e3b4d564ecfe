"""What a person does not want to see: of blocked sellers, like what they bought, over before it could be opened."""

import asyncio

import pytest
from msgspec.structs import replace

from builders import NOW
from read_rig import U1, World, ids, in_pool, shelf
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.errors import Refused
from smallpool_core.pages import Answer
from smallpool_core.users import Profile, Touched, TriggerState
from smallpool_service.alike import AT_ONCE
from smallpool_service.people import put_profile
from smallpool_service.settings import ReadSettings
from smallpool_service.why import why

RING = ("category:文玩›手镯", "brand:周大福", "point:a货", "category:文玩")


async def never(*_: object) -> Answer:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


def reason(world: World, item_id: str) -> tuple[str, str]:
    answer = asyncio.run(why(world.recaller, item_id, "p", U1))
    return answer.stage, answer.reason


def blocking(*sellers: str, count: int = 4) -> World:
    """Items of two sellers in one category, the better ones of s9; u1 blocks these sellers."""
    bad = [in_pool(f"bad{place}", seller_id="s9", static_score=400) for place in range(count)]
    world = World(*bad, *(in_pool(f"good{place}", seller_id="s1") for place in range(2)))
    world.profiles.profiles["u:u1"] = Profile(blocked_sellers=sellers)
    return world


def test_a_blocked_seller_is_asked_for_nothing_and_takes_no_place_under_the_cap() -> None:
    world = blocking("s9", count=50)
    page = world.recall()
    assert sorted(ids(page)) == ["good0", "good1"]
    assert all("s9" in query.excluded_sellers for query in world.reader.queries)
    assert reason(world, "bad0") == ("filter", "blocked_seller")
    assert "bad0" in blocking().page()


def test_what_is_blocked_is_not_repeated_either() -> None:
    world = blocking("s9")
    world.put_pool(when_exhausted="repeat_oldest")
    world.profiles.profiles.clear()
    assert len(world.page(size=3)) == 3
    world.profiles.profiles["u:u1"] = Profile(blocked_sellers=("s9",))
    assert set(world.page()) <= {"good0", "good1"}


def test_blocked_sellers_are_kept_each_once_and_their_number_is_bounded() -> None:
    world = World()
    profile = asyncio.run(put_profile(world.ports, U1, [], {}, ["s1", "S1", "s1"]))
    assert profile.blocked_sellers == ("s1", "S1")
    with pytest.raises(Refused, match="blocked_sellers"):
        asyncio.run(put_profile(world.ports, U1, [], {}, [str(place) for place in range(1_001)]))
    with pytest.raises(Refused, match=r"blocked_sellers\[1\]"):
        asyncio.run(put_profile(world.ports, U1, [], {}, ["fine", ""]))


def bought_a_ring(bought_alike: int) -> World:
    """Somebody who bought a ring, beside another one like it, and rings of another brand and without its selling point."""
    world = World(
        in_pool("like", "文玩›手镯", terms=(*RING, "point:满绿")),
        in_pool("other brand", "文玩›手镯", terms=("category:文玩›手镯", "brand:老凤祥", "point:a货")),
        in_pool("plain", "文玩›手镯", terms=("category:文玩›手镯", "brand:周大福")),
        *shelf(3),
    )
    world.triggers.states["u:u1"] = TriggerState(bought=[Touched("gone", "purchase", NOW, terms=RING[:3])])
    world.recaller.behaviour = BehaviourSettings(bought_alike=bought_alike)
    return world


def test_the_like_of_a_purchase_is_left_out_where_a_setting_asks_for_it() -> None:
    world = bought_a_ring(3)
    assert set(world.page(dry_run=True)) == {"other brand", "plain", "i000", "i001", "i002"}
    assert reason(world, "like") == ("filter", "bought_alike")
    assert reason(world, "plain") == ("page", "served")


def test_where_purchases_have_too_many_terms_together_why_says_what_the_page_does() -> None:
    world = bought_a_ring(3)
    many = [Touched(f"b{place}", "purchase", NOW, terms=tuple(f"point:{place}-{n}" for n in range(9))) for place in range(2)]
    world.triggers.states["u:u1"] = TriggerState(bought=[Touched("gone", "purchase", NOW, terms=RING[:3]), *many])
    assert "like" in world.page(dry_run=True)
    assert reason(world, "like") == ("page", "served")


def test_how_far_down_an_item_is_leaves_out_whom_the_person_blocks_and_the_like_of_purchases() -> None:
    ahead = [in_pool(f"bad{place:02}", f"坏{place}", seller_id="s9", static_score=400) for place in range(20)]
    ahead += [in_pool(f"like{place:02}", f"同{place}", terms=RING, static_score=400) for place in range(20)]
    shown = shelf(30, static_score=5)
    world = World(*ahead, *shown, in_pool("deep", "末", published_at=1), settings=ReadSettings(candidates_per_item=1, least_left_s=0))
    world.profiles.profiles["u:u1"] = Profile(blocked_sellers=("s9",))
    world.triggers.states["u:u1"] = TriggerState(bought=[Touched("gone", "purchase", NOW, terms=RING[:3])])
    world.recaller.behaviour = BehaviourSettings(bought_alike=1)
    answer = asyncio.run(why(world.recaller, "deep", "p", U1))
    assert answer.reason == "not_recalled"
    assert answer.more[-2:] == ("popular: rank 31", "newest: rank 31")


def test_without_the_setting_the_like_of_a_purchase_is_shown_and_nothing_is_asked() -> None:
    world = bought_a_ring(0)
    assert "like" in world.page(dry_run=True)
    assert all(query.limit < AT_ONCE for query in world.reader.queries)


def test_the_like_of_purchases_is_asked_for_once_without_a_cap_and_with_a_part_of_the_time() -> None:
    world = bought_a_ring(3)
    world.recaller.settings = replace(world.recaller.settings, timeout_ms=200, opening_share=0.25)
    world.page(dry_run=True)
    [asked] = [query for query in world.reader.queries if query.limit == AT_ONCE]
    assert asked.cap > asked.limit, "a cap within the limit makes the wide index fetch three times as many rows"
    world.reader.recall = never  # type: ignore[method-assign]
    page = world.recall(dry_run=True)
    assert page.degraded == ["wide_index"]
    assert len(page.items) == 6


def test_what_ends_within_seconds_is_not_shown_and_says_so() -> None:
    world = World(
        in_pool("ends", "甲", expires_at=NOW + 1_000),
        in_pool("lasts", "乙", expires_at=NOW + 1_001),
        settings=ReadSettings(pools_refresh_ms=0),
    )
    page = world.recall(explain=True, dry_run=True)
    assert ids(page) == ["lasts"]
    assert [(drop.item_id, drop.reason) for drop in page.trace.drops] == [("ends", "expiring")]  # type: ignore[union-attr]
    assert reason(world, "ends") == ("filter", "expiring")


def test_with_a_setting_of_nought_an_item_is_shown_to_its_last_moment() -> None:
    world = World(in_pool("ends", expires_at=NOW + 1), settings=ReadSettings(pools_refresh_ms=0, least_left_s=0))
    assert world.page() == ["ends"]
