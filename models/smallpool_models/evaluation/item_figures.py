"""What vectors of items are worth by themselves: who their neighbours are, and how far kinds lie apart.

In: vectors, categories, and which item was touched right after which. Out: figures in [0, 1], likenesses in [-1, 1].
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.evaluation.interest_scorer import Array
from smallpool_models.evaluation.latent_targets import Categories
from smallpool_models.evaluation.next_item import Places, Scores

NEIGHBOURS: Final = 10


class ItemFigures(Struct, frozen=True):
    """`known` is the share of items that have a vector. `same_category`: of an item's ten neighbours the share of its own category.
    `within` and `between`: the mean cosine of two items of one category, and of two categories. Both of items drawn at random.
    """

    known: float
    same_category: float
    within: float
    between: float


class Neighbours:
    """Scores by the cosine to the last item of a history alone: what an item's page would show beside it. Vectors may have any length."""

    def __init__(self, vectors: Array) -> None:
        self._vectors = scaled(vectors)
        self._unknown: NDArray[np.bool_] = ~np.asarray(vectors.any(axis=1))

    def scores(self, histories: Sequence[Places]) -> Scores:
        """As `Scorer`; nothing is near an item without a vector."""
        last = np.array([history[-1] for history in histories])
        scores: Scores = self._vectors[last] @ self._vectors.T
        scores[:, self._unknown] = -np.inf
        scores[self._unknown[last]] = -np.inf
        return scores


def item_figures(vectors: Array, categories: Categories, most: int, seed: int) -> ItemFigures:
    """Of `most` items that have a vector and a category, drawn by the seed; their neighbours are sought among all items."""
    known: NDArray[np.bool_] = np.asarray(vectors.any(axis=1))
    units = scaled(vectors)
    there = np.flatnonzero(known & (categories >= 0))
    drawn = np.random.default_rng(seed).permutation(there)[:most]
    likeness = units[drawn] @ units.T
    likeness[:, ~known] = -np.inf
    likeness[np.arange(len(drawn)), drawn] = -np.inf
    count = min(NEIGHBOURS, int(known.sum()) - 1)
    nearest = np.argpartition(-likeness, count - 1, axis=1)[:, :count] if count > 0 else np.zeros((len(drawn), 0), dtype=np.int64)
    one, other = np.triu_indices(len(drawn), 1)
    cosines, together = (units[drawn] @ units[drawn].T)[one, other], categories[drawn][one] == categories[drawn][other]
    return ItemFigures(
        known=_mean(known),
        same_category=_mean(categories[nearest] == categories[drawn][:, None]),
        within=_mean(cosines[together]),
        between=_mean(cosines[~together]),
    )


def scaled(vectors: Array) -> Array:
    """Rows of unit length; zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: Array = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return units


def _mean(values: NDArray[np.bool_] | Array) -> float:
    return round(float(np.mean(values)), 4) if values.size else 0.0
