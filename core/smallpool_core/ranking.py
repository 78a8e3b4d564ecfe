"""What a ranker reads of a candidate: named numbers in a fixed order; and the port of rankers.

In: nothing. Out: the names, the version of their order, the port. A change of names, order or meaning is another version, and models made
for the one before are refused.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

FEATURES_VERSION: Final = 2
MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "match": "score dimension: share of the person's heaviest triggers that it matches; 0 where nothing is known of the person",
        "vector": "score dimension: (1 + cosine) / 2 of vectors; 0 where the pool does not weigh it, and where nothing is known in vectors",
        "quality": "score dimension: quality of the listing",
        "freshness": "score dimension: freshness by half-life",
        "seller": "score dimension: the seller's score",
        "price_fit": "score dimension: how near its price is to what the person usually pays; 0.5 where that is not known",
        "popularity": "score dimension: popularity on the whole site",
        "static": "its static score, 0 to 1",
        "matched": "how many of the person's triggers it matches",
        "sources": "how many sources gave it",
        "best_rank": "1 / its best rank in any source",
        "price": "log10(1 + its price in cents), 0 where it has none",
        "age_h": "hours since its publication",
        "left_h": "hours until its end, 0 where it has none",
        "ends": "1 if it has an end",
        "auction": "1 if it is an auction",
    }
)
"""What each feature means. All are finite."""
FEATURES: Final = tuple(MEANINGS)
"""Their names in the order in which a ranker reads them."""


class Ranker(Protocol):
    """Scores candidates by their features. Callers fail open: they go on with the weighted score, and `degraded` says so."""

    async def rank(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        """One score a row of `FEATURES`, in [0, 1], by which higher comes first; computing leaves the event loop free."""
        ...
