"""Trains what names the category of titles; what machines learn of tags (`tags.py`) has the same settings and the same form.

In: titles with one label each, settings. Out: `TrainedLabels`: the best weights on a held-out tenth, what the net reads, the labels in the
order of its scores, the titles that it remembers, how all that is to be read, and the figures of each epoch. The weights that are kept are
a running mean of those of the steps. Where the net has a linear reader, support vector machines (`hinge.py`) are added to it: a sum of
weights costs nothing to serve. To its scores the votes of the nearest titles are added.
"""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import numpy as np
import torch
from msgspec import Struct, field
from numpy.typing import NDArray
from torch import Tensor, nn

from smallpool_core.errors import Problem, TitlesRefused
from smallpool_models.labels.deciding import (
    Scores,
    Sureness,
    TagRule,
    fitted_sureness,
)
from smallpool_models.labels.grams import GramReader, Grams, GramVocabulary, learnt_vocabulary
from smallpool_models.labels.nearest import NearestTitles, Remembered, remembered_titles
from smallpool_models.labels.rows import LabelledTitle, LabelSet
from smallpool_models.labels.scores import calibration_error
from smallpool_models.ner.titles import parted
from smallpool_models.training.hinge import solved
from smallpool_models.training.label_network import LINEAR_SCALE, LabelNetwork, LabelNetworkSettings
from smallpool_models.training.mean import RunningMean, pace

DEV_SHARE = 0.1
MOST_REMEMBERED = 20_000
"""Each costs memory and time to serve; of more titles so many by a hash of the text are remembered."""
Task = Literal["category", "tags"]


class LabelSettings(Struct, frozen=True):
    """How training goes. There are at most `epochs`, and no more than fit into `minutes` of computing as the first one goes; `patience`
    counts those without a better figure on the dev part. Runs that fewer than `fewest` titles have are not read. `cost` is what machines
    pay for a title beyond its margin; `machines` and `votes` are what their margins and the votes of the nearest titles count beside the
    net's scores (measured, see docs/results/understanding.md). Where votes count nothing no title is remembered.
    """

    task: Task
    seed: int = 1
    epochs: int = 5
    patience: int = 3
    minutes: float = 12.0
    titles_a_step: int = 64
    rate: float = 6e-3
    mean_steps: int = 300
    fewest: int = 2
    smoothing: float = 0.1
    cost: float = 1.0
    machines: float = 4.0
    votes: float = 4.0
    network: LabelNetworkSettings = field(default_factory=LabelNetworkSettings)

    @classmethod
    def small(cls) -> "LabelSettings":
        """For a model of categories that ships: no linear reader, whose table has a column for each label, and no titles."""
        return cls("category", epochs=6, fewest=4, votes=0.0, network=LabelNetworkSettings(linear=False, sums=1))


class LabelEpoch(Struct, frozen=True):
    """One pass over the titles: the mean loss, and the accuracy on the dev part. Tags are solved in one, without a loss: their micro F1."""

    number: int
    loss: float
    dev: float
    seconds: float


class TrainedLabels(Struct, frozen=True):
    """A net with the best weights and how it came about; `decides` reads its scores."""

    network: LabelNetwork
    vocabulary: GramVocabulary
    labels: tuple[str, ...]
    remembered: Remembered
    decides: Sureness | TagRule
    epochs: tuple[LabelEpoch, ...]
    best: int
    counts: dict[str, int]
    dev: dict[str, float]


Report = Callable[[str, int, int], None]


class _Plan(Struct):
    """How many epochs there will be: fewer than the settings say, once the first one was timed."""

    epochs: int


class _Part(Struct, frozen=True):
    """Titles with what is read of them; `truth` is (titles, labels) of 0 and 1."""

    grams: Grams
    truth: NDArray[np.float32]

    def batch(self, titles: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Numbers and weights of the runs of some titles, no wider than the longest of them."""
        weights = self.grams.weights[titles]
        longest = max(int((weights > 0).sum(axis=1).max(initial=1)), 1)
        return torch.from_numpy(self.grams.numbers[titles, :longest]), torch.from_numpy(weights[:, :longest])


@contextmanager
def _without_denormals() -> Iterator[None]:
    """Numbers below the normal range of a float count as 0 meanwhile: weights that fade away are many, and take many times as long. It is
    a state of the whole thread, so it is put back.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@_without_denormals()
def train_labels(one: LabelSet, settings: LabelSettings, report: Report) -> TrainedLabels:
    """Trains until the epochs or minutes are over or the dev part no longer gains, and then once more, for as many epochs, on all titles:
    the dev part is worth a fraction of a point, and what it decided holds. Raises `TitlesRefused` where there is too little to learn from.
    """
    torch.set_num_threads(1)
    started = time.process_time()
    report("reading", 0, 1)
    learnt, held = parted(one.titles, DEV_SHARE, "dev")
    labels = tuple(sorted({label for title in learnt for label in title.labels}))
    if len(labels) < 2 or not held:
        found = f"{len(learnt)} titles with {len(labels)} labels to learn from, {len(held)} to hold out"
        raise TitlesRefused([Problem(one.name, found, "at least two labels, and enough titles that a tenth can be held out")])
    vocabulary = learnt_vocabulary([title.text for title in one.titles], settings.fewest, numbers_alike=True)
    reader = GramReader(vocabulary)
    train, dev = (_part(titles, reader, labels) for titles in (learnt, held))
    epochs: list[LabelEpoch] = []
    best, best_network, plan = 0, LabelNetwork(settings.network, 0, len(labels)), _Plan(settings.epochs)
    for number, loss, network in _epochs(train, len(vocabulary.grams), settings, plan, report):
        decides, figures = _decided(scores_of(network, dev.grams), dev.truth)
        epochs.append(LabelEpoch(number + 1, loss, figures["accuracy"], time.process_time() - started))
        if number == 0 or figures["accuracy"] > epochs[best].dev:
            best, best_network = number, copy.deepcopy(network)
        if number == 0:
            plan.epochs = min(plan.epochs, max(1, int(settings.minutes * 30 / epochs[0].seconds)))
        if number - best >= settings.patience:
            break
    _join(best_network, train, settings)
    votes = NearestTitles(_remembered(learnt, labels, settings), reader, len(labels)).votes(dev.grams)
    decides, figures = _decided(scores_of(best_network, dev.grams) + votes, dev.truth)
    known = [title for title in one.titles if title.labels[0] in labels]
    whole = _part(known, reader, labels)
    for number, _, network in _epochs(whole, len(vocabulary.grams), settings, plan, report):
        if number == best:
            best_network = network
            break
    _join(best_network, whole, settings)
    best_network.round_off()
    counts = {"titles": len(one.titles), "train": len(learnt), "dev": len(held), "labels": len(labels), "grams": len(vocabulary.grams)}
    remembered = _remembered(known, labels, settings)
    return TrainedLabels(best_network, vocabulary, labels, remembered, decides, tuple(epochs), best, counts, figures)


def _remembered(titles: Sequence[LabelledTitle], labels: Sequence[str], settings: LabelSettings) -> Remembered:
    """These titles, or those of most that a hash draws."""
    kept: Sequence[LabelledTitle] = titles if settings.votes else ()
    if len(kept) > MOST_REMEMBERED:
        _, kept = parted(kept, MOST_REMEMBERED / len(kept), f"remembered {settings.seed}")
    return remembered_titles(kept[:MOST_REMEMBERED], labels, settings.votes)


@torch.no_grad()
def _join(network: LabelNetwork, part: _Part, settings: LabelSettings) -> None:
    """Adds the margins of machines that learnt from the same titles to the scores: to the linear reader, where there is one, which is one
    of several whose mean counts.
    """
    if not settings.network.linear:
        return
    machines = solved(part.grams, len(network.table(0)) - 1, part.truth, settings.cost)
    times = settings.machines * len(network.tables)
    network.table(0).add_(machines.weights, alpha=times / LINEAR_SCALE)
    network.bias.add_(machines.bias, alpha=times)


def _epochs(part: _Part, grams: int, settings: LabelSettings, plan: _Plan, report: Report) -> Iterator[tuple[int, float, LabelNetwork]]:
    """The number of each epoch from 0 on, its mean loss, and the mean of the weights so far; the learning rate falls over the plan."""
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    network = LabelNetwork(settings.network, grams, part.truth.shape[1])
    mean = RunningMean(network, settings.mean_steps)
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.rate, weight_decay=0.0, fused=True)
    titles = len(part.truth)
    steps = -(-titles // settings.titles_a_step)
    number = 0
    while number < plan.epochs:
        network.train()
        order = rng.permutation(titles)
        losses = []
        for done in range(steps):
            chosen = order[done * settings.titles_a_step : (done + 1) * settings.titles_a_step]
            loss = _loss(network(*part.batch(chosen)), torch.from_numpy(part.truth[chosen]), settings.smoothing)
            optimiser.param_groups[0]["lr"] = settings.rate * pace((number * steps + done) / (plan.epochs * steps))
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimiser.step()
            mean.take(network)
            losses.append(loss.item())
            report(f"epoch {number + 1}", number * steps + done + 1, plan.epochs * steps)
        yield number, sum(losses) / len(losses), mean.network
        number += 1


@torch.no_grad()
def scores_of(network: LabelNetwork, grams: Grams) -> Scores:
    """(titles, labels): the mean over the readers, as the net is served."""
    found = [
        network(torch.from_numpy(grams.numbers[start : start + 256]), torch.from_numpy(grams.weights[start : start + 256])).mean(0)
        for start in range(0, len(grams.numbers), 256)
    ]
    scores: Scores = torch.cat(found).numpy()
    return scores


def _part(titles: Sequence[LabelledTitle], reader: GramReader, labels: Sequence[str]) -> _Part:
    return _Part(reader.read([title.text for title in titles]), truth_of(titles, labels))


def truth_of(titles: Sequence[LabelledTitle], labels: Sequence[str]) -> NDArray[np.float32]:
    """(titles, labels) of 0 and 1; what is none of the labels is left out."""
    places = {label: place for place, label in enumerate(labels)}
    truth = np.zeros((len(titles), len(labels)), dtype=np.float32)
    for row, title in enumerate(titles):
        truth[row, [places[label] for label in title.labels if label in places]] = 1
    return truth


def _loss(scores: Tensor, truth: Tensor, smoothing: float) -> Tensor:
    """The sum over the readers, each of which learns by itself; the mean over titles."""
    readers, titles, labels = scores.shape
    flat = scores.reshape(readers * titles, labels)
    return readers * nn.functional.cross_entropy(flat, truth.expand_as(scores).reshape(flat.shape), label_smoothing=smoothing)


def _decided(scores: Scores, truth: NDArray[np.float32]) -> tuple[Sureness, dict[str, float]]:
    """How scores are to be read, and what that reaches on the titles that decided it."""
    known = truth.any(axis=1)
    right_one = truth.argmax(axis=1)
    sureness = fitted_sureness(scores[known], right_one[known])
    best, sure = sureness.likeliest(scores)
    right = (best == right_one) & known
    return sureness, {"accuracy": float(right.mean()), "ece": calibration_error(sure, right)}
