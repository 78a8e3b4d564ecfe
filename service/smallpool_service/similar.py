"""Items like one item, by the terms that it has: inside a pool or on the whole site, for an item that is sold too.

In: an item, a pool, a size. Out: what may be served of it now, most alike first; nothing is claimed, and nobody in particular asks, so
neither seen lists nor the cap per category hold.
"""

from collections.abc import Mapping, Sequence

from msgspec import UNSET, Struct

from smallpool_core.behaviour import term_shares
from smallpool_core.errors import NotFound
from smallpool_core.items import WideItem
from smallpool_core.pages import Hit, Query, Short
from smallpool_core.terms import Trigger, integer_weights
from smallpool_service.bans import banned_meanwhile
from smallpool_service.candidates import Lists, Recalled
from smallpool_service.filter import Screen, filter_hits
from smallpool_service.page import Explained, PageItem, path_of
from smallpool_service.recaller import Recaller
from smallpool_service.request import RecallRequest
from smallpool_service.run import Run

SOURCE = "terms"
ASKED_AT_LEAST = 40
"""So many rows, or four times the size, are asked for: some may be gone by now."""
PER_ITEM = 4


class SimilarItems(Struct, frozen=True, kw_only=True):
    """Items like `item_id`. The score is the share of the item's own weight that the other has too: 1 has all of its terms.

    `short` is `exhausted` where fewer than asked for have anything in common with it; `degraded` names what did not work.
    """

    item_id: str
    pool_id: str
    items: list[PageItem]
    short: Short | None
    degraded: list[str]


async def similar(recaller: Recaller, item_id: str, request: RecallRequest) -> SimilarItems:
    """Raises what `Recaller.recall` raises of pools and limits, and `NotFound` for an item that was never indexed."""
    run = await recaller.begin(request)
    found = await run.attempt("items", recaller.ports.reader.get([item_id]), None)
    if found is not None and item_id not in found:
        raise NotFound("item", item_id)
    weights = weights_of(found[item_id], recaller) if found else {}
    hits = await _alike(recaller, run, item_id, weights) if weights else ()
    items = [_line(rank, hit, weights, explain=request.explain) for rank, hit in enumerate(hits[: request.size], start=1)]
    short: Short | None = "exhausted" if len(items) < request.size and not run.degraded else None
    return SimilarItems(item_id=item_id, pool_id=request.pool_id, items=items, short=short, degraded=list(run.degraded))


def weights_of(item: WideItem, recaller: Recaller) -> dict[str, int]:
    """The item's terms by what one touch of it would add to a person's triggers (1 … 1024)."""
    shares = term_shares(item.terms, recaller.behaviour)
    return integer_weights([Trigger(name, share, 0) for name, share in shares.items()])


async def _alike(recaller: Recaller, run: Run, item_id: str, weights: Mapping[str, int]) -> Sequence[Hit]:
    """Exact term recall without a cap, of what the live view lets through."""
    ports, limit = recaller.ports, max(ASKED_AT_LEAST, PER_ITEM * run.request.size)
    query = Query(run.known.scope, frozenset([item_id]), cap=limit, limit=limit, now=run.started)
    answer = await run.attempt("wide_index", ports.reader.recall(query, weights), None)
    if answer is None:
        return ()
    kept = await for_anybody(recaller, run, SOURCE, answer.hits)
    run.note(Recalled({SOURCE: answer}), kept.dropped, ())
    return kept.by_source[SOURCE]


async def for_anybody(recaller: Recaller, run: Run, source: str, hits: Sequence[Hit]) -> Lists:
    """What of the hits may be served now, whoever asks."""
    ports, lists, now = recaller.ports, Lists({source: hits}), run.now()
    banned = await banned_meanwhile(lists.item_ids, run, ports)
    closing = now + recaller.settings_of(run).least_left_s * 1000
    screen = Screen(run.known.scope, frozenset(), frozenset(), None, now, banned=banned, closing=closing)
    return filter_hits(lists, screen, ports.live)


def _line(rank: int, hit: Hit, weights: Mapping[str, int], *, explain: bool) -> PageItem:
    matched = {term: weights[term] for term in hit.terms}
    alike = round(sum(matched.values()) / sum(weights.values()), 6)
    why = Explained({SOURCE: rank}, matched, {"match": alike}) if explain else UNSET
    return PageItem(item_id=hit.item_id, category=path_of(hit.category), score=alike, sources=[SOURCE], explain=why)
