"""What is counted of pools, hour by hour: pages with what they gave, and listings that came in."""

from typing import Final, Literal

from msgspec import Struct

Counted = Literal["pages", "asked", "given", "recalled", "listed"]
"""`asked` and `given` count items of pages, `recalled` the candidates that were found for them in the pool, `listed` new listings."""
HOUR_MS: Final = 3_600_000
LISTED: Final = "listed"
LISTINGS_KEPT_H: Final = 8 * 24
PAGES_KEPT_H: Final = 24
"""Listings are compared with those of the same hours a week ago, pages with nothing older than two hours."""


class HourCount(Struct, frozen=True):
    """So much of one kind in one hour of one pool."""

    pool_id: str
    hour: int
    counted: Counted
    amount: int
