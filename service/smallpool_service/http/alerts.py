"""Alerts over HTTP: what is wrong with pools now.

In: filters. Out: the alerts that stand, those raised last first.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from msgspec import Struct

from smallpool_core.access import ApiKey
from smallpool_core.alerts import Alert, AlertKind
from smallpool_service.http.auth import Needs, may_see
from smallpool_service.http.bodies import Identifier
from smallpool_service.http.parts import Parts
from smallpool_service.http.replies import documented, reply

READS = Needs("viewer")
EXAMPLE: Final[dict[str, Any]] = {
    "alerts": [
        {
            "alert_id": "page_fill_low.1750000060000.digital-bargains",
            "pool_id": "digital-bargains",
            "kind": "page_fill_low",
            "since": 1750000000000,
            "raised_at": 1750000060000,
            "figure": 0.41,
        }
    ],
    "looked_at": 1750000120000,
}

router = APIRouter(tags=["pools"])


class AlertView(Struct, frozen=True, kw_only=True):
    """One alert; times in epoch ms. `figure` is what it was judged by: items on sale, listings, or the share of a page that was filled."""

    alert_id: str
    pool_id: str
    kind: AlertKind
    since: int
    raised_at: int | None
    figure: float

    @classmethod
    def of(cls, alert: Alert) -> "AlertView":
        """The alert as it is shown."""
        return cls(
            alert_id=alert.alert_id,
            pool_id=alert.pool_id,
            kind=alert.kind,
            since=alert.since,
            raised_at=alert.raised_at,
            figure=alert.figure,
        )


class AlertList(Struct, frozen=True):
    """The alerts that stood when this process looked last, at `looked_at`; null before it has."""

    alerts: list[AlertView]
    looked_at: int | None


@router.get(
    "/v1/alerts",
    **documented(name="listAlerts", summary="Alerts of pools that stand", reply=AlertList, example=EXAMPLE, needs=READS),
)
async def list_alerts(
    parts: Parts,
    key: Annotated[ApiKey, Depends(READS)],
    pool_id: Annotated[Identifier | None, Query(description="Only alerts of this pool.")] = None,
    kind: Annotated[AlertKind | None, Query(description="Only alerts of this kind.")] = None,
) -> Response:
    """Those of pools that the key may see, raised last first. Pools are looked at about once a minute; nothing is asked for this."""
    standing = [
        AlertView.of(one)
        for one in parts.board.standing()
        if may_see(key, one.pool_id) and pool_id in (None, one.pool_id) and kind in (None, one.kind)
    ]
    return reply(AlertList(standing, parts.board.looked_at))
