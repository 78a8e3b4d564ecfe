"""How well titles are found by a tag: recall@20, with paired bootstrap intervals over tags.

In: scores (queries, titles) and which titles hold each tag. Out: figures by query and their means.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.evaluation.intervals import middle

PLACES: Final = 20
_DRAWS: Final = 2_000


class Found(Struct, frozen=True):
    """Of each query the share of its titles that came among the first 20 (`recall`), and of as many of them as 20 places hold
    (`of_possible`); both (queries,).
    """

    recall: NDArray[np.float64]
    of_possible: NDArray[np.float64]


def found_by(scores: NDArray[np.floating], relevant: Sequence[frozenset[int]]) -> Found:
    """Titles of equal score come in their own order; every query has at least one relevant title."""
    first = np.argsort(-scores, axis=1, kind="stable")[:, :PLACES]
    hits = np.array([sum(int(place) in held for place in row) for row, held in zip(first, relevant, strict=True)], dtype=np.float64)
    there = np.array([len(held) for held in relevant], dtype=np.float64)
    return Found(hits / np.maximum(there, 1), hits / np.clip(there, 1, PLACES))


def mean_interval(values: NDArray[np.float64], seed: int = 1) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean, drawing queries; of differences of two rows it is the paired one."""
    rng = np.random.default_rng(seed)
    drawn = values[rng.integers(0, len(values), (_DRAWS, len(values)))].mean(axis=1)
    low, high = middle(drawn)
    return round(low, 4), round(high, 4)


def z_scored(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each query's scores with mean 0 and deviation 1, so that those of two ways may be added."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    scaled: NDArray[np.float64] = centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-9)
    return scaled
