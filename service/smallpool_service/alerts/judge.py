"""Judges pools: which alerts begin, go on and end. Pure; the time is a parameter.

In: for each live pool and kind what its figures say, and the alerts as they stood. Out: the alerts as they stand now. One bad minute
raises nothing and one good minute clears nothing, so nothing flaps.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.alerts import Alert, AlertKind
from smallpool_service.alerts.figures import LastHour
from smallpool_service.alerts.settings import AlertSettings

CLEARED_ABOVE: Final = 0.05


class Sign(Struct, frozen=True):
    """What the figures of a pool say: whether there is trouble, None where they do not tell; and by which figure."""

    is_bad: bool | None
    figure: float


Signs = Mapping[tuple[str, AlertKind], Sign]
UNKNOWN: Final = Sign(None, 0.0)
GONE: Final = Sign(is_bad=False, figure=0.0)


def sign_of_size(figures: LastHour) -> Sign:
    """`empty`: nothing is on sale in the pool."""
    return UNKNOWN if figures.size is None else Sign(figures.size == 0, figures.size)


def sign_of_page_fill(figures: LastHour, settings: AlertSettings) -> Sign:
    """`page_fill_low`: too few of the items asked for were given. It tells nothing between the two lines, nor of an empty pool, which is
    an alert by itself.
    """
    fill = figures.page_fill
    if figures.size == 0:
        return UNKNOWN
    if fill is None or figures.pages < settings.page_fill_pages:
        return GONE
    if settings.page_fill <= fill < min(1.0, settings.page_fill + CLEARED_ABOVE):
        return Sign(None, fill)
    return Sign(fill < settings.page_fill, fill)


def sign_of_inflow(listed: int, usually: float, settings: AlertSettings) -> Sign:
    """`inflow_stopped`: nothing came in, in hours that usually bring listings."""
    return Sign(is_bad=listed == 0 and usually >= settings.inflow_usual, figure=listed)


def judged(alerts: Iterable[Alert], signs: Signs, now: int, turns: int) -> list[Alert]:
    """The alerts after this minute, by pool and kind. A pool that has no sign any more is not live: what stood of it is over."""
    before = {(one.pool_id, one.kind): one for one in alerts}
    found: dict[tuple[str, AlertKind], Alert | None] = {
        key: _begun(key, sign, now, turns) for key, sign in signs.items() if sign.is_bad and key not in before
    }
    for key, alert in before.items():
        sign = signs.get(key)
        found[key] = _cleared(alert, now) if sign is None else _gone_on(alert, sign, now, turns)
    return [alert for _, alert in sorted(found.items()) if alert is not None]


def _begun(key: tuple[str, AlertKind], sign: Sign, now: int, turns: int) -> Alert:
    return _shown_again(Alert(*key, since=now, times=0, figure=sign.figure), sign, now, turns)


def _gone_on(alert: Alert, sign: Sign, now: int, turns: int) -> Alert | None:
    """The alert after one more sign; None where it is forgotten."""
    if sign.is_bad is None or alert.cleared_at is not None:
        return alert
    if alert.raised_at is None:
        return _shown_again(alert, sign, now, turns) if sign.is_bad else None
    if sign.is_bad:
        return replace(alert, times=0, figure=sign.figure)
    return _cleared(alert, now, sign.figure) if alert.times + 1 >= turns else replace(alert, times=alert.times + 1)


def _shown_again(alert: Alert, sign: Sign, now: int, turns: int) -> Alert:
    times = alert.times + 1
    if times < turns:
        return replace(alert, times=times, figure=sign.figure)
    return replace(alert, times=0, figure=sign.figure, raised_at=now)


def _cleared(alert: Alert, now: int, figure: float | None = None) -> Alert | None:
    """The alert at its end: one that nobody was told of yet is told of once, as over; one that was never raised is forgotten."""
    if alert.raised_at is None:
        return None
    if alert.cleared_at is not None:
        return alert
    return replace(alert, cleared_at=now, told=False, figure=alert.figure if figure is None else figure)


def untold(alerts: Iterable[Alert]) -> list[Alert]:
    """What there is to tell: raised or cleared, and not told yet."""
    return [one for one in alerts if one.raised_at is not None and not one.told]


def after_telling(alerts: Iterable[Alert], told: Iterable[Alert]) -> list[Alert]:
    """The alerts when these were told; what is over is then forgotten."""
    ids = {one.alert_id for one in told}
    marked = [replace(one, told=True) if one.raised_at is not None and one.alert_id in ids else one for one in alerts]
    return [one for one in marked if one.cleared_at is None or not one.told]
