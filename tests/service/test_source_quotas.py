"""Each source has its share of the candidates and of the time, by settings and by pool, and goes in a known order when time is short."""

import asyncio
from typing import Any

import pytest

from builders import NOW
from read_rig import World, in_pool, request, shelf
from smallpool_core.pages import Answer
from smallpool_core.pools import PoolSettings
from smallpool_service.candidates import Question
from smallpool_service.recaller import default_sources
from smallpool_service.settings import ReadSettings
from smallpool_service.source_quotas import quotas_of, shed, switched_on


class Named:
    """A source that only keeps what it was asked; it takes some of the clock's time."""

    def __init__(self, name: str, world: World | None = None, takes_ms: int = 0) -> None:
        self.name = name
        self.asked: list[Question] = []
        self._world = world
        self._takes_ms = takes_ms

    async def find(self, question: Question) -> Answer:
        self.asked.append(question)
        if self._world is not None:
            self._world.clock.advance(self._takes_ms)
        return Answer((), exhausted=True)


ALL = [Named(name) for name in ("terms", "vectors", "x2i", "x2i_pool", "popular", "newest", "explore", "plugin")]


def names(sources: list[Any]) -> list[str]:
    return [source.name for source in sources]


def test_a_pool_changes_the_share_of_the_settings_which_change_the_default() -> None:
    quotas = quotas_of(ReadSettings(source_shares={"newest": 0.5, "popular": 0.4}), PoolSettings(sources={"newest": 1.0}))
    assert [quotas[name].share for name in ("newest", "popular", "x2i", "x2i_pool")] == [1.0, 0.4, 0.5, 0.5]


def test_a_source_with_no_share_is_not_asked() -> None:
    quotas = quotas_of(ReadSettings(source_shares={"popular": 0}), PoolSettings(sources={"explore": 0.0, "x2i_pool": 0.1, "vectors": 0.2}))
    assert names(switched_on(ALL, quotas)) == ["terms", "vectors", "x2i", "x2i_pool", "newest", "plugin"]


def test_each_source_is_asked_for_its_share_of_the_candidates() -> None:
    sources = {name: Named(name) for name in ("terms", "vectors", "explore")}
    world = World(*shelf(3), sources=list(sources.values()), explore=0.05)
    world.put_pool(sources={"vectors": 0.3})
    world.recall(size=10)
    assert {name: source.asked[0].query.limit for name, source in sources.items()} == {"terms": 100, "vectors": 30, "explore": 5}


@pytest.mark.parametrize(("takes_ms", "late"), [(60, []), (80, ["source:explore"]), (90, ["source:explore"])])
def test_a_source_whose_share_of_the_time_went_by_is_late_and_others_are_asked_still(takes_ms: int, late: list[str]) -> None:
    world = World(*shelf(3), explore=0.1)
    slow, explore, newest = Named("terms", world, takes_ms), Named("explore"), Named("newest")
    world.recaller.sources = (slow, explore, newest)
    page = world.recall(deadline_ms=NOW + 200)  # the sources have 120 ms, of which `explore` may take 72
    assert [what for what in page.degraded if what.startswith("source")] == late
    assert newest.asked


@pytest.mark.parametrize(
    ("left_ms", "gone"),
    [
        (40, []),
        (39, ["explore"]),
        (29, ["vectors", "explore"]),
        (19, ["vectors", "x2i", "x2i_pool", "explore"]),
        (9, ["vectors", "x2i", "x2i_pool", "popular", "explore"]),
        (-5, ["vectors", "x2i", "x2i_pool", "popular", "explore"]),
    ],
)
def test_with_less_time_more_is_shed_and_terms_and_newest_never(left_ms: int, gone: list[str]) -> None:
    assert names(shed(ALL, left_ms, 40)) == gone
    assert names(shed(ALL, left_ms, 0)) == ([] if left_ms >= 0 else gone)


def test_a_page_with_little_time_says_what_it_went_without_and_is_full() -> None:
    world = World(*shelf(30), explore=0.1)
    world.put_pool(sources={"vectors": 0.25})
    page = world.recall(deadline_ms=NOW + 30)  # 18 ms for the sources
    assert [what for what in page.degraded if what.startswith("shed")] == ["shed:vectors", "shed:x2i", "shed:explore"]
    assert {one.source: one.reason for one in page.trace.failed}["shed:vectors"] == "not asked, because 18 ms were left for all sources"
    assert (len(page.items), page.short) == (10, None)


def test_what_covers_a_pool_is_not_shed_where_the_newest_are_off() -> None:
    assert "popular" not in names(shed([one for one in ALL if one.name != "newest"], 5, 40))


def test_a_pool_without_the_sources_that_cover_it_is_filled_up_with_its_newest() -> None:
    liked = [in_pool(f"liked{place}", f"甲{place}", terms=("brand:x",), published_at=1) for place in range(2)]
    world = World(*liked, *shelf(8))
    world.put_pool(sources={"popular": 0.0, "newest": 0.0}, seen_size=100)
    world.likes(brand__x=1.0)
    first, second, third = (world.recall(size=size) for size in (2, 5, 5))
    assert [item.sources for item in first.items] == [["terms"], ["terms"]]
    assert ([item.sources for item in second.items], second.short) == ([["newest"]] * 5, None)
    assert (len(third.items), third.short) == (3, "exhausted")


def test_a_page_with_time_goes_without_nothing() -> None:
    assert World(*shelf(30), explore=0.1).recall(deadline_ms=NOW + 200).degraded == []


def test_what_went_by_before_the_sources_had_their_turn_counts_as_time_that_is_missing() -> None:
    world = World(*shelf(30), explore=0.1)
    get = world.triggers.get

    async def slowly(identity: str) -> Any:
        world.clock.advance(150)
        return await get(identity)

    world.triggers.get = slowly  # type: ignore[method-assign]
    assert "shed:explore" in world.recall(deadline_ms=NOW + 200).degraded


def test_every_source_of_a_plain_installation_has_a_quota_of_its_own() -> None:
    world = World(in_pool("a"))
    sources = default_sources(world.ports, ReadSettings())
    assert {source.name for source in sources} <= quotas_of(ReadSettings(), PoolSettings()).keys()


def test_a_person_of_whom_nothing_is_known_gets_a_page_however_short_the_time() -> None:
    world = World(*shelf(30))
    page = asyncio.run(world.recaller.recall(request(deadline_ms=NOW + 5)))
    assert len(page.items) == 10
