import numpy as np
import pytest

from smallpool_models.evaluation.recall_figures import Outcome, beside, figures, gini, hits

POOLS = {"p": ("a", "b", "c", "d")}
CATEGORIES = {"a": "x", "b": "x", "c": "y", "d": "z"}


def outcome(rank: int | None, *page: str, possible: int = 2) -> Outcome:
    return Outcome("p", rank, 100, page, possible)


def test_recall_at_k_is_the_share_of_targets_among_the_first_k() -> None:
    told = figures([outcome(20), outcome(21), outcome(100), outcome(101), outcome(None)], POOLS, CATEGORIES, 1)
    assert (told.recall_20, told.recall_100) == (0.2, 0.6)
    assert told.recall_100_interval[0] < 0.6 < told.recall_100_interval[1]


def test_page_fill_is_measured_by_what_the_pool_could_have_given() -> None:
    told = figures([outcome(1, "a", "b"), outcome(1, "c", possible=4)], POOLS, CATEGORIES, 1)
    assert told.page_fill == 0.5


def test_categories_are_counted_on_each_page() -> None:
    assert figures([outcome(1, "a", "b"), outcome(1, "a", "c", "d")], POOLS, CATEGORIES, 1).categories == 2.0


def test_coverage_and_gini_are_of_all_items_of_a_pool_shown_or_not() -> None:
    told = figures([outcome(1, "a"), outcome(1, "a", "b")], POOLS, CATEGORIES, 1)
    assert told.coverage == 0.5
    assert told.gini == pytest.approx(7 / 12, abs=1e-4)  # exposures 0, 0, 1, 2: Σ (2i − 5)·x = 1·1 + 3·2 = 7, over 4·3


def test_figures_of_several_pools_are_means_and_not_mixed() -> None:
    both = {"p": ("a", "b"), "q": ("a", "b", "c", "d")}
    told = figures([Outcome("p", 1, 2, ("a", "b"), 2), Outcome("q", 1, 2, ("a",), 2)], both, CATEGORIES, 1)
    assert told.coverage == (1 + 0.25) / 2


def test_gini_is_nothing_where_all_are_shown_alike_and_near_one_where_one_has_all() -> None:
    assert gini(np.array([3, 3, 3, 3])) == 0.0
    assert gini(np.array([0, 0, 0, 8])) == 0.75
    assert gini(np.array([0, 0])) == 0.0


def test_two_rows_are_compared_session_by_session() -> None:
    ours, theirs = hits([outcome(1)] * 60 + [outcome(None)] * 40, 20), hits([outcome(1)] * 50 + [outcome(None)] * 50, 20)
    told = beside(ours, theirs, 1)
    assert told.ratio == 1.2
    low, high = told.difference
    assert 0.03 < low < 0.1 < high < 0.17


def test_equal_rows_differ_by_nothing_and_a_row_without_any_hit_has_no_ratio() -> None:
    same = hits([outcome(1), outcome(None)], 20)
    assert beside(same, same, 1).difference == (0.0, 0.0)
    assert beside(same, [False, False], 1).ratio is None
    assert beside([], [], 1).ratio is None
