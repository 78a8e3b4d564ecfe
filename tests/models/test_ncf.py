"""NCF on made-up people who keep to one taste of four."""

from collections.abc import Callable

import numpy as np
import pytest

from smallpool_models.evaluation.ncf import Ncf, NcfWeights
from smallpool_models.evaluation.next_item import Places, Questions, ranks
from smallpool_models.training.ncf import NcfSettings, train_ncf

ITEMS, TASTES = 80, 4


def people(count: int, seed: int) -> list[Places]:
    rng = np.random.default_rng(seed)
    return [(rng.permutation(ITEMS // TASTES)[:8] * TASTES + rng.integers(TASTES)).astype(np.int32) for _ in range(count)]


def asked(seed: int) -> Questions:
    rows = people(100, seed)
    return Questions([row[:-1] for row in rows], np.array([row[-1] for row in rows], dtype=np.int32))


def silent(_doing: str, _done: int, _of: int) -> None:
    """Nobody listens."""


def trained(seed: int = 1, report: Callable[[str, int, int], None] = silent) -> NcfWeights:
    settings = NcfSettings(seed=seed, epochs=6, rate=0.05, examples_a_step=128)
    return train_ncf(people(400, 2), asked(3), ITEMS, settings, report)


def test_who_keeps_to_a_taste_is_told_from_others_without_having_been_trained_on() -> None:
    found = ranks(Ncf(trained()), asked(4), 1)
    assert (found <= 13).mean() > 0.8, "13 items of the taste are left, of 73"


def test_the_same_seed_gives_the_same_weights() -> None:
    one, same, other = trained(), trained(), trained(seed=2)
    assert np.array_equal(one.offered, same.offered)
    assert not np.array_equal(one.offered, other.offered)


def test_all_items_are_scored_as_the_net_scores_them_one_by_one() -> None:
    rng = np.random.default_rng(5)
    shapes = {"touched": (9, 6), "offered": (9, 6), "product": (3,), "of_person": (4, 3), "of_item": (4, 3), "shift": (4,), "out": (4,)}
    weights = NcfWeights(
        **{name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}, bias=np.arange(9, dtype=np.float32)
    )
    history = np.array([1, 4], dtype=np.int32)
    person = weights.touched[history].mean(axis=0)
    for item, score in enumerate(Ncf(weights).scores([history])[0]):
        own = weights.offered[item]
        hidden = np.maximum(weights.of_person @ person[3:] + weights.of_item @ own[3:] + weights.shift, 0)
        assert score == pytest.approx(weights.product @ (person[:3] * own[:3]) + weights.out @ hidden + item, abs=1e-4)


def test_training_ends_when_nothing_gets_better() -> None:
    told: list[int] = []
    trained(report=lambda _doing, done, _of: told.append(done))
    assert told == list(range(len(told)))
    assert 3 <= len(told) <= 6


def test_where_nobody_touched_two_items_nothing_is_learnt_and_every_item_is_scored() -> None:
    weights = train_ncf([row[:1] for row in people(5, 2)], asked(3), ITEMS, NcfSettings(), silent)
    assert np.isfinite(Ncf(weights).scores(asked(4).histories)).all()
