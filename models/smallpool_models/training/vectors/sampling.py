"""What is drawn: frequent items are dropped, others are drawn to be told apart from, and the scores are corrected for how often they come.

In: how often each item was touched. Out: chances of dropping, draws, and logarithms of expected counts (logQ).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from smallpool_models.vectors.ragged import Numbers, Ragged

DRAWN_POWER: Final = 0.75
Chances = NDArray[np.float64]


def counts_of(rows: Ragged, items: int) -> Numbers:
    """(items + 1,) how often each number comes; of 0, which is no item, never."""
    counts = np.bincount(rows.values, minlength=items + 1).astype(np.int64)
    counts[0] = 0
    return counts


def dropping(counts: Numbers, relative: float) -> Chances:
    """The chance that one touch of an item is left out of skip-gram, 1 − sqrt(t/f) clipped to [0, 1], f being its share of all touches.

    The seed's t of 1e-7 fits some 1e9 touches of a large marketplace; here t is `relative` times the mean share of an item.
    """
    shares = counts / max(counts.sum(), 1)
    mean = shares[counts > 0].mean() if (counts > 0).any() else 1.0
    with np.errstate(divide="ignore"):
        chances: Chances = np.clip(1 - np.sqrt(relative * mean / np.where(shares > 0, shares, np.inf)), 0, 1) * (counts > 0)
    return chances


class Drawn:
    """Draws items by f^0.75 among those that were touched."""

    def __init__(self, counts: Numbers) -> None:
        weights = np.where(counts > 0, counts.astype(np.float64) ** DRAWN_POWER, 0)
        self.shares = weights / weights.sum()
        self.touched = counts / max(counts.sum(), 1)
        self._upto = np.cumsum(self.shares)

    def draw(self, count: int, rng: np.random.Generator) -> Numbers:
        """So many numbers; one may come several times."""
        found: Numbers = np.searchsorted(self._upto, rng.random(count) * self._upto[-1], side="right").astype(np.int64)
        return np.minimum(found, len(self._upto) - 1)

    def expected(self, items: Numbers, drawn: int, targets: int) -> NDArray[np.float32]:
        """logQ: of each of these items the logarithm of the chance to be among `drawn` draws and `targets` items of the step."""
        mean = drawn * self.shares[items] + targets * self.touched[items]
        chances: NDArray[np.float64] = -np.expm1(-np.maximum(mean, 1e-12))
        return np.log(chances).astype(np.float32)
