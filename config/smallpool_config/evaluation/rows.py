"""The rows of `smallpool evaluate recall`: the read path of the service with one source, with some, and with all of them.

In: an open system. Out: for a person and a pool a long list, and a page, each made by the pipeline itself as a dry run.

A row of one source orders by the rank that the source gave, so that it is the source's own order; rows of several are ordered as any pool
is. The long list is a page of 100 whose cap per category is as large, and says what is recalled; the page is what a caller gets by default:
10 items, at most 3 of a category.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smallpool_config.evaluation.tuning import Chosen, Recorded, applied, recorded
from smallpool_config.wiring import Embedded
from smallpool_core.catalogue import KnownPool
from smallpool_core.pools import DEFAULT_WEIGHTS, MAX_CAP, Ordering, PoolSettings
from smallpool_core.sources import DEFAULT_SHARES
from smallpool_core.users import Identity
from smallpool_models.evaluation.recall_figures import FAR
from smallpool_service.recaller import Recaller
from smallpool_service.request import RecallRequest
from smallpool_service.settings import ReadSettings

PAGE: Final = 10
LONG: Final = PoolSettings(max_per_category=MAX_CAP, own_relations=True)
SHORT: Final = PoolSettings(own_relations=True)
OWN_ORDER: Final = {"rank": 1.0}
PATIENT_MS: Final = 600_000
"""No request is late: what is measured is what is recalled, not how fast."""


class Row(Struct, frozen=True):
    """A row by name; `sources` by their names, None for all that a plain installation has; `beside` are shares of further ones. `chosen`
    are what weights of sources are chosen for this site, where these are not those of the settings.
    """

    name: str
    sources: tuple[str, ...] | None
    told: str
    beside: Mapping[str, float] = {}
    chosen: Chosen | None = None

    @property
    def is_single(self) -> bool:
        """Whether it has one source."""
        return self.sources is not None and len(self.sources) == 1

    @property
    def weights(self) -> dict[str, float]:
        """By what its candidates are ordered."""
        return OWN_ORDER if self.is_single else DEFAULT_WEIGHTS


EVERY: Final = Row("all", None, "every source, as served")
ROWS: Final = (
    Row("newest", ("newest",), "newest first, the search with a time window"),
    Row("popular", ("popular",), "what others act on in the pool"),
    Row("x2i_site", ("x2i",), "related items of the whole site, then those in the pool"),
    Row("x2i_pool", ("x2i_pool",), "related items among the pool's alone"),
    Row("terms", ("terms",), "trigger terms, inside the pool"),
    Row("terms_x2i", ("terms", "x2i"), "terms and related items"),
    EVERY,
)
OF_VECTORS: Final = (
    Row("vectors", ("vectors",), "nearest to the person's interests, by the trained model"),
    Row("all_vectors", None, "every source, those by vectors too", {"vectors": 0.25, "latent": 0.05}),
)
"""Of a model of vectors."""


def tuned(row: Row, chosen: Chosen) -> Row:
    """The same sources, by the weights that were chosen on other sessions of this site."""
    return replace(row, name=f"{row.name}_tuned", told=f"{row.told}, weighed for this site", chosen=chosen)


class RowPath:
    """The read path of one row."""

    def __init__(self, system: Embedded, row: Row) -> None:
        self.row = row
        self._recaller = system.recaller if row.chosen is None else _recaller_by(system, applied(system.settings.read, row.chosen))
        self._clock = system.clock
        self._shares = _shares(row)

    async def long_list(self, identity: Identity, known: KnownPool) -> Sequence[str]:
        """At most 100 ids, best first, without a cap per category."""
        return await self._ids(identity, known, FAR, LONG)

    async def page(self, identity: Identity, known: KnownPool) -> Sequence[str]:
        """At most 10 ids, as a pool has them by default."""
        return await self._ids(identity, known, PAGE, SHORT)

    async def recorded(self, identity: Identity, known: KnownPool, target: str) -> Recorded:
        """The candidates of the long list, to be ordered by other weights."""
        return await recorded(self._recaller, *self._asked(identity, known, FAR, LONG), target)

    async def _ids(self, identity: Identity, known: KnownPool, size: int, settings: PoolSettings) -> Sequence[str]:
        page = await self._recaller.rehearse(*self._asked(identity, known, size, settings))
        # What fills the page up of a pool without the sources that cover it was not recalled by the row.
        asked = self.row.sources
        return [item.item_id for item in page.items if asked is None or not set(asked).isdisjoint(item.sources)]

    def _asked(self, identity: Identity, known: KnownPool, size: int, settings: PoolSettings) -> tuple[RecallRequest, KnownPool]:
        """A dry run, and the pool as this row has it."""
        settings = replace(settings, sources=self._shares)
        pool = replace(known.pool, settings=settings, ordering=Ordering(weights=self.row.weights))
        request = RecallRequest(
            pool_id=pool.pool_id,
            identity=identity,
            size=size,
            request_id=identity.key,
            dry_run=True,
            deadline_ms=self._clock.now_ms() + PATIENT_MS,
        )
        return request, replace(known, pool=pool)


def _recaller_by(system: Embedded, settings: ReadSettings) -> Recaller:
    return Recaller(system.read_ports, settings=settings, behaviour=system.settings.behaviour)


def _shares(row: Row) -> dict[str, float]:
    """A row of one source asks it for all that is wanted; of several each has its usual share, and the others are off."""
    if row.sources is None:
        return dict(row.beside)
    share = 1.0 if row.is_single else None
    return {name: share or usual if name in row.sources else 0.0 for name, usual in DEFAULT_SHARES.items()}
