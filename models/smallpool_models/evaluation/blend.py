"""Two scorers as one: how much the second counts is chosen on questions of validation, and the test is asked once, with what was chosen.

In: two scorers, questions of validation. Out: a weight, and a scorer that has it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.evaluation.next_item import BATCH, Places, Questions, Scorer, Scores, ranks
from smallpool_models.evaluation.rank_figures import gains

WEIGHTS: Final = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
"""What the second may count beside the first; with 0 the first stays alone."""


class Tried(Struct, frozen=True):
    """A weight and the figure that it reached on validation."""

    weight: float
    figure: float


class Blended:
    """first + weight · second, each brought to a mean of 0 and a deviation of 1 over the items that it would recall."""

    def __init__(self, first: Scorer, second: Scorer, weight: float) -> None:
        self._first, self._second, self._weight = first, second, weight

    def scores(self, histories: Sequence[Places]) -> Scores:
        """As `Scorer`: what neither would recall is not recalled; what one would not, has the least of what that one says."""
        return summed(self._first.scores(histories), self._second.scores(histories), self._weight)


def tuned(first: Scorer, second: Scorer, asked: Questions, figure: str, seed: int, weights: Sequence[float] = WEIGHTS) -> list[Tried]:
    """Every weight with its figure on these questions, in the order of the weights; each history is scored once."""
    found: list[list[NDArray[np.int64]]] = [[] for _ in weights]
    for begin in range(0, len(asked), BATCH):
        part = Questions(asked.histories[begin : begin + BATCH], asked.targets[begin : begin + BATCH])
        told, more = first.scores(part.histories), second.scores(part.histories)
        for place, weight in enumerate(weights):
            found[place].append(ranks(_Told(summed(told, more, weight)), part, seed))
    return [Tried(weight, round(float(gains(figure, np.concatenate(some)).mean()), 5)) for weight, some in zip(weights, found, strict=True)]


def best(tried: Sequence[Tried]) -> Tried:
    """The best figure; of equal ones the smallest weight."""
    return max(tried, key=lambda one: (one.figure, -one.weight))


class _Told:
    """Scores that are there already, of one batch."""

    def __init__(self, scores: Scores) -> None:
        self._scores = scores

    def scores(self, histories: Sequence[Places]) -> Scores:
        return self._scores


def summed(first: Scores, second: Scores, weight: float) -> Scores:
    """As `Blended`; the inputs stay as they are."""
    nowhere = np.isneginf(first) & (np.isneginf(second) if weight else True)
    total: Scores = _standard(first) + np.float32(weight) * _standard(second)
    total[nowhere] = -np.inf
    return total


def _standard(scores: Scores) -> Scores:
    """Of each row mean 0 and deviation 1; −∞ becomes the row's least."""
    told = np.isfinite(scores)
    least = np.where(told, scores, np.inf).min(axis=1, keepdims=True)
    filled = np.where(told, scores, np.where(np.isfinite(least), least, 0))
    spread = filled.std(axis=1, keepdims=True)
    standard: Scores = ((filled - filled.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)).astype(np.float32)
    return standard
