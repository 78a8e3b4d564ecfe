"""Support vector machines that are added to the net of categories: their minimum, and what they know of a title."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from smallpool_models.labels.grams import GramReader, Grams, learnt_vocabulary
from smallpool_models.training.hinge import Machines, solved

TEXTS = [f"{brand}{thing}{number}ml" for number, (brand, thing) in enumerate(product(("海尔", "美的", "云龙"), ("茶壶", "空调", "小说")))]
RUNS = 12


def random_titles(rng: np.random.Generator, titles: int) -> tuple[Grams, np.ndarray]:
    numbers = np.stack([1 + rng.permutation(RUNS)[:4] for _ in range(titles)])
    weights = rng.random((titles, 4)).astype(np.float32)
    return Grams(numbers, weights), (rng.random((titles, 3)) < 0.4).astype(np.float32)


def slope_of(machines: Machines, grams: Grams, truth: np.ndarray, cost: float) -> torch.Tensor:
    """Of the loss that LIBLINEAR minimises, by torch's own differentiation."""
    weights, bias = machines.weights.clone().requires_grad_(), machines.bias.clone().requires_grad_()
    rows = torch.zeros(len(truth), RUNS + 1)
    rows[torch.arange(len(truth))[:, None], torch.from_numpy(grams.numbers)] = torch.from_numpy(grams.weights)
    sides = torch.from_numpy(2 * truth - 1)
    short = (1 - sides * (rows @ weights + bias)).clamp_min(0)
    loss = 0.5 * (weights.square().sum() + bias.square().sum()) + cost * short.square().sum()
    torch.autograd.backward(loss)
    assert weights.grad is not None
    assert bias.grad is not None
    return torch.cat([weights.grad, bias.grad[None]])


@pytest.mark.parametrize("cost", [0.1, 1.0, 10.0])
def test_the_machines_lie_where_their_loss_is_least(cost: float) -> None:
    grams, truth = random_titles(np.random.default_rng(1), 60)
    nothing = Machines(torch.zeros(RUNS + 1, 3), torch.zeros(3))
    at_first = slope_of(nothing, grams, truth, cost).norm()
    assert slope_of(solved(grams, RUNS, truth, cost), grams, truth, cost).norm() < 1e-3 * at_first


def test_a_label_is_solved_alike_alone_and_among_more_than_are_solved_at_once() -> None:
    grams, truth = random_titles(np.random.default_rng(2), 40)
    many = solved(grams, RUNS, np.tile(truth, (1, 30)), 1.0)
    alone = solved(grams, RUNS, truth[:, :1], 1.0)
    assert many.weights.shape == (RUNS + 1, 90)
    assert torch.allclose(many.weights[:, [0, 87]], alone.weights.expand(-1, 2), atol=1e-3)


def test_titles_are_on_the_side_of_their_label_and_of_none_where_nothing_is_known() -> None:
    vocabulary = learnt_vocabulary(TEXTS, 2)
    reader = GramReader(vocabulary)
    truth = np.tile(np.eye(3, dtype=np.float32), (3, 1))
    machines = solved(reader.read(TEXTS), len(vocabulary.grams), truth, 1.0)
    assert machines.scores(reader.read(["出售茶壶", "空调", "新小说"])).argmax(axis=1).tolist() == [0, 1, 2]
    assert machines.scores(reader.read([""]))[0] == pytest.approx(machines.bias.numpy())


def test_where_numbers_are_alike_digits_as_they_stand_there_weigh_less() -> None:
    vocabulary = learnt_vocabulary(["茶壶240ml", "茶壶330ml"], 1, numbers_alike=True)
    rarity = dict(zip(vocabulary.grams, vocabulary.rarity, strict=True))
    assert rarity["0m"] == 1, "both titles have it"
    once = 1 + math.log(3 / 2)
    assert {gram: weight for gram, weight in rarity.items() if "24" in gram} == pytest.approx(
        dict.fromkeys(("\t24", "\t240", "\t壶24"), 0.7 * once), abs=1e-3
    )


def test_where_numbers_are_alike_a_title_of_an_unknown_size_reads_the_same() -> None:
    alike = GramReader(learnt_vocabulary(TEXTS, 2, numbers_alike=True))
    told_apart = GramReader(learnt_vocabulary(TEXTS, 1))
    one, other = alike.read(["海尔茶壶240ml", "海尔茶壶3.5ml"]).numbers
    assert one.tolist() == other.tolist()
    one, other = told_apart.read(["海尔茶壶1ml", "海尔茶壶2ml"]).numbers
    assert one.tolist() != other.tolist()
