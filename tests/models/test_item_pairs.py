"""Items are learnt from what stands beside them on shopping paths."""

import numpy as np
import pytest

from smallpool_models.vectors.ragged import Ragged, ragged
from vectors_rig import small_world, vocabulary_of

torch = pytest.importorskip("torch")
from smallpool_models.training.vectors.item_network import ItemNetworkSettings  # noqa: E402
from smallpool_models.training.vectors.items_read import ItemsRead  # noqa: E402
from smallpool_models.training.vectors.pairs import PairSettings, pairs_of  # noqa: E402
from smallpool_models.training.vectors.sampling import Drawn, counts_of, dropping  # noqa: E402
from smallpool_models.training.vectors.skipgram import SkipGramSettings, train_items  # noqa: E402

SETTINGS = SkipGramSettings(epochs=4, pairs_a_step=256, negatives=24, mean_steps=20, items=ItemNetworkSettings(ids=True))


def pairs(rows: Ragged, categories: list[int], **settings: float) -> set[tuple[int, int]]:
    never = np.zeros(len(categories))
    made = PairSettings(**settings)  # type: ignore[arg-type]
    found = [pairs_of(rows, np.array(categories), never, made, np.random.default_rng(seed)) for seed in range(20)]
    return {(int(left), int(right)) for one in found for left, right in one}


def test_no_pair_reaches_over_a_break_or_from_one_person_to_the_next() -> None:
    rows = ragged([[1, 2, 0, 3, 4], [5, 6]])
    assert pairs(rows, [-1] * 7) == {(1, 2), (2, 1), (3, 4), (4, 3), (5, 6), (6, 5)}


def test_no_pair_reaches_further_than_the_window() -> None:
    found = pairs(ragged([[1, 2, 3, 4]]), [-1] * 5, window=2)
    assert found == {
        (1, 2),
        (2, 1),
        (2, 3),
        (3, 2),
        (3, 4),
        (4, 3),
        (1, 3),
        (3, 1),
        (2, 4),
        (4, 2),
    }


def test_as_many_pairs_are_of_one_category_as_is_asked_for() -> None:
    rng = np.random.default_rng(1)
    categories = np.array([-1, *(number % 10 for number in range(500))])
    rows = ragged(rng.integers(1, 501, (300, 12)).tolist())
    for share in (0.2, 0.5):
        found = pairs_of(rows, categories, np.zeros(501), PairSettings(near_share=share), rng)
        near = categories[found[:, 0]] == categories[found[:, 1]]
        assert abs(near.mean() - share) < 0.03


def test_items_are_dropped_the_more_often_the_more_frequent_they_are_and_rare_ones_never() -> None:
    chances = dropping(np.array([0, 1, 10, 100, 1000]), relative=0.01)
    assert chances[0] == 0
    assert list(chances) == sorted(chances)
    assert np.all((chances >= 0) & (chances < 1))
    share, mean = 1000 / 1111, 1 / 4
    assert chances[4] == pytest.approx(1 - np.sqrt(0.01 * mean / share))
    assert dropping(np.array([0, 5, 5]), relative=4.0).max() == 0


def test_what_is_drawn_follows_frequency_to_the_power_of_three_quarters() -> None:
    drawn = Drawn(np.array([0, 1, 16, 0]))
    found = np.bincount(drawn.draw(90_000, np.random.default_rng(1)), minlength=4) / 90_000
    assert found[0] == found[3] == 0
    assert found[2] == pytest.approx(8 / 9, abs=0.01)


def test_the_correction_is_the_logarithm_of_the_chance_to_be_drawn() -> None:
    drawn, rng = Drawn(np.array([0, 1, 16, 4])), np.random.default_rng(1)
    hits = np.mean([[number in drawn.draw(3, rng) for number in (1, 2, 3)] for _ in range(4_000)], axis=0)
    # the chance of at least one of 3 draws against that of a Poisson count of the same mean
    assert np.exp(drawn.expected(np.array([1, 2, 3]), 3, 0)) == pytest.approx(hits, abs=0.13)


def test_items_of_one_category_come_to_lie_nearer_than_others() -> None:
    world = small_world()
    trained = train_items(world, vocabulary_of(world), SETTINGS, lambda _doing, _done, _total: None)
    vectors = ItemsRead(world.items, trained.vocabulary).vectors(trained.network.items).numpy()[1:]
    names = np.array([one.category for one in world.items])
    same = names[:, None] == names[None, :]
    likeness = vectors @ vectors.T
    assert likeness[same & ~np.eye(len(names), dtype=bool)].mean() > likeness[~same].mean() + 0.2


def test_counts_leave_breaks_out() -> None:
    assert counts_of(ragged([[1, 0, 2], [2]]), 3).tolist() == [0, 1, 2, 0]
