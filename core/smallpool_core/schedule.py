"""When a pool is open: windows of local time, as an operator wrote them.

In: a schedule and now. Out: whether it is open, and when it opens next; or every mistake in it. It is kept as it was written and read into
UTC here, so that it is shown as written, and follows its zone where the law of that zone changes.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct, field

from smallpool_core.errors import Problem
from smallpool_core.messages import problem
from smallpool_core.rules.values import shown


class Window(Struct, frozen=True, forbid_unknown_fields=True, rename={"opens": "from", "closes": "until"}):
    """From one local date-time, included, until another, excluded: `2026-11-11T00:00`."""

    opens: str
    closes: str


class Schedule(Struct, frozen=True, forbid_unknown_fields=True):
    """Windows in which a pool is open; without any it always is. `timezone` is the IANA name of where their clocks hang."""

    timezone: str = "Asia/Shanghai"
    windows: tuple[Window, ...] = field(default=())


MAX_WINDOWS: Final = 100
"""Most windows of one schedule."""


class Opening(Struct, frozen=True):
    """When a window opens: in UTC (ms), and as it was written."""

    at: int
    written: str


def is_open(schedule: Schedule, now: int) -> bool:
    """Whether a window holds `now` (ms), or there is none. Windows that cannot be read any more hold nothing."""
    return not schedule.windows or any(opens <= now < closes for opens, closes, _ in _spans(schedule))


def next_opening(schedule: Schedule, now: int) -> Opening | None:
    """The first window to open after `now` (ms); None where none is left to come."""
    coming = [Opening(opens, f"{written} ({schedule.timezone})") for opens, _, written in _spans(schedule) if opens > now]
    return min(coming, default=None, key=lambda opening: opening.at)


def check_schedule(schedule: Schedule) -> list[Problem]:
    """Every mistake of the schedule; none where it is sound."""
    zone = _zone(schedule.timezone)
    if zone is None:
        return [problem("schedule.timezone", shown(schedule.timezone), "pool.timezone")]
    if len(schedule.windows) > MAX_WINDOWS:
        return [problem("schedule.windows", shown(schedule.windows), "pool.windows", most=MAX_WINDOWS)]
    return [problem for place, window in enumerate(schedule.windows) for problem in _window_problems(window, zone, place)]


def _window_problems(window: Window, zone: ZoneInfo, place: int) -> Iterable[Problem]:
    path = f"schedule.windows[{place}]"
    ends = [(f"{path}.{name}", text, _instant(text, zone)) for name, text in (("from", window.opens), ("until", window.closes))]
    wrong = [problem(where, shown(text), "pool.window") for where, text, at in ends if at is None]
    (_, _, opens), (where, text, closes) = ends
    if opens is not None and closes is not None and closes <= opens:
        wrong.append(problem(where, shown(text), "pool.window_ends", opens=window.opens))
    return wrong


@lru_cache(maxsize=1_024)
def _spans(schedule: Schedule) -> tuple[tuple[int, int, str], ...]:
    """Of each window that can be read from and until which instant (ms) it holds, and its beginning as written."""
    zone = _zone(schedule.timezone)
    if zone is None:
        return ()
    return tuple(
        (opens, closes, window.opens)
        for window in schedule.windows
        if (opens := _instant(window.opens, zone)) is not None and (closes := _instant(window.closes, zone)) is not None
    )


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    # An empty name, one with a NUL and one that is a folder each raise something of their own.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _instant(text: str, zone: ZoneInfo) -> int | None:
    """The instant (ms) of a local time; None for what is none, such as one that a change to summer time leaves out."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return None
    if local.tzinfo is not None or "T" not in text:
        return None
    try:
        at = local.replace(tzinfo=zone).astimezone(UTC)
        is_there = at.astimezone(zone).replace(tzinfo=None) == local
    except OverflowError:
        return None
    return round(at.timestamp() * 1000) if is_there else None
