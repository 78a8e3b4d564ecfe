"""What one user event does to the statistics of items (`StatDelta`), and how people responded to items (`Responses`)."""

from collections.abc import Mapping
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


class Responses(Struct, frozen=True):
    """Decayed weights of what people did with items, and decayed exposures of them, each by item where there are any; and what both add up
    to over all items that were ever in the pool.
    """

    weights: Mapping[str, float] = {}
    exposures: Mapping[str, float] = {}
    weight_of_all: float = 0.0
    exposures_of_all: float = 0.0
