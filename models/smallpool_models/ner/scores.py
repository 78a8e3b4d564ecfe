"""How well spans were found: exact-span precision, recall and F1, micro over all and by type, and their uncertainty.

In: spans that stand there and spans that were found, title by title. Out: `Score`s. A span counts where start, end and type
are all right.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.evaluation.intervals import middle
from smallpool_models.ner.titles import Place

Spans = Sequence[Sequence[Place]]
Interval = tuple[float, float]


class Score(Struct, frozen=True):
    """Precision, recall and F1 in [0, 1], and the number of spans that stand there."""

    precision: float
    recall: float
    f1: float
    spans: int


def score(there: Spans, found: Spans) -> Score:
    """Micro over all spans."""
    return _score(*map(int, counts(there, found).sum(axis=0)))


def score_by_type(there: Spans, found: Spans) -> dict[str, Score]:
    """A score for each type that stands there or was found, the most frequent first."""
    right: Counter[str] = Counter()
    standing: Counter[str] = Counter()
    claimed: Counter[str] = Counter()
    for one, other in zip(there, found, strict=True):
        right.update(kind for _, _, kind in set(one) & set(other))
        standing.update(kind for _, _, kind in one)
        claimed.update(kind for _, _, kind in other)
    kinds = sorted(standing.keys() | claimed.keys(), key=lambda kind: (-standing[kind], kind))
    return {kind: _score(right[kind], standing[kind], claimed[kind]) for kind in kinds}


def counts(there: Spans, found: Spans) -> NDArray[np.int64]:
    """(titles, 3): spans right, standing there and found."""
    rows = [(len(set(one) & set(other)), len(one), len(other)) for one, other in zip(there, found, strict=True)]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def f1(right: float, standing: float, found: float) -> float:
    """2 right / (standing + found), 0 where there is nothing."""
    return 2 * right / (standing + found) if standing + found else 0.0


def interval(counted: NDArray[np.int64], *, draws: int = 2_000, seed: int = 1) -> Interval:
    """The 95 % bootstrap interval of the F1, drawing titles."""
    return middle(_drawn(counted, draws, seed))


def difference(counted: NDArray[np.int64], other: NDArray[np.int64], *, draws: int = 2_000, seed: int = 1) -> Interval:
    """The 95 % paired bootstrap interval of F1 − the other's F1 on the same titles."""
    return middle(_drawn(counted, draws, seed) - _drawn(other, draws, seed))


def _drawn(counted: NDArray[np.int64], draws: int, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    sums = np.array([counted[rng.integers(0, len(counted), len(counted))].sum(axis=0) for _ in range(draws)])
    drawn: NDArray[np.float64] = 2 * sums[:, 0] / np.maximum(sums[:, 1] + sums[:, 2], 1)
    return drawn


def _score(right: float, standing: float, found: float) -> Score:
    return Score(right / found if found else 0.0, right / standing if standing else 0.0, f1(right, standing, found), int(standing))
