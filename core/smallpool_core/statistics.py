"""What one user event does to the statistics of items (`StatDelta`)."""

from typing import Final

from msgspec import Struct

EXPOSURE: Final = "expose"
"""The type of the events that count as exposures, each 1 whatever its weight."""


class StatDelta(Struct, frozen=True):
    """One event's effect on the statistics: `weight` moves popularity, `type` its hourly counter, `terms` the prior."""

    item_id: str
    pool_id: str
    type: str
    weight: float
    at: int
    terms: tuple[str, ...]
