"""What vectors are measured against: popularity, items that come after one, the mean of a history, a blend; all on hand-made sequences."""

from collections.abc import Sequence

import numpy as np
import pytest

from smallpool_models.evaluation.blend import Blended, best, tuned
from smallpool_models.evaluation.co_visit import CoVisits
from smallpool_models.evaluation.next_item import Places, Questions, Scores, ranks
from smallpool_models.evaluation.rivals import MeanPooling, Popular


def places(*items: int) -> Places:
    return np.array(items, dtype=np.int32)


def test_what_is_popular_is_what_was_touched_most_whoever_asks() -> None:
    scores = Popular([places(1, 2), places(2)], 4).scores([places(0), places(1, 2)])
    assert scores.tolist() == [[0, 1, 2, 0]] * 2


def test_a_pair_counts_one_over_its_distance_forward_alone_and_within_the_window() -> None:
    scores = CoVisits([places(0, 1, 2, 3)], 5, window=2).scores([places(0), places(3)])
    assert scores.tolist() == [[0, 1, 0.5, 0, 0], [0, 0, 0, 0, 0]]


def test_pairs_of_two_sequences_do_not_mix_and_an_item_does_not_follow_itself() -> None:
    scores = CoVisits([places(0, 0, 1), places(2), places(3)], 4).scores([places(0), places(2)])
    assert scores == pytest.approx(np.array([[0, 1.5, 0, 0], [0, 0, 0, 0]]))


def test_earlier_items_of_a_history_fade() -> None:
    counted = CoVisits([places(0, 2), places(1, 3)], 4, fading=0.5)
    assert counted.scores([places(0, 1)]).tolist() == [[0, 0, 0.5, 1]]


def test_the_mean_of_a_history_asks_for_what_lies_between_and_never_for_what_has_no_vector() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.8, 0.6], [0, 0]], dtype=np.float32)
    scores = MeanPooling(vectors).scores([places(0, 1), places(0)])
    assert scores[0].argmax() == 2
    assert scores[1].argmax() == 0
    assert np.isneginf(scores[:, 3]).all()


class Rows:
    """Scores by the first item of the history."""

    def __init__(self, rows: dict[int, list[float]]) -> None:
        self._rows = rows

    def scores(self, histories: Sequence[Places]) -> Scores:
        return np.array([self._rows[int(history[0])] for history in histories], dtype=np.float32)


FIRST = Rows({0: [0, 1, 0.9, 0.2]})
SECOND = Rows({0: [0, 0, 5, 0]})
ASKED = Questions([places(0)] * 3, places(2, 2, 2))


def test_a_blend_with_nothing_of_the_second_is_the_first() -> None:
    assert ranks(Blended(FIRST, SECOND, 0), ASKED, 1).tolist() == ranks(FIRST, ASKED, 1).tolist() == [2, 2, 2]
    assert ranks(Blended(FIRST, SECOND, 1), ASKED, 1).tolist() == [1, 1, 1]


def test_a_blend_recalls_what_either_recalls_and_nothing_else() -> None:
    gone = -np.inf
    scores = Blended(Rows({0: [0.5, gone, gone, 0.1]}), Rows({0: [gone, 2, gone, 1]}), 1).scores([places(0)])[0]
    assert np.isneginf(scores).tolist() == [False, False, True, False]


def test_the_weight_of_a_blend_is_the_smallest_of_the_best_on_what_it_is_tuned_on() -> None:
    tried = tuned(FIRST, SECOND, ASKED, "ndcg@10", 1, (0, 0.5, 1))
    assert [one.weight for one in tried] == [0, 0.5, 1]
    assert tried[0].figure < 1
    assert best(tried).figure == 1
    assert best(tried).weight == 0.5
