"""When a server that does not answer is asked, and when it is left alone."""

from contextlib import suppress

import pytest
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as NoAnswer

from smallpool_core.breaker import Breaker


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Ends:
    """A server's calls, each ending as the test says."""

    def __init__(self) -> None:
        self.clock = Hand()
        self.breaker = Breaker(
            (NoAnswer,),
            NoAnswer,
            neither=(NoConnection,),
            after=3,
            pause_s=0.5,
            answer_s=0.05,
            clock=self.clock,
            chance=lambda _, most: most,
        )

    def ends(self, *errors: Exception | None) -> list[bool]:
        """For each call, whether the server was asked."""
        return [self._asks(error) for error in errors]

    def _asks(self, error: Exception | None) -> bool:
        asked = False
        try:
            with self.breaker.asking():
                asked = True
                if error is not None:
                    raise error
        except (NoAnswer, NoConnection, ReadOnlyError):
            pass
        return asked


@pytest.fixture
def calls() -> Ends:
    return Ends()


LATE = NoAnswer("late")


def test_a_server_is_asked_until_so_many_calls_in_a_row_had_no_answer(calls: Ends) -> None:
    assert calls.ends(LATE, LATE, LATE, None, None) == [True, True, True, False, False]


@pytest.mark.parametrize("answer", [None, ReadOnlyError("no writes here")])
def test_any_answer_in_between_starts_the_count_anew(calls: Ends, answer: Exception | None) -> None:
    assert calls.ends(LATE, LATE, answer, LATE, LATE, None) == [True] * 6


def test_a_connection_that_is_refused_is_no_answer_and_no_silence(calls: Ends) -> None:
    refused = NoConnection("refused")
    assert calls.ends(refused, refused, refused, LATE, LATE, refused, LATE, None) == [True] * 7 + [False]


def test_after_the_pause_an_answer_opens_it_to_all(calls: Ends) -> None:
    calls.ends(LATE, LATE, LATE)
    calls.clock.now += 0.5
    assert calls.ends(None, LATE, LATE, None) == [True] * 4


def test_after_the_pause_one_more_call_without_an_answer_begins_another(calls: Ends) -> None:
    calls.ends(LATE, LATE, LATE)
    calls.clock.now += 0.5
    assert calls.ends(LATE, None) == [True, False]
    calls.clock.now += 0.5
    assert calls.ends(None) == [True]


def test_while_one_call_tries_the_others_are_refused_and_one_that_is_given_up_does_not_close_it_for_good(calls: Ends) -> None:
    calls.ends(LATE, LATE, LATE)
    calls.clock.now += 0.5
    trying = calls.breaker.asking()
    trying.__enter__()
    assert calls.ends(None) == [False]
    calls.clock.now += 0.05
    assert calls.ends(None) == [True]


def test_a_refusal_says_how_long_it_lasts_and_why(calls: Ends) -> None:
    calls.ends(LATE, LATE, LATE)
    calls.clock.now += 0.2
    with pytest.raises(NoAnswer, match="left alone for 300 ms more, because 3 calls in a row had no answer"), calls.breaker.asking():
        raise AssertionError


def test_the_last_half_of_a_pause_is_left_to_chance() -> None:
    clock = Hand()
    asked: list[tuple[float, float]] = []

    def chance(least: float, most: float) -> float:
        asked.append((least, most))
        return least

    breaker = Breaker((NoAnswer,), NoAnswer, after=1, pause_s=0.5, answer_s=0.05, clock=clock, chance=chance)
    with suppress(NoAnswer), breaker.asking():
        raise LATE
    clock.now += 0.25
    with breaker.asking():
        pass
    assert asked == [(0.25, 0.5)]
