"""Rivals that need no training of their own: what is popular, and the mean of a history's vectors.

In: what was counted, or vectors of items. Out: scores of all items for a history.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from smallpool_models.evaluation.next_item import Places, Scores


class Popular:
    """The same for everybody: how often an item came in the sequences that are for training."""

    def __init__(self, sequences: Sequence[Places], items: int) -> None:
        self._counts = np.bincount(np.concatenate([*sequences, np.zeros(0, dtype=np.int32)]), minlength=items).astype(np.float32)

    def scores(self, histories: Sequence[Places]) -> Scores:
        """As `Scorer`."""
        return np.tile(self._counts, (len(histories), 1))


class MeanPooling:
    """One question a person: the mean of the vectors of their items, each weighing `fading` to the power of how many came after it."""

    def __init__(self, vectors: NDArray[np.float32], fading: float = 1.0) -> None:
        self._vectors, self._fading = vectors, fading
        self._unknown = ~vectors.any(axis=1)

    def scores(self, histories: Sequence[Places]) -> Scores:
        """As `Scorer`; an item without a vector, (n, d) row of zeros, is never recalled."""
        means = np.stack([self._fading ** np.arange(one.size - 1, -1, -1) @ self._vectors[one] for one in histories])
        scores: Scores = means.astype(np.float32) @ self._vectors.T
        scores[:, self._unknown] = -np.inf
        return scores
