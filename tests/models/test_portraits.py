"""What pictures show, on a space of four clear kinds."""

from collections.abc import Sequence

import numpy as np

from smallpool_core.encoder_ports import Interests, Token
from smallpool_core.vectors import Vectors
from smallpool_models.evaluation.interest_scorer import Interested
from smallpool_models.evaluation.item_map import plane
from smallpool_models.evaluation.next_item import Places
from smallpool_models.evaluation.portraits import SHOWN_PLACES, Catalogue, item_map, nearest, neighbourhoods, person

KINDS = 4
COUNT = 120
RNG = np.random.default_rng(6)
CATEGORIES = np.arange(COUNT, dtype=np.int32) % KINDS
RAW = np.eye(KINDS, 16)[CATEGORIES] + 0.15 * RNG.normal(size=(COUNT, 16))
VECTORS = (RAW / np.linalg.norm(RAW, axis=1, keepdims=True)).astype(np.float32)
CATALOGUE = Catalogue([f"item {place}" for place in range(COUNT)], CATEGORIES, ["tea", "cups", "desks", "phones"])


class LastTwo:
    """The last two tokens are the interests."""

    model = "m"

    def interests(self, tokens: Sequence[Token], profile: Sequence[bytes] = ()) -> Interests:
        return Interests(Vectors("m", 16, b"".join(token.vector for token in tokens[-2:])), (0.5, 0.5))


def tokens(history: Places) -> list[Token]:
    return [Token(VECTORS[item].tobytes(), 1.0, 0.0, "short") for item in history]


def test_on_the_map_the_nearest_of_most_items_are_of_their_own_kind() -> None:
    points = plane(VECTORS)
    assert points.min() >= 0
    assert points.max() <= 1
    apart = ((points[:, None] - points[None]) ** 2).sum(axis=2) + 9 * np.eye(COUNT)
    assert (CATEGORIES[apart.argmin(axis=1)] == CATEGORIES).mean() > 0.95


def test_the_same_vectors_make_the_same_map_and_few_are_enough() -> None:
    assert np.array_equal(plane(VECTORS[:30]), plane(VECTORS[:30]))
    assert [plane(VECTORS[:count]).shape for count in (0, 1, 2, 4, 5)] == [(0, 2), (1, 2), (2, 2), (4, 2), (5, 2)]


def test_the_map_draws_items_that_have_a_vector_and_names_the_most_frequent_kinds() -> None:
    some = VECTORS.copy()
    some[CATEGORIES == 3] = 0
    drawn = item_map(some, CATALOGUE, 1)
    assert len(drawn.points) == 90
    assert sorted(drawn.legend) == ["cups", "desks", "tea"]
    assert {drawn.legend[point.colour] == point.kind for point in drawn.points} == {True}


def test_neighbours_are_the_others_by_cosine_whatever_their_length() -> None:
    assert nearest(np.array([[1, 0], [5, 1], [0, 1], [0, 0]], dtype=np.float32), 0).tolist() == [1, 2]
    assert nearest(np.array([[1, 0], [0, 0]], dtype=np.float32), 1).tolist() == []


def test_a_neighbourhood_shows_both_models_at_the_same_places_and_a_gap_where_there_is_no_further_item() -> None:
    found = neighbourhoods(VECTORS[:6], -VECTORS[:6], [0], CATALOGUE)[0]
    assert [place for place, _, _ in found.rows] == list(SHOWN_PLACES)
    before, after = [row[1] for row in found.rows], [row[2] for row in found.rows]
    assert before[0] is not None
    assert before[0].kind == "tea"
    assert before[:5] == after[:5], "turned round, all cosines stay"
    assert before[5:] == [None] * (len(SHOWN_PLACES) - 5)


def test_a_person_is_shown_with_the_categories_of_each_interest_and_latent_ones_that_were_never_visited() -> None:
    told = person(Interested(VECTORS, LastTwo(), tokens), np.array([0, 1], dtype=np.int32), CATALOGUE)
    assert [interest.near[0][0] for interest in told.interests] == ["tea", "cups"]
    assert set(told.latent) == {"desks", "phones"}
    assert [item.name for item in told.history] == ["item 0", "item 1"]
    assert -0.3 < told.likeness < 0.3
