"""Calls of the read path are made again once in ten at most, however many fail."""

from smallpool_stores.retry_budget import MOST_SAVED, RetryBudget


def test_where_every_call_fails_one_in_ten_is_made_again() -> None:
    budget, retries = RetryBudget(), 0
    for _ in range(1_000):
        budget.called()
        retries += budget.may_retry()
    assert retries <= 1_000 * 0.1 + MOST_SAVED


def test_what_is_saved_in_good_times_is_bounded() -> None:
    budget = RetryBudget()
    for _ in range(10_000):
        budget.called()
    assert sum(budget.may_retry() for _ in range(100)) == MOST_SAVED


def test_a_call_now_and_then_that_fails_is_always_made_again() -> None:
    budget = RetryBudget(saved=0)
    for turn in range(1, 2_001):
        budget.called()
        if turn % 20 == 0:
            assert budget.may_retry()
