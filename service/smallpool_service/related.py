"""Items beside one: what people look at who looked at it, or buy who bought it; where too few are on sale, what is like
it by its terms and its vector.

In: an item, sold or not. Out: items on sale now, each with the sources that gave it. Nothing is claimed, and nobody's history counts.
"""

from functools import partial
from typing import Final, Literal

from msgspec import Struct

from smallpool_core.errors import NotFound, StoreUnavailable
from smallpool_core.items import WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pages import Answer, Hit, Query
from smallpool_core.pools import HOME
from smallpool_core.relations import SITE, Counts
from smallpool_service.recaller import Recaller
from smallpool_service.request import RecallRequest
from smallpool_service.run import Run
from smallpool_service.similar import alike_to, for_anybody

X2I = "x2i"
DEEPER: Final = 20
"""So many items are looked up for each one asked for: most of what a list holds may have sold."""
MOST_LOOKED_UP: Final = 500
SPARE: Final = 2
"""So many rows for each item asked for, in case that some have just left."""
NOTHING: Final = Answer((), exhausted=True)


class RelatedItem(Struct, frozen=True):
    """One item: `score` is what the list says of it (see docs/relations.md), 0 for one that is merely alike."""

    item_id: str
    category: list[str]
    score: float
    sources: list[str]


class RelatedItems(Struct, frozen=True):
    """What goes with an item. `short` says that there is no more, null where something did not work; `degraded` names it."""

    item_id: str
    by: Counts
    pool_id: str
    items: list[RelatedItem]
    short: Literal["exhausted"] | None
    degraded: list[str]
    ages_ms: dict[str, int]


async def related_items(
    recaller: Recaller, item_id: str, by: Counts, pool_id: str | None, size: int, deadline_ms: int | None = None
) -> RelatedItems:
    """At most `size` items on sale, in the pool if one is named. Raises `NotFound` for an item or a pool that is not there, `PoolNotLive`
    and `PoolClosed` as a page does, `StoreUnavailable` where the item cannot be read in time.
    """
    ports, asked = recaller.ports, RecallRequest(pool_id=pool_id or HOME, size=size, dry_run=True, deadline_ms=deadline_ms, admitted=True)
    run = await recaller.begin(asked)
    item = await _item(recaller, run, item_id)
    query = Query(run.known.scope, frozenset({item_id}), cap=SPARE * size, limit=SPARE * size, now=run.started)
    weights = await _listed(recaller, run, item_id, by)
    wanted = sorted(weights, key=lambda other: (-weights[other], other.encode()))
    picked = await run.attempt(X2I, ports.reader.pick(query, wanted), NOTHING) if wanted else NOTHING
    found = await for_anybody(recaller, run, {X2I: picked.hits})
    lines = [_line(hit, weights[hit.item_id], [X2I]) for hit in found.by_source[X2I]]
    if len(lines) < size:
        alike = await alike_to(recaller, run, item, frozenset(wanted))
        lines += [_line(one.hit, 0.0, list(one.ranks)) for one in alike]
    await recaller.relation_age.tell(run)
    short: Literal["exhausted"] | None = "exhausted" if len(lines) < size and not run.degraded else None
    return RelatedItems(item_id, by, run.known.pool.pool_id, lines[:size], short, list(run.degraded), dict(run.ages_ms))


async def _item(recaller: Recaller, run: Run, item_id: str) -> WideItem:
    """The item; no other has anything beside it, so without it there is no answer to give."""
    found = await run.attempt("items", recaller.ports.reader.get([item_id]), None)
    if found is None:
        raise StoreUnavailable(f"could not read the item {item_id!r}: {run.degraded['items']}")
    if item_id not in found:
        raise NotFound("item", item_id)
    return found[item_id]


async def _listed(recaller: Recaller, run: Run, item_id: str, by: Counts) -> dict[str, float]:
    """What the lists of the pool, where it has its own, and of the site say, the larger of the two for an item of both."""
    related = partial(recaller.ports.relations.related, by, [item_id], min(MOST_LOOKED_UP, DEEPER * run.request.size))
    own = run.known.pool.settings.own_relations
    weights: dict[str, float] = {}
    for pool_id in (run.known.pool.pool_id, SITE) if own else (SITE,):
        for one in (await run.attempt(X2I, related(pool_id), {})).get(item_id, ()):
            weights[one.item_id] = max(one.weight, weights.get(one.item_id, 0.0))
    return weights


def _line(hit: Hit, score: float, sources: list[str]) -> RelatedItem:
    return RelatedItem(hit.item_id, hit.category.split(PATH_SEPARATOR), round(score, 6), sources)
