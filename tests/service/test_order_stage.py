from math import inf, nan

from read_rig import hit
from smallpool_core.pools import Ordering
from smallpool_service.candidates import Candidate, Scored
from smallpool_service.order import order


def ordered(**scores: float) -> list[str]:
    made = [Scored(Candidate(hit(item_id), {}), (), score) for item_id, score in scores.items()]
    return [scored.item_id for scored in order(made, Ordering(), 20)]


def test_the_best_score_comes_first_and_ties_go_by_item_id() -> None:
    assert ordered(b=0.5, a=0.5, c=0.9) == ["c", "a", "b"]


def test_ties_follow_the_bytes_of_the_id() -> None:
    scores = {"é": 0.1, "z": 0.1, "\U00010400": 0.1, "ﬀ": 0.1}
    assert ordered(**scores) == sorted(scores, key=str.encode)


def test_scores_that_are_not_finite_sink_to_the_end_whatever_their_sign() -> None:
    assert ordered(a=nan, b=inf, c=-inf, d=-5.0, e=0.1) == ["e", "d", "a", "b", "c"]
