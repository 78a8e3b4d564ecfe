"""A ranker that is late again and again is left out for a while, so that pages do not wait for it; then one page tries it."""

import asyncio
from collections.abc import Sequence

import pytest

from read_rig import World, ids, shelf
from smallpool_core.ranking import FEATURES
from smallpool_core.users import Identity
from smallpool_service.late_ranker import Hurried, Late, LateRanker, LeftOut, watched
from smallpool_service.recaller import Recaller
from smallpool_service.settings import ReadSettings

SETTINGS = ReadSettings(pools_refresh_ms=0, timeout_ms=60, unhurried_ms=0, ranker_pause_after=3, ranker_pause_ms=600_000)
USUAL_S = SETTINGS.ranker_time_share * SETTINGS.timeout_ms / 1000
ROWS = [[0.0] * len(FEATURES)]


class Slow:
    """Answers when a test says so; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = False

    async def rank(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        self.asked += 1
        if not self.answers:
            await asyncio.get_running_loop().create_future()
        return [1 / place for place in range(1, len(rows) + 1)]


class Hand:
    """A clock that a test moves, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def asked(ranker: LateRanker, seconds: float = USUAL_S) -> object:
    """What one page gets of it."""
    try:
        return asyncio.run(ranker.rank(ROWS, seconds))
    except (TimeoutError, LeftOut) as error:
        return type(error)


def test_pages_go_without_a_ranker_that_was_late_three_times_and_say_so() -> None:
    slow, world = Slow(), World(*shelf(20))
    world.recaller = Recaller(world.ports, settings=SETTINGS, rankers={"": slow})
    pages = [world.recall(identity=Identity(f"u{number}", None)) for number in range(6)]
    assert slow.asked == 3
    assert all(len(ids(page)) == 10 and page.degraded == ["ranker"] for page in pages)


def test_after_the_pause_one_page_tries_and_an_answer_lets_all_ask_again() -> None:
    slow, hand = Slow(), Hand()
    ranker = LateRanker(slow, SETTINGS, hand)
    assert [asked(ranker) for _ in range(5)] == [Late] * 3 + [LeftOut] * 2
    hand.now += SETTINGS.ranker_pause_ms / 1000
    assert [asked(ranker) for _ in range(2)] == [Late, LeftOut]
    hand.now += SETTINGS.ranker_pause_ms / 1000
    slow.answers = True
    assert [asked(ranker) for _ in range(3)] == [[1.0]] * 3
    slow.answers = False
    assert [asked(ranker) for _ in range(4)] == [Late] * 3 + [LeftOut], "an answer begins the count anew"


def test_while_one_page_tries_the_others_go_without() -> None:
    slow, hand = Slow(), Hand()
    ranker = LateRanker(slow, SETTINGS, hand)
    for _ in range(3):
        asked(ranker)
    hand.now += SETTINGS.ranker_pause_ms / 1000

    async def together() -> list[object]:
        return list(await asyncio.gather(*(ranker.rank(ROWS, USUAL_S) for _ in range(3)), return_exceptions=True))

    assert [type(end) for end in asyncio.run(together())] == [Late, LeftOut, LeftOut]


def test_callers_in_a_hurry_leave_nobody_without_the_ranker() -> None:
    ranker = LateRanker(Slow(), SETTINGS)
    assert [asked(ranker, USUAL_S / 3) for _ in range(5)] == [Hurried] * 5


def test_a_ranker_of_many_pools_is_watched_as_one() -> None:
    slow, other = Slow(), Slow()
    known = watched({"p": slow, "q": slow, "": other}, SETTINGS)
    assert known["p"] is known["q"]
    assert known["p"] is not known[""]


@pytest.mark.parametrize("times", [1, 2])
def test_a_ranker_that_is_late_now_and_then_is_asked_on(times: int) -> None:
    slow = Slow()
    ranker = LateRanker(slow, SETTINGS)
    for _ in range(3):
        slow.answers = False
        assert [asked(ranker) for _ in range(times)] == [Late] * times
        slow.answers = True
        assert asked(ranker) == [1.0]
