"""Scores of spans, by hand."""

import pytest

from smallpool_models.ner.scores import counts, difference, interval, score, score_by_type

THERE = [[(0, 2, "brand"), (3, 5, "product")], [(0, 1, "product")], []]
FOUND = [[(0, 2, "brand"), (3, 6, "product")], [(0, 1, "brand")], [(0, 1, "product")]]


def test_a_span_counts_where_start_end_and_type_are_right() -> None:
    scored = score(THERE, FOUND)
    assert (scored.precision, scored.recall, scored.spans) == (1 / 4, 1 / 3, 3)
    assert scored.f1 == pytest.approx(2 / 7)


def test_each_type_has_its_own_score() -> None:
    by_type = score_by_type(THERE, FOUND)
    assert list(by_type) == ["product", "brand"]
    assert (by_type["brand"].precision, by_type["brand"].recall) == (0.5, 1.0)
    assert by_type["product"].f1 == 0


def test_nothing_there_and_nothing_found_is_no_error() -> None:
    assert score([[]], [[]]).f1 == 0
    assert interval(counts([[]], [[]])) == (0, 0)


def test_the_interval_holds_the_score_and_a_clear_gain_excludes_nothing() -> None:
    there = [[(0, 1, "product")]] * 200
    half = [[(0, 1, "product")] if number % 2 else [] for number in range(200)]
    low, high = interval(counts(there, half))
    assert low < score(there, half).f1 < high
    low, high = difference(counts(there, there), counts(there, half))
    assert 0.2 < low < high < 0.5
