"""When an operator is told of a pool, and where."""

from typing import Annotated

from msgspec import Meta, Struct

MAX_INFLOW_HOURS = 23


class AlertSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Alerts of pools: `empty` (nothing on sale), `inflow_stopped` (no listings in hours that usually bring some) and `page_fill_low`
    (pages hold too little of what was asked for). docs/alerts.md tells how they are judged.

    webhook_url: `http://` or `https://` address to which raised and cleared alerts are posted as JSON; empty for none.
    timeout_ms: how long one call of it may take in all.
    every_s: how often pools are judged.
    turns: so often in a row must trouble show before an alert is raised, and all be well before it is cleared.
    page_fill: share of the items asked for in the last hour below which an alert is raised; it is cleared .05 above.
    page_fill_pages: with fewer pages in that hour nothing is said of them.
    inflow_hours: so many whole hours without a listing, and the one that has begun, are a stop.
    inflow_usual: so many listings must those hours have brought on an average day of the last seven.
    """

    webhook_url: str = ""
    timeout_ms: Annotated[int, Meta(ge=1, le=60_000)] = 2_000
    every_s: Annotated[int, Meta(ge=1, le=3_600)] = 60
    turns: Annotated[int, Meta(ge=1, le=60)] = 2
    page_fill: Annotated[float, Meta(ge=0, le=1)] = 0.5
    page_fill_pages: Annotated[int, Meta(ge=1)] = 20
    inflow_hours: Annotated[int, Meta(ge=1, le=MAX_INFLOW_HOURS)] = 3
    inflow_usual: Annotated[float, Meta(gt=0)] = 5.0
