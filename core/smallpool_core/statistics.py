"""What one user event does to the statistics of items (`StatDelta`)."""

from msgspec import Struct


class StatDelta(Struct, frozen=True):
    """One event's effect on the statistics: `weight` moves popularity, `type` its hourly counter, `terms` the prior."""

    item_id: str
    pool_id: str
    type: str
    weight: float
    at: int
    terms: tuple[str, ...]
