"""Items that come after one within a window, the strongest rival without training: what is blended in, and what vectors must beat.

In: sequences of items to count. Out: scores of all items for a history.

How X2I of recall counts (`core/relations.py`: a pair at distance d counts 1/d, within `RelationSettings.window`), forward alone and not
damped, over sequences instead of a log of events, and in memory: an evaluation has neither times nor a store.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_core.relations import RelationSettings
from smallpool_models.evaluation.next_item import Places, Scores

WINDOW: Final = RelationSettings().window
FADING: Final = 0.8
"""What the item before another in a history counts beside it."""


class CoVisits:
    """Counted pairs; score of j = Σ_t .8^(T − t) · Σ_pairs (i_t, j) 1/d. An item that never came after any of the history has 0."""

    def __init__(self, sequences: Sequence[Places], items: int, window: int = WINDOW, fading: float = FADING) -> None:
        pairs, worth = _pairs(sequences, items, window)
        self._items, self._fading = items, fading
        self._after = (pairs % items).astype(np.int32)
        self._worth = worth
        self._starts = np.searchsorted(pairs, np.arange(items + 1, dtype=np.int64) * items)

    def scores(self, histories: Sequence[Places]) -> Scores:
        """As `Scorer`."""
        return np.stack([self._row(history) for history in histories])

    def _row(self, history: Places) -> NDArray[np.float32]:
        if not history.size:
            return np.zeros(self._items, dtype=np.float32)
        spans = [slice(self._starts[item], self._starts[item + 1]) for item in history]
        fading = self._fading ** np.arange(history.size - 1, -1, -1)
        after = np.concatenate([self._after[span] for span in spans])
        worth = np.concatenate([self._worth[span] * weight for span, weight in zip(spans, fading, strict=True)])
        return np.bincount(after, worth, self._items).astype(np.float32)


def _pairs(sequences: Sequence[Places], items: int, window: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Every pair as `first * items + later`, rising, with what it counts; an item after itself is no pair."""
    every = np.concatenate([*sequences, np.zeros(0, dtype=np.int32)]).astype(np.int64)
    whose = np.repeat(np.arange(len(sequences)), [sequence.size for sequence in sequences])
    keys, counts = [], []
    for distance in range(1, window + 1):
        first, later = every[:-distance], every[distance:]
        together = (whose[:-distance] == whose[distance:]) & (first != later)
        keys.append((first * items + later)[together])
        counts.append(np.full(keys[-1].size, 1 / distance))
    pairs, place = np.unique(np.concatenate(keys), return_inverse=True)
    worth: NDArray[np.float64] = np.bincount(place, np.concatenate(counts), pairs.size).astype(np.float64)
    return pairs, worth
