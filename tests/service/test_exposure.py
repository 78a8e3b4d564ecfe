"""The counts of a pool's exposures are asked in one question a round where a setting wants them, and else never."""

from read_rig import World, ids, shelf
from smallpool_core.users import Exposed
from smallpool_service.settings import ReadSettings

LIMITED = ReadSettings(pools_refresh_ms=0, max_exposures_without_click=3)


def shown_to_no_effect(settings: ReadSettings | None = None) -> World:
    """A shelf of 20 of which two were shown too often."""
    world = World(*shelf(20), settings=settings)
    world.stats.shown["p"] = {"i000": 3, "i001": 9, "i002": 2}
    return world


def test_without_the_setting_no_question_is_asked() -> None:
    world = shown_to_no_effect()
    assert len(world.page(size=20)) == 20
    assert world.stats.asked_for_ignored == 0


def test_with_the_setting_one_question_a_round_leaves_out_what_was_shown_too_often() -> None:
    world = shown_to_no_effect(LIMITED)
    assert world.page(size=10, dry_run=True) == [f"i{place:03}" for place in range(2, 12)]
    assert world.stats.asked_for_ignored == 1


def test_a_page_that_nothing_fills_but_what_was_shown_too_often_is_exhausted() -> None:
    world = shown_to_no_effect(LIMITED)
    page = world.recall(size=20)
    assert (len(ids(page)), page.short) == (18, "exhausted")


def test_where_the_counts_cannot_be_read_the_page_goes_on_without_and_says_so() -> None:
    world = shown_to_no_effect(LIMITED)
    world.stats.is_down = True
    page = world.recall(size=10)
    assert "i000" in ids(page)
    assert "stats" in page.degraded


def test_what_a_person_was_shown_too_often_is_asked_for_no_more_and_takes_no_place_under_the_cap() -> None:
    world = World(*shelf(20))
    world.triggers.states["u:u1"] = world.triggers.load("u:u1")
    world.triggers.states["u:u1"].exposed = [Exposed("i000", 2, 0), Exposed("i001", 1, 0)]
    world.recaller.behaviour = type(world.recaller.behaviour)(max_exposures=2)
    assert "i000" not in world.page(size=20)
    assert all("i000" in query.excluded for query in world.reader.queries)
