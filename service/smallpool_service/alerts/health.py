"""How pools do: what each gave in the last hour, by source too, as counted this moment, and the alerts that stand.

In: the store of figures, sizes, names of sources. Out: one `PoolHealth` a pool. Whoever asks waits for the store.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from smallpool_core.alerts import Alert, AlertKind
from smallpool_core.catalogue import KnownPool
from smallpool_core.pool_hours import HOUR_MS, LISTED, SOURCE_STEPS, of_source
from smallpool_core.pools import PoolState
from smallpool_core.ports import PoolFigures
from smallpool_service.alerts.figures import PAGES, Counts, Wanted, figures_of, in_last_hour
from smallpool_service.pipeline import REPEATS
from smallpool_service.recaller import Recaller
from smallpool_service.sources.pinned import Pinned
from smallpool_service.sources.x2i import X2iPool

AT_ONCE: Final = 200


class SourceHealth(Struct, frozen=True):
    """What a source gave for one page, means over the pages of the last hour: candidates wanted of it, given by it, of these in the pool
    (effective recall), left by the filters, on the page.
    """

    source: str
    asked: float
    returned: float
    in_pool: float
    filtered: float
    page: float


class PoolHealth(Struct, frozen=True, kw_only=True):
    """A pool as it is served: `size` items on sale, null while its tag is on its way; the rest of the last hour. `recalled` is effective
    recall, the candidates that were found in the pool for one page and might have been on it; `sources` has what each source gave.
    """

    pool_id: str
    name: str
    state: PoolState
    size: int | None
    pages: int
    page_fill: float | None
    recalled: float | None
    listed: int
    alerts: list[AlertKind]
    sources: list[SourceHealth]


def source_names(recaller: Recaller) -> tuple[str, ...]:
    """Every source that a page may have, in the order in which a page names them."""
    return Pinned.name, *(source.name for source in recaller.sources), X2iPool.name, REPEATS


def read_health(
    figures: PoolFigures, pools: Sequence[KnownPool], sizes: Mapping[str, int | None], sources: Sequence[str], now: int
) -> list[PoolHealth]:
    """In the order of the pools; raises `StoreError`."""
    ids, wanted = [known.pool.pool_id for known in pools], _wanted(sources, now)
    counts: dict[str, Counts] = {}
    for start in range(0, len(ids), AT_ONCE):
        counts |= figures.read(ids[start : start + AT_ONCE], wanted)
    alerts = _standing(figures.alerts() if ids else ())
    return [health_of(known, counts.get(known.pool.pool_id, {}), sizes, alerts, sources, now) for known in pools]


def health_of(
    known: KnownPool,
    counts: Counts,
    sizes: Mapping[str, int | None],
    alerts: Mapping[str, list[AlertKind]],
    sources: Sequence[str],
    now: int,
) -> PoolHealth:
    """One pool, of what was counted in it."""
    pool_id = known.pool.pool_id
    given = figures_of(counts, now, sizes.get(pool_id))
    return PoolHealth(
        pool_id=pool_id,
        name=known.pool.name,
        state=known.pool.state,
        size=given.size,
        pages=given.pages,
        page_fill=given.page_fill,
        recalled=given.recalled,
        listed=given.listed,
        alerts=alerts.get(pool_id, []),
        sources=_sources(counts, sources, now),
    )


def _wanted(sources: Sequence[str], now: int) -> list[Wanted]:
    hour = now // HOUR_MS
    kinds = (*PAGES, LISTED, *(of_source(step, source) for source in sources for step in SOURCE_STEPS))
    return [(kind, at) for kind in kinds for at in (hour, hour - 1)]


def _sources(counts: Counts, sources: Sequence[str], now: int) -> list[SourceHealth]:
    """Those that were asked at all."""
    pages = in_last_hour(counts, "pages", now)
    if not pages:
        return []
    means = {source: [in_last_hour(counts, of_source(step, source), now) / pages for step in SOURCE_STEPS] for source in sources}
    return [SourceHealth(source, *(round(mean, 1) for mean in steps)) for source, steps in means.items() if steps[0]]


def _standing(alerts: Iterable[Alert]) -> dict[str, list[AlertKind]]:
    found: dict[str, list[AlertKind]] = {}
    for one in alerts:
        if one.stands:
            found.setdefault(one.pool_id, []).append(one.kind)
    return found
