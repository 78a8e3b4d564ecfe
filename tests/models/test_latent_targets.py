"""Targets of new categories on a made-up space: items 0-2 are tea, 3-4 cups, 5-6 desks, 7 has no category; cups lie near tea."""

from collections.abc import Sequence

import numpy as np

from smallpool_core.encoder_ports import Interests, Token
from smallpool_core.vectors import Vectors
from smallpool_models.evaluation.interest_scorer import Interested
from smallpool_models.evaluation.latent_targets import CoOccurring, LatentInterests, ShareOfCategory, Unvisited, centres, of_new_categories
from smallpool_models.evaluation.next_item import Places, Questions, ranks
from smallpool_models.evaluation.rivals import Popular

CATEGORIES = np.array([0, 0, 0, 1, 1, 2, 2, -1], dtype=np.int32)
ANGLES = np.radians([0, 5, 10, 40, 50, 170, 175, 20])
VECTORS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1).astype(np.float32)


def places(*items: int) -> Places:
    return np.array(items, dtype=np.int32)


class EachToken:
    """Every token is an interest of its own."""

    model = "m"

    def interests(self, tokens: Sequence[Token], profile: Sequence[bytes] = ()) -> Interests:
        return Interests(Vectors("m", 2, b"".join(token.vector for token in tokens)), (1 / max(1, len(tokens)),) * len(tokens))


def tokens(history: Places) -> list[Token]:
    return [Token(VECTORS[item].tobytes(), 1.0, 0.0, "short") for item in history]


INTERESTED = Interested(VECTORS, EachToken(), tokens)


def test_an_item_is_scored_by_the_interest_that_it_is_nearest_to() -> None:
    scores = INTERESTED.scores([places(0, 5), places(3)])
    assert np.allclose(scores[0], np.maximum(VECTORS @ VECTORS[0], VECTORS @ VECTORS[5]))
    assert np.allclose(scores[1], VECTORS @ VECTORS[3])


def test_nothing_is_recalled_for_who_has_no_interest_and_no_item_without_a_vector() -> None:
    some = VECTORS.copy()
    some[4] = 0
    scores = Interested(some, EachToken(), lambda history: tokens(history) if history.size > 1 else []).scores([places(0), places(0, 1)])
    assert np.isneginf(scores[0]).all()
    assert np.flatnonzero(np.isneginf(scores[1])).tolist() == [4]


def test_questions_are_about_new_categories_where_no_item_of_the_history_is_of_the_targets() -> None:
    asked = Questions([places(0), places(0, 3), places(0), places(0)], places(3, 4, 1, 7))
    news = of_new_categories(asked, CATEGORIES)
    assert [one.tolist() for one in news.histories] == [[0]]
    assert news.targets.tolist() == [3]


def test_a_category_lies_at_the_mean_of_its_items() -> None:
    assert np.allclose(centres(VECTORS, CATEGORIES)[0], [np.cos(np.radians(5)), np.sin(np.radians(5))], atol=1e-4)


def test_latent_interests_recall_inside_near_categories_that_were_not_visited() -> None:
    near_two = LatentInterests(INTERESTED, CATEGORIES, near=2)
    assert near_two.chosen(places(0, 1)) == [1]
    scores = near_two.scores([places(0, 1)])[0]
    assert np.flatnonzero(np.isfinite(scores)).tolist() == [3, 4]
    assert scores.argmax() == 3
    assert LatentInterests(INTERESTED, CATEGORIES, near=3).chosen(places(0)) == [1, 2]
    assert LatentInterests(INTERESTED, CATEGORIES, near=1).chosen(places(0)) == []


def test_categories_that_come_after_recall_their_popular_items_first_and_never_those_of_the_history() -> None:
    sequences = [places(0, 5), places(1, 5), places(2, 6), places(0, 3)]
    scores = CoOccurring(sequences, CATEGORIES, 1, ShareOfCategory(sequences, CATEGORIES), weighed=True).scores([places(0)])[0]
    assert np.flatnonzero(np.isfinite(scores)).tolist() == [5, 6]
    assert scores[5] > scores[6]
    both = CoOccurring(sequences, CATEGORIES, 9, INTERESTED, weighed=False).scores([places(0)])[0]
    assert np.flatnonzero(np.isfinite(both)).tolist() == [3, 4, 5, 6]
    assert both.argmax() == 3, "ordered by the interests alone"


def test_a_history_without_any_category_has_nothing_that_comes_after() -> None:
    sequences = [places(0, 5)]
    scores = CoOccurring(sequences, CATEGORIES, 3, ShareOfCategory(sequences, CATEGORIES), weighed=True).scores([places(7)])
    assert np.isneginf(scores).all()


def test_whatever_scores_may_be_kept_out_of_the_categories_of_the_history() -> None:
    asked = Questions([places(0)], places(3))
    popular = Popular([places(1, 1, 1, 3)], 8)
    assert ranks(popular, asked, 1).tolist() == [2]
    assert ranks(Unvisited(popular, CATEGORIES), asked, 1).tolist() == [1]
