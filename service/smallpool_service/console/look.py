"""How values look to operators: prices in yuan, times of China, shares, numbers with their thousands apart.

In: values. Out: short texts; the templates use them as filters.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from urllib.parse import quote

import msgspec

from smallpool_core.items import THOUSAND
from smallpool_core.normalise import PATH_SEPARATOR

CHINA: Final = timezone(timedelta(hours=8))
"""China has had no summer time since 1991, so this needs no table of time zones."""
NOTHING: Final = "–"
_LAST_MS: Final = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp() * 1000)


def yuan(cents: int | None) -> str:
    """A price as buyers read it."""
    if cents is None:
        return NOTHING
    return f"¥{cents // 100:,}" if cents % 100 == 0 else f"¥{cents // 100:,}.{cents % 100:02}"


def yuan_input(cents: object) -> str:
    """A price as an operator types it."""
    if type(cents) is not int:
        return str(cents)
    sign, rest = ("-" if cents < 0 else ""), abs(cents)
    return f"{sign}{rest // 100}" if rest % 100 == 0 else f"{sign}{rest // 100}.{rest % 100:02}"


def when(at: int | None) -> str:
    """An instant (ms) by the clocks of China, to the minute."""
    return NOTHING if at is None else _moment(at).strftime("%Y-%m-%d %H:%M")


def clock_input(at: object) -> str:
    """An instant (ms) as an input of date and time takes it; what that cannot show stays as it is, and is refused when saved."""
    if type(at) is not int or not 0 <= at < _LAST_MS:
        return str(at)
    return _moment(at).isoformat(timespec="milliseconds" if at % 1000 else "seconds").removesuffix("+08:00")


def number(value: float) -> str:
    """A number with its thousands apart."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """A share of one; less than a thousandth of it, and not nothing, says so."""
    if not share:
        return "0%"
    if 0 < share < 0.001:
        return "< 0.1%"
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"


def score(thousandths: int | None) -> str:
    """A score in [0, 1] that is stored in thousandths."""
    return NOTHING if thousandths is None else f"{thousandths / THOUSAND:.2f}"


def path(category: str) -> str:
    """A category key as people read it."""
    return category.replace(PATH_SEPARATOR, f" {PATH_SEPARATOR} ")


def in_address(text: str) -> str:
    """A text as one segment of an address."""
    return quote(text, safe="")


def written(value: object) -> str:
    """A value of a rule or a setting in one line."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(min(max(at, 0), _LAST_MS) / 1000, CHINA)
