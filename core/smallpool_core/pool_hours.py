"""What is counted of pools, hour by hour: pages with what they gave, by source too, and listings that came in."""

from functools import cache
from typing import Final, Literal, get_args

from msgspec import Struct

Counted = str
"""`pages`; `asked` and `given`, which count items of pages; `recalled`, the candidates that were found for them in the pool; `listed`, new
listings; and for each source what `of_source` names.
"""
SourceStep = Literal["asked", "returned", "in_pool", "filtered", "page"]
"""Candidates of a source: wanted of it, given by it, of these in the pool, left by all filters, on the page."""
SOURCE_STEPS: Final[tuple[SourceStep, ...]] = get_args(SourceStep)
HOUR_MS: Final = 3_600_000
LISTED: Final = "listed"
LISTINGS_KEPT_H: Final = 8 * 24
PAGES_KEPT_H: Final = 24
SOURCES_KEPT_H: Final = 2
"""Listings are compared with those of the same hours a week ago, pages with nothing older than two hours; of sources, of which there are
many, nothing else is kept.
"""


@cache
def of_source(step: SourceStep, source: str) -> Counted:
    """What is counted of one source; no other kind has a colon."""
    return f"{step}:{source}"


class HourCount(Struct, frozen=True):
    """So much of one kind in one hour of one pool."""

    pool_id: str
    hour: int
    counted: Counted
    amount: int
