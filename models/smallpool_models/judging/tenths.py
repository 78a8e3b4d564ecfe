"""Learns at which prices the bands of a category part: tenths of the prices that listings have there.

In: categories and prices of listings. Out: for each category, and each start of a path, with enough listings, nine rising prices in cents.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np
from msgspec import Struct

from smallpool_core.normalise import PATH_SEPARATOR

LEAST_LISTINGS: Final = 100
"""Of fewer prices the outer tenths would be those of single listings."""
_SHARES: Final = tuple(tenth / 10 for tenth in range(1, 10))


class Tenths(Struct, frozen=True):
    """The prices of one category: of how many listings, and the cents between its bands."""

    listings: int
    cents: tuple[int, ...]


def learn_tenths(prices: Iterable[tuple[str, int]], least: int = LEAST_LISTINGS) -> dict[str, Tenths]:
    """By category key, sorted; a listing counts for every start of its path."""
    by_category: defaultdict[str, list[int]] = defaultdict(list)
    for category, cents in prices:
        path = category.split(PATH_SEPARATOR)
        for length in range(1, len(path) + 1):
            by_category[PATH_SEPARATOR.join(path[:length])].append(cents)
    return {
        category: Tenths(len(some), tuple(int(cut) for cut in np.quantile(some, _SHARES, method="inverted_cdf")))
        for category, some in sorted(by_category.items())
        if len(some) >= least
    }
