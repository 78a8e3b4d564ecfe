"""What a pool gave in the last hour, made of what was counted by the clock hour.

In: counts of a pool. Out: figures of the last sixty minutes: of the clock hour before, the share that these still reach into counts.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from smallpool_core.pool_hours import HOUR_MS, LISTED, Counted

Wanted = tuple[Counted, int]
Counts = Mapping[Wanted, int]
DAYS: Final = 7
PAGES: Final[tuple[Counted, ...]] = ("pages", "asked", "given", "recalled")


class LastHour(Struct, frozen=True):
    """A live pool as it is served. `size` counts its items on sale, None while its tag is on its way.

    Of the last hour: `pages` that were returned, `page_fill` the share of the items asked for that they held, `recalled` how many
    candidates were found for one of them in the pool and might have been served (both None without pages), `listed` the listings that
    came in.
    """

    size: int | None
    pages: int
    page_fill: float | None
    recalled: float | None
    listed: int


def wanted_of(now: int, inflow_hours: int) -> list[Wanted]:
    """What `figures_of` and `came_in` look at."""
    hour = now // HOUR_MS
    pages: list[Wanted] = [(counted, at) for counted in PAGES for at in (hour, hour - 1)]
    return [*pages, *((LISTED, hour - back) for back in range(inflow_hours + 1))]


def in_last_hour(counts: Counts, counted: Counted, now: int) -> float:
    """How much of a kind the last sixty minutes brought."""
    hour, left = now // HOUR_MS, 1 - now % HOUR_MS / HOUR_MS
    return counts.get((counted, hour), 0) + left * counts.get((counted, hour - 1), 0)


def figures_of(counts: Counts, now: int, size: int | None) -> LastHour:
    """The figures of one pool."""
    pages, asked = in_last_hour(counts, "pages", now), in_last_hour(counts, "asked", now)
    page_fill = round(in_last_hour(counts, "given", now) / asked, 3) if asked else None
    recalled = round(in_last_hour(counts, "recalled", now) / pages, 1) if pages else None
    return LastHour(size, round(pages), page_fill, recalled, round(in_last_hour(counts, LISTED, now)))


def came_in(counts: Counts, now: int, inflow_hours: int) -> int:
    """Listings of the last so many whole hours, and of the hour that has begun."""
    hour = now // HOUR_MS
    return sum(counts.get((LISTED, hour - back), 0) for back in range(inflow_hours + 1))


def wanted_of_days(now: int, inflow_hours: int) -> list[Wanted]:
    """What `usual` looks at."""
    hour = now // HOUR_MS
    return [(LISTED, hour - 24 * day - back) for day in range(1, DAYS + 1) for back in range(1, inflow_hours + 1)]


def usual(counts: Counts, now: int, inflow_hours: int) -> float:
    """How many listings the same hours brought on an average day: of the last seven, from the oldest on that brought any."""
    hour = now // HOUR_MS
    days = [sum(counts.get((LISTED, hour - 24 * day - back), 0) for back in range(1, inflow_hours + 1)) for day in range(1, DAYS + 1)]
    known = max((day for day, listed in enumerate(days, start=1) if listed), default=0)
    return sum(days) / known if known else 0.0
