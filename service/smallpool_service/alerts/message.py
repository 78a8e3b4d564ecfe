"""What the receiver of alerts is sent: one JSON document for all that was raised or cleared.

In: alerts with the names of their pools. Out: the bytes of a POST. `text` is there for chat programs, which show it as it is.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
from msgspec import Struct

from smallpool_core.alerts import Alert, AlertKind

MOST: Final = 200
"""Alerts in one message; more follow in the next one."""
MOST_LINES: Final = 20
RAISED: Final = {
    "empty": "holds no item on sale",
    "inflow_stopped": "gets no more listings",
    "page_fill_low": "fills only {figure:.0%} of its pages",
}
CLEARED: Final = {
    "empty": "holds items again",
    "inflow_stopped": "gets listings again",
    "page_fill_low": "fills its pages again",
}


class Told(Struct, frozen=True):
    """One alert; times in ms. The `alert_id` is the same for raised and cleared, and whenever one of them is sent again."""

    alert_id: str
    state: Literal["raised", "cleared"]
    pool_id: str
    pool_name: str
    kind: AlertKind
    figure: float
    raised_at: int | None
    cleared_at: int | None


class Message(Struct, frozen=True):
    """All that is told at once."""

    text: str
    alerts: list[Told]


def message(alerts: Sequence[tuple[Alert, str]]) -> bytes:
    """The document about these alerts, each with the name of its pool."""
    lines = [sentence(alert, name) for alert, name in alerts[:MOST_LINES]]
    if len(alerts) > MOST_LINES:
        lines.append(f"and {len(alerts) - MOST_LINES} more")
    return msgspec.json.encode(Message("\n".join(lines), [_told(alert, name) for alert, name in alerts]))


def sentence(alert: Alert, name: str) -> str:
    """The alert for people; times are UTC."""
    is_over = alert.cleared_at is not None
    at = datetime.fromtimestamp((alert.cleared_at or alert.raised_at or alert.since) / 1000, UTC)
    what = (CLEARED if is_over else RAISED)[alert.kind].format(figure=alert.figure)
    return f"{'cleared' if is_over else 'raised'} {at:%Y-%m-%d %H:%M} UTC: pool {name} ({alert.pool_id}) {what}"


def _told(alert: Alert, name: str) -> Told:
    return Told(
        alert_id=alert.alert_id,
        state="raised" if alert.cleared_at is None else "cleared",
        pool_id=alert.pool_id,
        pool_name=name,
        kind=alert.kind,
        figure=alert.figure,
        raised_at=alert.raised_at,
        cleared_at=alert.cleared_at,
    )
