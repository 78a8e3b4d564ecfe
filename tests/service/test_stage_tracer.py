import asyncio

import pytest

from read_rig import World, shelf
from smallpool_service.trace import Tracer


class Figures:
    def __init__(self) -> None:
        self.stages: list[tuple[str, int, int]] = []
        self.counts: list[str] = []

    def observe(self, stage: str, seconds: float, in_count: int, out_count: int) -> None:
        assert seconds >= 0
        self.stages.append((stage, in_count, out_count))

    def count(self, name: str, amount: int = 1) -> None:
        self.counts.extend([name] * amount)


def test_a_stage_is_counted_by_what_comes_in_first_and_goes_out_and_rounds_add_up() -> None:
    figures = Figures()
    tracer = Tracer(figures)

    def halve(values: list[int]) -> list[int]:
        return values[::2]

    async def one(values: list[int]) -> int:
        return values[0]

    assert tracer.timed("halve", halve, [1, 2, 3, 4]) == [1, 3]
    assert asyncio.run(tracer.awaited("one", one, [7, 8])) == 7
    tracer.timed("halve", halve, [1])
    assert [(stage.stage, stage.came_in, stage.came_out) for stage in tracer.report()] == [("halve", 5, 3), ("one", 2, 1)]
    assert figures.stages == [("halve", 4, 2), ("one", 2, 1), ("halve", 1, 1)]


def test_a_stage_that_raises_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        Tracer(Figures()).timed("divide", lambda value: 1 // value, 0)


def test_the_funnel_of_a_page_says_what_each_stage_took_in_and_gave_out() -> None:
    world = World(*shelf(30, per_category=5))
    world.likes(category__类000=1.0)
    funnel = {stage.stage: (stage.came_in, stage.came_out) for stage in world.recall().trace.stages}
    assert funnel["recall"] == (4, 36)
    assert funnel["spread"] == funnel["filter"] == (36, 36)
    assert funnel["merge"] == (36, 18)
    assert funnel["score"] == funnel["order"] == (18, 18)
    assert funnel["claim"] == (18, 10)


def test_what_is_worth_counting_reaches_the_observer() -> None:
    figures, world = Figures(), World(*shelf(20))
    world.recaller._observer = figures
    world.triggers.is_down = True
    world.recall(request_id="r1")
    world.recall(request_id="r1")
    assert figures.counts == ["degraded.triggers", "page.made", "degraded.triggers", "page.replayed"]
