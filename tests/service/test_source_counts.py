"""What became of each source's candidates stands in the trace, and is counted for the pool."""

from typing import Any

from builders import NOW
from read_rig import Broken, World, hit, in_pool, shelf
from smallpool_core.pages import Answer, Dropped
from smallpool_core.pool_counts import PoolCounter
from smallpool_core.users import Touched, TriggerState
from smallpool_service.candidates import Lists, Question, Recalled
from smallpool_service.page import PageItem, SourceTrace
from smallpool_service.recaller import Recaller
from smallpool_service.settings import ReadSettings
from smallpool_service.source_counts import SourceCounts, counted

NOTHING = Lists({})


class Given:
    """A source that gives these items, whatever it is asked."""

    name = "given"

    def __init__(self, *hits: Any, **more: Any) -> None:
        self._answer = Answer(hits, exhausted=True, **more)

    async def find(self, question: Question) -> Answer:
        return self._answer


def line(item_id: str, *sources: str) -> PageItem:
    return PageItem(item_id=item_id, category=["类"], score=1.0, sources=list(sources))


def test_a_page_says_how_far_the_candidates_of_each_source_came() -> None:
    world = World(*shelf(30))
    page = world.recall(size=10)
    by_source = {one.source: one for one in page.trace.sources}
    assert list(by_source) == ["terms", "x2i", "popular", "newest"]
    newest = by_source["newest"]
    assert (newest.asked, newest.returned, newest.in_pool, newest.spread, newest.filtered) == (25, 25, 25, 25, 25)
    assert newest.page == sum("newest" in item.sources for item in page.items) > 0


def test_what_a_filter_leaves_out_is_missing_after_it_and_what_is_outside_was_never_in_the_pool() -> None:
    world = World(*shelf(5, static_score=1), in_pool("sold", "甲"))
    world.live.items = dict(world.items)
    world.live.apply([in_pool("i000", category="类000", pools=()), in_pool("sold", "甲", state="sold")])
    newest = next(one for one in world.recall(size=3).trace.sources if one.source == "newest")
    assert (newest.returned, newest.in_pool, newest.filtered) == (6, 5, 4)


def test_a_source_that_looked_beyond_the_pool_says_how_many_it_had() -> None:
    world = World(*shelf(5), sources=[Given(hit("i001", category="类001"), asked=50, found=1000)])
    [given] = world.recall(size=1).trace.sources
    assert (given.asked, given.returned, given.in_pool) == (50, 1000, 1)


def test_a_source_that_fails_was_asked_and_gave_nothing() -> None:
    world = World(*shelf(5), sources=[Broken()])
    assert world.recall(size=5).trace.sources[0] == SourceTrace("broken", 50, 0, 0, 0, 0, 0)


def test_a_source_is_counted_for_the_share_of_the_candidates_that_it_was_asked_for() -> None:
    settings = ReadSettings(pools_refresh_ms=0, source_shares={"terms": 0.5, "x2i": 0.3, "popular": 0.2})
    traced = World(*shelf(9), settings=settings, explore=0.1).recall(size=10).trace.sources
    assert {one.source: one.asked for one in traced if one.source in {"terms", "x2i", "popular", "explore"}} == {
        "terms": 50,
        "x2i": 30,
        "popular": 20,
        "explore": 10,
    }


def test_a_source_that_fails_was_asked_for_its_share_alone() -> None:
    world = World(*shelf(5), settings=ReadSettings(pools_refresh_ms=0, source_shares={"popular": 0.2}))
    world.stats.is_down = True
    popular = next(one for one in world.recall(size=5).trace.sources if one.source == "popular")
    assert (popular.asked, popular.returned) == (10, 0)


def test_lists_of_the_whole_site_return_what_is_in_them_and_not_what_of_it_is_in_the_pool() -> None:
    world = World(*shelf(5))
    world.triggers.states["u:u1"] = TriggerState(recent=[Touched("sold", "click", NOW - 1)])
    world.relations.put("view", "sold", "i001", "elsewhere", "gone")
    x2i = next(one for one in world.recall(size=1).trace.sources if one.source == "x2i")
    assert (x2i.returned, x2i.in_pool) == (3, 1)


def test_rounds_add_up_and_an_item_counts_for_each_source_that_gave_it() -> None:
    counts, answer = SourceCounts(), Answer((hit("a"), hit("b")), exhausted=True)
    kept = Lists({"x": [hit("a")], "y": [hit("a")]}, (Dropped("b", "filter", "not_in_pool"),))
    for _ in range(2):
        counts.note(7, Recalled({"x": answer, "y": answer}), Lists({"x": answer.hits, "y": answer.hits}), kept)
    assert counts.traced([line("a", "x", "y"), line("c", "y")]) == [
        SourceTrace("x", 14, 4, 2, 4, 2, 1),
        SourceTrace("y", 14, 4, 2, 4, 2, 2),
    ]


def test_figures_of_a_pool_hold_every_step_but_noughts() -> None:
    assert counted([SourceTrace("x", 10, 5, 5, 4, 3, 0)]) == {"asked:x": 10, "returned:x": 5, "in_pool:x": 5, "filtered:x": 3}


def test_a_page_counts_its_sources_for_the_pool_and_a_dry_run_does_not() -> None:
    world, counter = World(*shelf(30)), PoolCounter()
    world.recaller = Recaller(world.ports, settings=ReadSettings(pools_refresh_ms=0), counter=counter)
    world.recall(dry_run=True)
    assert counter.take() == []
    world.recall(size=4)
    amounts = {one.counted: one.amount for one in counter.take()}
    assert amounts["asked:newest"] == 10
    assert amounts["page:newest"] <= amounts["given"] == 4
