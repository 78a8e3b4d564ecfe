"""What was shown often to no effect makes room: for one person, and in a pool for everybody, until somebody touches it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import HOUR, NOW, user_event
from read_rig import ids
from smallpool_config.settings import Settings, StoreSettings
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.users import Identity, UserEvent
from system_rig import EVERYTHING, UNHURRIED, Marketplace, listing

NAMES = ("a", "b", "c")
U2 = Identity("u2", None)


@pytest.fixture
def shown_thrice(tmp_path: Path) -> Iterator[Marketplace]:
    """A pool that may show an item three times without a touch, a person twice."""
    read = replace(UNHURRIED, max_exposures_without_click=3)
    behaviour = BehaviourSettings(max_exposures=2)
    with Marketplace(Settings(store=StoreSettings(str(tmp_path), "off"), read=read, behaviour=behaviour)) as market:
        market.put_pool("p", EVERYTHING)
        market.take(*(listing(name, category=name) for name in NAMES))
        yield market


def exposures(item_id: str, count: int, **changes: object) -> list[UserEvent]:
    """That many, of one item in pool p, each to somebody else unless told otherwise."""
    return [
        user_event("expose", item_id, **({"user_id": f"other{place}", "pool_id": "p", "at": NOW - place} | changes))
        for place in range(count)
    ]


def test_an_item_that_a_pool_showed_often_without_a_touch_leaves_its_pages_and_why_says_so(shown_thrice: Marketplace) -> None:
    market = shown_thrice
    market.take(*exposures("a", 2))
    assert sorted(market.glance()) == ["a", "b", "c"]
    market.take(*exposures("a", 1, at=NOW - 7))
    page = market.recall(dry_run=True, explain=True)
    assert sorted(ids(page)) == ["b", "c"]
    assert [(drop.stage, drop.reason) for drop in page.trace.drops if drop.item_id == "a"] == [("filter", "over_exposed")]
    assert page.short == "exhausted"
    assert market.why("a") == market.why("a", identity=U2) == ("filter", "over_exposed")
    assert market.why("b") == ("page", "served")
    assert market.figures.counts["dropped.over_exposed"] >= 1


def test_clicks_earn_an_item_as_many_exposures_again(shown_thrice: Marketplace) -> None:
    market = shown_thrice
    market.take(*exposures("a", 4), user_event("click", "a", user_id="fan", pool_id="p"))
    assert "a" in market.glance()
    market.take(*exposures("a", 4, user_id="one more"))
    assert "a" not in market.glance()


def test_it_comes_back_as_its_exposures_fade(shown_thrice: Marketplace) -> None:
    market = shown_thrice
    market.take(*exposures("a", 5))
    market.clock.advance(12 * HOUR)
    assert "a" not in market.glance()
    market.clock.advance(12 * HOUR)
    assert "a" in market.glance()


def test_exposures_count_in_the_pool_where_they_happened_and_on_home(shown_thrice: Marketplace) -> None:
    market = shown_thrice
    market.put_pool("q", EVERYTHING)
    market.take(*exposures("a", 4, pool_id="q"))
    assert ["a" in market.glance(pool_id=pool_id) for pool_id in ("p", "q", "home")] == [True, False, False]


def test_a_person_who_was_shown_an_item_twice_gets_it_no_more_and_others_do(shown_thrice: Marketplace) -> None:
    market = shown_thrice
    market.take(*exposures("a", 2, user_id="u1"), user_event("expose", "b", pool_id="p"))
    assert sorted(market.glance()) == ["b", "c"]
    assert sorted(market.glance(identity=U2)) == ["a", "b", "c"]
    assert market.why("a") == ("filter", "over_exposed")
    assert market.why("a", identity=U2) == ("page", "served")
    market.take(user_event("click", "a", pool_id="p"))
    assert sorted(market.glance()) == ["a", "b", "c"]


def test_where_a_pool_repeats_what_was_shown_too_often_is_not_repeated(shown_thrice: Marketplace) -> None:
    market = shown_thrice
    market.put_pool("p", EVERYTHING, settings={"when_exhausted": "repeat_oldest"})
    assert sorted(market.page()) == ["a", "b", "c"]
    market.take(*exposures("a", 4), *exposures("b", 2, user_id="u1"))
    assert market.page(request_id="again") == ["c"]


def test_without_the_settings_nothing_is_left_out_and_no_exposure_of_a_person_is_kept(tmp_path: Path) -> None:
    with Marketplace(tmp_path) as market:
        market.put_pool("p", EVERYTHING)
        market.take(*(listing(name, category=name) for name in NAMES), *exposures("a", 9, user_id="u1"))
        assert "a" in market.glance()
        assert market.system.triggers.load("u:u1").exposed == []
