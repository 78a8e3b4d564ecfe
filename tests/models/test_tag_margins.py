"""Machines with margins, solved tag by tag, lie at the minimum, and know what they would say of a title that they have not seen."""

import numpy as np
import pytest

from smallpool_models.training.margins import margin_machines
from smallpool_models.training.squares import Array

COST = 2.0


@pytest.fixture(scope="module")
def rows() -> Array:
    """300 titles in two directions, more than a tag begins with."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(300, 6)).astype(np.float32)
    found: Array = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


@pytest.fixture(scope="module")
def truth(rows: Array) -> Array:
    """Two tags, the second of which few titles have, and some have wrongly."""
    truth: Array = np.stack([rows[:, 0] > 0.2, rows[:, 1] > 0.7], axis=1).astype(np.float32)
    truth[:4] = 1 - truth[:4]
    return truth


def test_no_small_step_from_the_weights_found_lowers_the_loss(rows: Array, truth: Array) -> None:
    made = margin_machines(rows @ rows.T, truth, COST)
    weights = np.concatenate([rows.T @ made.weights, made.bias[None]]).astype(np.float64)
    with_one = np.concatenate([rows, np.ones((len(rows), 1), dtype=np.float32)], axis=1)
    short = np.maximum(0, 1 - (2 * truth - 1) * (with_one @ weights))
    slope = weights - 2 * COST * with_one.T @ ((2 * truth - 1) * short)
    assert np.abs(slope).max() < 0.01


def test_a_score_left_out_is_what_a_machine_says_that_has_not_seen_the_title(rows: Array, truth: Array) -> None:
    # to a tenth: without the title others may come within the margin, which the short way leaves out
    made = margin_machines(rows @ rows.T, truth, COST)
    for title in (0, 1, 50, 200):
        others = np.delete(np.arange(len(rows)), title)
        again = margin_machines(rows[others] @ rows[others].T, truth[others], COST)
        assert made.scores[title] == pytest.approx(rows[title] @ rows[others].T @ again.weights + again.bias, abs=0.1)


def test_a_tag_of_a_single_title_has_a_machine(rows: Array) -> None:
    truth = np.zeros((len(rows), 1), dtype=np.float32)
    truth[7] = 1
    made = margin_machines(rows @ rows.T, truth, COST)
    assert np.isfinite(made.scores).all()
    assert int((rows @ rows.T @ made.weights + made.bias)[:, 0].argmax()) == 7
