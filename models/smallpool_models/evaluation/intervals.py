"""How sure a share is: the percentile bootstrap (Efron, 1979).

In: what was true of each case. Out: the bounds between which the share lies in 95 of 100 samples of as many cases.
"""

import random
from collections.abc import Sequence
from typing import Final

import numpy as np

RESAMPLES: Final = 1_000


def interval(cases: Sequence[bool], rng: random.Random) -> tuple[float, float]:
    """Bounds of the share of true ones, (0, 0) where there is no case. A sample of n cases holds a binomial number of true ones."""
    if not cases:
        return (0.0, 0.0)
    draws = np.random.Generator(np.random.PCG64(rng.getrandbits(64))).binomial(len(cases), sum(cases) / len(cases), RESAMPLES)
    low, high = np.quantile(draws / len(cases), (0.025, 0.975))
    return (round(float(low), 4), round(float(high), 4))
