"""What each source may ask for and how long it may take; and which are left out of a page whose time is short.

In: settings, those of the pool, the sources. Out: a `Quota` a source; the sources that are asked.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from smallpool_core.pools import PoolSettings
from smallpool_core.sources import SHED_ORDER
from smallpool_service.settings import ReadSettings
from smallpool_service.sources.newest import Newest
from smallpool_service.sources.popular import Popular
from smallpool_service.sources.source import Source


class Quota(Struct, frozen=True):
    """`share` of the candidates that a page wants, and `time_share` of the time that the sources have."""

    share: float
    time_share: float


WHOLE = Quota(1.0, 1.0)
"""The quota of a source that neither settings nor defaults name."""


COVERING: Final = (Newest.name, Popular.name)
"""The sources that bring whatever a pool holds, when they are asked deep enough."""


def quotas_of(settings: ReadSettings, pool: PoolSettings) -> dict[str, Quota]:
    """The quota of each source by name: the pool's share of it where it has one, else that of the settings."""
    shares, times = settings.shares | pool.sources, settings.times
    return {name: Quota(share, times[name]) for name, share in shares.items()}


def switched_on(sources: Sequence[Source], quotas: Mapping[str, Quota]) -> list[Source]:
    """The sources that may bring anything."""
    return [source for source in sources if quotas.get(source.name, WHOLE).share > 0]


def covers_nothing(quotas: Mapping[str, Quota]) -> bool:
    """Whether both sources that bring whatever a pool holds are switched off."""
    return all(quotas.get(name, WHOLE).share == 0 for name in COVERING)


def shed(sources: Sequence[Source], left_ms: int, unhurried_ms: int) -> list[Source]:
    """Those of the sources that a page goes without, with `left_ms` for all of them.

    From `unhurried_ms` on none; each further step of a quarter of it takes the next of `SHED_ORDER`. Time is short where the caller
    gives little, and where it went by before the sources' turn: in the line before the page, or in a loop with too much to do.
    """
    step = unhurried_ms / len(SHED_ORDER)
    gone = {name for place, names in enumerate(SHED_ORDER) if left_ms < unhurried_ms - place * step for name in names}
    if Newest.name not in {source.name for source in sources}:  # one that covers the pool is left in any case
        gone -= {Popular.name}
    return [source for source in sources if source.name in gone]
