from collections.abc import Sequence
from math import log2

import numpy as np
import pytest

from smallpool_models.evaluation.next_item import MISSED, Places, Questions, Scores, ranks
from smallpool_models.evaluation.rank_figures import beside, by_tercile, figures, gains, mean_interval


class Given:
    """The same scores for everybody."""

    def __init__(self, *scores: float) -> None:
        self._scores = np.array(scores, dtype=np.float32)

    def scores(self, histories: Sequence[Places]) -> Scores:
        return np.tile(self._scores, (len(histories), 1))


def places(*items: int) -> Places:
    return np.array(items, dtype=np.int32)


def ask(target: int, *history: int, times: int = 1) -> Questions:
    return Questions([places(*history)] * times, places(*[target] * times))


@pytest.mark.parametrize(("target", "rank"), [(0, 4), (1, 1), (2, 3), (3, 2)])
def test_a_target_stands_behind_all_that_scores_higher(target: int, rank: int) -> None:
    assert ranks(Given(0.1, 0.9, 0.2, 0.4), ask(target, 0), 1, without_history=False).tolist() == [rank]


def test_items_of_the_history_are_not_in_the_ranking_unless_it_is_kept() -> None:
    scorer, asked = Given(0.1, 0.9, 0.2, 0.4), ask(2, 1, 3)
    assert ranks(scorer, asked, 1).tolist() == [1]
    assert ranks(scorer, asked, 1, without_history=False).tolist() == [3]


def test_a_target_that_stands_in_the_history_is_missed_where_the_history_is_left_out() -> None:
    assert ranks(Given(0.9, 0.1, 0.1), ask(0, 0, 1), 1).tolist() == [MISSED]


def test_what_is_never_recalled_is_no_hit_however_few_items_there_are() -> None:
    found = ranks(Given(0.5, -np.inf, -np.inf), ask(1, 0), 1)
    assert found.tolist() == [MISSED]
    assert figures(found, 1)["recall@50"] == figures(found, 1)["hr@10"] == 0


def test_equals_are_ordered_by_the_seed_and_each_place_is_as_likely() -> None:
    asked = ask(0, 5, times=4000)
    found = ranks(Given(0.5, 0.5, 0.5, 0.5, 0.9, 0.1), asked, 7)
    assert found.tolist() == ranks(Given(0.5, 0.5, 0.5, 0.5, 0.9, 0.1), asked, 7).tolist()
    assert found.tolist() != ranks(Given(0.5, 0.5, 0.5, 0.5, 0.9, 0.1), asked, 8).tolist()
    counts = np.bincount(found, minlength=6)
    assert counts[[0, 1]].tolist() == [0, 0]
    assert (np.abs(counts[2:6] - 1000) < 120).all()


def test_a_batch_is_ranked_as_its_questions_are_one_by_one() -> None:
    rng = np.random.default_rng(4)
    scorer = Given(*rng.permutation(50).astype(float))
    asked = Questions([rng.choice(49, 5, replace=False).astype(np.int32) for _ in range(300)], np.full(300, 49, dtype=np.int32))
    alone = [ranks(scorer, Questions([asked.histories[row]], asked.targets[row : row + 1]), 1)[0] for row in range(300)]
    assert ranks(scorer, asked, 1).tolist() == alone


def test_the_gain_of_a_target_is_what_its_place_is_worth() -> None:
    at = np.array([1, 2, 10, 11, 50, 51])
    assert gains("hr@10", at).tolist() == [1, 1, 1, 0, 0, 0]
    assert gains("recall@50", at).tolist() == [1, 1, 1, 1, 1, 0]
    assert gains("ndcg@10", at) == pytest.approx([1, 1 / log2(3), 1 / log2(11), 0, 0, 0])


def test_figures_are_means_between_their_bounds() -> None:
    told = figures(np.array([1] * 30 + [15] * 30 + [100] * 40), 1)
    assert (told["hr@10"], told["ndcg@10"], told["recall@20"], told["recall@50"]) == (0.3, 0.3, 0.6, 0.6)
    for name, (low, high) in told["intervals"].items():
        assert low < told[name] < high


def test_two_rows_are_compared_question_by_question() -> None:
    ours, theirs = np.array([1] * 60 + [90] * 40), np.array([1] * 50 + [90] * 50)
    told = beside(ours, theirs, 1)["hr@10"]
    assert told["difference"] == 0.1
    low, high = told["interval"]
    assert 0.03 < low < 0.1 < high < 0.17
    assert beside(ours, ours, 1)["ndcg@10"] == {"difference": 0.0, "interval": (0.0, 0.0)}


def test_the_interval_of_a_mean_is_that_of_resampled_values() -> None:
    rng = np.random.default_rng(2)
    values = rng.choice([0.0, 0.3, 1.0], 500)
    means = [rng.choice(values, 500).mean() for _ in range(2000)]
    assert mean_interval(values, 1) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.01)


def test_terciles_keep_people_of_the_same_activity_together_and_name_the_worst() -> None:
    activity = np.array([1, 1, 1, 1, 2, 3, 3, 9, 9])
    at = np.array([1, 1, 1, 1, 50, 5, 5, 20, 20])
    told = by_tercile(at, activity)
    assert {name: told[name]["items_before"] for name in ("low", "middle", "high")} == {"low": [1, 1], "middle": [2, 3], "high": [9, 9]}
    assert (told["low"]["hr@10"], told["high"]["hr@10"]) == (1.0, 0.0)
    assert told["worst"]["hr@10"] == "high"
    assert told["worst"]["recall@20"] == "middle"


def test_questions_are_drawn_by_the_seed_in_their_order() -> None:
    asked = Questions([places(row) for row in range(100)], np.arange(100, dtype=np.int32))
    drawn = asked.drawn(10, 3)
    assert len(drawn) == 10
    assert drawn.targets.tolist() == sorted(drawn.targets.tolist()) == asked.drawn(10, 3).targets.tolist()
    assert [one.tolist() for one in drawn.histories] == [[target] for target in drawn.targets]
    assert asked.drawn(100, 3) is asked
