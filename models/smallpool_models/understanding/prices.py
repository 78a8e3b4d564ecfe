"""What things of a category cost: a log-normal distribution for every category and for every start of a path, and tenths learned of prices.

In: a category path and a price. Out: the price's distance from the median, and its band from 0 to 9.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from statistics import NormalDist, fmean, pvariance

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.understanding.knowledge import Category

BANDS = 10
_CUTS = [NormalDist().inv_cdf(rank / BANDS) for rank in range(1, BANDS)]


class Prices:
    """Mean and standard deviation of ln(price in cents) by category.

    A path that is not declared takes the distribution of the longest start of it that is, pooled over all
    categories below; a path that is wholly unknown that of all categories. `tenths` are the nine prices in cents between the
    ten bands of a category or a start of a path, where they were learned; elsewhere the distribution says where they lie.
    """

    def __init__(self, categories: Mapping[str, Category], tenths: Mapping[str, Sequence[int]]) -> None:
        self._tenths = tenths
        grouped: dict[str, list[Category]] = {"": list(categories.values())}
        for key, category in categories.items():
            for prefix in accumulate(key.split(PATH_SEPARATOR), lambda head, tail: f"{head}{PATH_SEPARATOR}{tail}"):
                grouped.setdefault(prefix, []).append(category)
        self._by_prefix = {prefix: _pooled(below) for prefix, below in grouped.items()}

    def deviations(self, price_cents: int, path: Sequence[str]) -> float:
        """Distance of ln(price) from the category's mean, in its standard deviations; a price of 0 counts as one cent."""
        mean, spread = self._distribution(path)
        return (math.log(max(1, price_cents)) - mean) / spread

    def cents(self, deviations: float, path: Sequence[str]) -> int:
        """The price that lies so far from the category's mean: what `deviations` would say of it."""
        mean, spread = self._distribution(path)
        return round(math.exp(mean + spread * deviations))

    def band(self, price_cents: int | None, path: Sequence[str]) -> int | None:
        """The tenth of the category's prices in which this one lies, 0 the cheapest and 9 the dearest; None without a price."""
        if price_cents is None:
            return None
        for depth in range(len(path), 0, -1):
            learned = self._tenths.get(PATH_SEPARATOR.join(path[:depth]))
            if learned is not None:
                return bisect_right(learned, price_cents)
        return bisect_right(_CUTS, self.deviations(price_cents, path))

    def _distribution(self, path: Sequence[str]) -> tuple[float, float]:
        for depth in range(len(path), 0, -1):
            known = self._by_prefix.get(PATH_SEPARATOR.join(path[:depth]))
            if known is not None:
                return known
        return self._by_prefix[""]


def _pooled(categories: Sequence[Category]) -> tuple[float, float]:
    means = [math.log(category.median_cents) for category in categories] or [math.log(10_000)]
    variances = [category.spread**2 for category in categories] or [1.0]
    return fmean(means), math.sqrt(fmean(variances) + pvariance(means))
