"""How sure a share is: the percentile bootstrap (Efron, 1979).

In: what was true of each case. Out: the bounds between which the share lies in 95 of 100 samples of as many cases.
"""

import random
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 1_000


def interval(cases: Sequence[bool], rng: random.Random) -> tuple[float, float]:
    """Bounds of the share of true ones, (0, 0) where there is no case. A sample of n cases holds a binomial number of true ones."""
    if not cases:
        return (0.0, 0.0)
    draws = np.random.Generator(np.random.PCG64(rng.getrandbits(64))).binomial(len(cases), sum(cases) / len(cases), RESAMPLES)
    low, high = middle(draws / len(cases))
    return (round(low, 4), round(high, 4))


def middle(draws: NDArray[np.float64]) -> tuple[float, float]:
    """The bounds of 95 of 100 draws."""
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)
