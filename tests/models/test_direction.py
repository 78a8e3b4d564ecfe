"""Rows that go one way are told from rows that do not."""

import numpy as np

from smallpool_models.vectors.direction import goes_one_way, returning
from smallpool_models.vectors.ragged import Ragged, ragged


def rows(*, in_order: bool) -> Ragged:
    rng = np.random.default_rng(1)
    drawn = [1 + rng.permutation(30)[:5] for _ in range(400)]
    return ragged((np.sort(one) if in_order else one).tolist() for one in drawn)


def test_rows_in_one_order_go_one_way_and_others_do_not() -> None:
    assert returning(rows(in_order=True)) == 0
    assert returning(rows(in_order=False)) > 0.5
    assert goes_one_way(rows(in_order=True))
    assert not goes_one_way(rows(in_order=False))


def test_half_of_what_came_twice_came_both_ways() -> None:
    assert returning(ragged([[1, 2], [2, 1], [3, 4], [3, 4], [5, 6]])) == 0.5


def test_where_no_pair_came_again_rows_go_no_way() -> None:
    assert not goes_one_way(ragged([[1, 2], [3, 4]]))


def test_what_stands_on_both_sides_of_a_break_is_no_pair() -> None:
    assert returning(ragged([[1, 2, 0, 3], [2, 1], [1, 0, 3], [1, 0, 3]])) == 1.0
