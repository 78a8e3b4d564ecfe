"""What answers at once costs no task and no timer; what waits is waited for as asyncio does it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from smallpool_service.prompt import in_time, side_by_side


async def answer(value: str, *, after: int = 0) -> str:
    """Lets others run `after` times before it answers."""
    for _ in range(after):
        await asyncio.sleep(0)
    return value


async def never(ends: list[str], name: str = "never") -> str:
    try:
        await asyncio.Event().wait()
    finally:
        ends.append(name)
    return name


async def fail(message: str, *, after: int = 0) -> str:
    await answer("", after=after)
    raise ValueError(message)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_call_gives_its_result_whether_it_waits_or_not(after: int) -> None:
    assert asyncio.run(in_time(answer("a", after=after), 60)) == "a"


def test_a_call_that_never_waits_is_not_late_however_little_time_it_has() -> None:
    assert asyncio.run(in_time(answer("a"), 0)) == "a"


def test_a_call_that_still_waits_when_its_time_is_over_is_ended_and_late() -> None:
    ends: list[str] = []
    with pytest.raises(TimeoutError):
        asyncio.run(in_time(never(ends), 0.001))
    assert ends == ["never"]


@pytest.mark.parametrize("after", [0, 2])
def test_an_error_of_a_call_is_raised_as_it_is(after: int) -> None:
    with pytest.raises(ValueError, match="no such thing"):
        asyncio.run(in_time(fail("no such thing", after=after), 60))


def test_a_call_that_answers_at_once_makes_no_task() -> None:
    async def tasks() -> tuple[set[Any], ...]:
        async def look() -> set[Any]:
            return asyncio.all_tasks()

        return await side_by_side(look(), in_time(look(), 60), look())

    assert [len(found) for found in asyncio.run(tasks())] == [1, 1, 1]


@pytest.mark.parametrize("waits", [(0, 0, 0), (2, 0, 0), (0, 1, 3), (3, 2, 1)])
def test_results_come_in_the_order_of_the_calls(waits: tuple[int, int, int]) -> None:
    calls = [answer(name, after=after) for name, after in zip("abc", waits, strict=True)]
    assert asyncio.run(side_by_side(*calls)) == ("a", "b", "c")


def test_calls_that_wait_wait_at_the_same_time() -> None:
    async def met() -> tuple[int, ...]:
        barrier = asyncio.Barrier(3)
        return await side_by_side(barrier.wait(), barrier.wait(), barrier.wait())

    assert sorted(asyncio.run(met())) == [0, 1, 2]


def test_a_timeout_that_a_call_sets_ends_that_call_alone() -> None:
    async def late(ends: list[str]) -> str:
        try:
            async with asyncio.timeout(0.001):
                return await never(ends)
        except TimeoutError:
            return "late"

    async def together() -> tuple[str, ...]:
        return await side_by_side(late([]), late([]), answer("c", after=3))

    assert asyncio.run(together()) == ("late", "late", "c")


@pytest.mark.parametrize("after", [0, 2])
def test_the_first_error_is_raised_once_every_call_has_ended(after: int) -> None:
    ends: list[str] = []

    async def noted(name: str) -> str:
        await answer(name, after=3)
        ends.append(name)
        return name

    with pytest.raises(ValueError, match="first"):
        asyncio.run(side_by_side(fail("first", after=after), noted("b"), fail("second"), noted("c")))
    assert sorted(ends) == ["b", "c"]


def test_cancelling_ends_every_call_under_way() -> None:
    ends: list[str] = []

    async def cancelled(calls: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(calls)
        await answer("", after=3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled(side_by_side(never(ends, "a"), never(ends, "b"), never(ends, "c"))))
    assert sorted(ends) == ["a", "b", "c"]
