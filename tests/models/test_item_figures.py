"""What vectors of items are worth by themselves, on six items of two categories."""

import numpy as np
import pytest

from smallpool_models.evaluation.item_figures import Neighbours, item_figures
from smallpool_models.evaluation.next_item import Questions, ranks

CATEGORIES = np.array([0, 0, 0, 1, 1, -1], dtype=np.int32)
VECTORS = np.array([[2, 0], [2, 0], [1, 0], [0, 3], [0, 1], [0, 0]], dtype=np.float32)


def test_the_next_item_is_sought_by_the_direction_of_the_last_one_alone() -> None:
    asked = Questions([np.array([3, 0], dtype=np.int32), np.array([0, 3], dtype=np.int32)], np.array([2, 4], dtype=np.int32))
    assert ranks(Neighbours(VECTORS), asked, 3)[1] == 1
    assert ranks(Neighbours(VECTORS), asked, 3)[0] in {1, 2}


def test_nothing_is_near_an_item_without_a_vector_nor_is_it_near_anything() -> None:
    scores = Neighbours(VECTORS).scores([np.array([5], dtype=np.int32), np.array([0], dtype=np.int32)])
    assert np.isneginf(scores[0]).all()
    assert np.flatnonzero(np.isneginf(scores[1])).tolist() == [5]


def test_kinds_lie_apart_where_two_items_of_one_category_are_more_alike_than_of_two() -> None:
    found = item_figures(VECTORS, CATEGORIES, 10, 1)
    assert found.known == pytest.approx(5 / 6, abs=1e-4)
    assert (found.within, found.between) == (1.0, 0.0)


def test_of_the_neighbours_those_of_the_own_category_are_counted_and_the_item_itself_is_none() -> None:
    apart = np.concatenate([np.tile([1.0, 0.1], (12, 1)), np.tile([-0.1, 1.0], (12, 1))]).astype(np.float32)
    assert item_figures(apart, np.repeat([0, 1], 12).astype(np.int32), 24, 1).same_category == 1.0
    assert item_figures(apart, np.tile([0, 1], 12).astype(np.int32), 24, 1).same_category < 0.7


def test_few_items_have_few_neighbours() -> None:
    assert item_figures(VECTORS[:1], CATEGORIES[:1], 5, 1).same_category == 0.0
    assert item_figures(VECTORS[[0, 1]], CATEGORIES[[0, 1]], 5, 1).same_category == 1.0
