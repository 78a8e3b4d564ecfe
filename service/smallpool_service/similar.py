"""Items like one item, by the terms that it has and, where it has one, by its vector: inside a pool or on the whole site, for an item that
is sold too.

In: an item, a pool, a size. Out: what may be served of it now, most alike first; nothing is claimed, and nobody in particular asks, so
neither seen lists nor the cap per category hold.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from msgspec import UNSET, Struct

from smallpool_core.behaviour import term_shares
from smallpool_core.errors import NotFound, VectorRefused
from smallpool_core.items import WideItem
from smallpool_core.pages import Answer, Hit, Query, Short
from smallpool_core.terms import Trigger, integer_weights
from smallpool_core.vectors import Vectors, unit_vector
from smallpool_service.bans import banned_meanwhile
from smallpool_service.candidates import Candidate, Lists, Recalled
from smallpool_service.filter import Screen, filter_hits
from smallpool_service.merge import merge
from smallpool_service.page import Explained, PageItem, path_of
from smallpool_service.recaller import Recaller
from smallpool_service.request import RecallRequest
from smallpool_service.run import Run

TERMS, VECTORS = "terms", "vectors"
NOTHING: Final = Answer((), exhausted=True)
ASKED_AT_LEAST = 40
"""So many rows, or four times the size, are asked for: some may be gone by now."""
PER_ITEM = 4


class SimilarItems(Struct, frozen=True, kw_only=True):
    """Items like `item_id`. The score is the share of the item's own weight that the other has too: 1 has all of its terms. Where the item
    has a vector, it is the mean of that share and of how like the two vectors are, 0 for what is unlike.

    `short` is `exhausted` where fewer than asked for have anything in common with it; `degraded` names what did not work.
    """

    item_id: str
    pool_id: str
    items: list[PageItem]
    short: Short | None
    degraded: list[str]


class Alike(Struct, frozen=True):
    """One item that is like another: its rank (from 1) by terms and by vector, the weights of the terms that both have, the share of all of
    them, and how like the vectors are: 0 where the other has none, None where nobody asked by vectors or they failed.
    """

    hit: Hit
    ranks: dict[str, int]
    triggers: dict[str, int]
    match: float
    vector: float | None

    @property
    def score(self) -> float:
        """How alike they are, in [0, 1]."""
        return round(self.match if self.vector is None else (self.match + self.vector) / 2, 6)


async def similar(recaller: Recaller, item_id: str, request: RecallRequest) -> SimilarItems:
    """Raises what `Recaller.recall` raises of pools and limits, and `NotFound` for an item that was never indexed."""
    run = await recaller.begin(request)
    found = await run.attempt("items", recaller.ports.reader.get([item_id]), None)
    if found is not None and item_id not in found:
        raise NotFound("item", item_id)
    alike = await alike_to(recaller, run, found[item_id]) if found else []
    items = [_line(one, explain=request.explain) for one in alike[: request.size]]
    short: Short | None = "exhausted" if len(items) < request.size and not run.degraded else None
    return SimilarItems(item_id=item_id, pool_id=request.pool_id, items=items, short=short, degraded=list(run.degraded))


async def alike_to(recaller: Recaller, run: Run, item: WideItem, excluded: AbstractSet[str] = frozenset()) -> list[Alike]:
    """What is like the item, most alike first, without a cap, of what may be served to anybody; forty each way, or four times the size.

    Of its terms by exact recall, and of its vector where that is of the model in force; one that fails is named and costs its own part.
    """
    ports, limit = recaller.ports, max(ASKED_AT_LEAST, PER_ITEM * run.request.size)
    query = Query(run.known.scope, frozenset([item.item_id]) | excluded, cap=limit, limit=limit, now=run.started)
    weights, vectors = _weights_of(item, recaller), _vectors_of(item, ports.vectors.model)
    by_terms = await run.attempt("wide_index", ports.reader.recall(query, weights), NOTHING) if weights else NOTHING
    by_vector = await run.attempt(VECTORS, ports.vectors.nearest(query, vectors), (NOTHING,)) if vectors is not None else (NOTHING,)
    lists = {TERMS: by_terms.hits, VECTORS: by_vector[0].hits}
    kept = await for_anybody(recaller, run, lists)
    run.note(Recalled({TERMS: by_terms, VECTORS: by_vector[0]}), kept.dropped, ())
    likeness = await run.attempt(VECTORS, ports.vectors.likeness(kept.item_ids, vectors), None) if vectors is not None else None
    terms = {} if by_terms.exhausted else await _terms_of_others(recaller, run, kept)
    alike = [_alike(candidate, weights, terms, likeness) for candidate in merge(kept)]
    return alike if likeness is None else sorted(alike, key=lambda one: -one.score)


async def _terms_of_others(recaller: Recaller, run: Run, kept: Lists) -> dict[str, Sequence[str]]:
    """The terms of what came by its vector alone, which may share much with the item and yet less than those that came by their terms."""
    by_terms = {hit.item_id for hit in kept.by_source[TERMS]}
    others = [hit.item_id for hit in kept.by_source[VECTORS] if hit.item_id not in by_terms]
    found = await run.attempt("items", recaller.ports.reader.get(others), dict[str, WideItem]()) if others else {}
    return {item_id: item.terms for item_id, item in found.items()}


async def for_anybody(recaller: Recaller, run: Run, by_source: Mapping[str, Sequence[Hit]]) -> Lists:
    """What of the hits may be served now, whoever asks."""
    ports, lists, now = recaller.ports, Lists(by_source), run.now()
    banned = await banned_meanwhile(lists.item_ids, run, ports)
    closing = now + recaller.settings_of(run).least_left_s * 1000
    screen = Screen(run.known.scope, frozenset(), frozenset(), None, now, banned=banned, closing=closing)
    return filter_hits(lists, screen, ports.live)


def _weights_of(item: WideItem, recaller: Recaller) -> dict[str, int]:
    """The item's terms by what one touch of it would add to a person's triggers (1 … 1024)."""
    shares = term_shares(item.terms, recaller.behaviour)
    return integer_weights([Trigger(name, share, 0) for name, share in shares.items()])


def _vectors_of(item: WideItem, model: str) -> Vectors | None:
    """The item's vector as a question, where it is of this model."""
    if not (model and item.vector and item.vector_model == model):
        return None
    try:
        return Vectors(model, len(item.vector), unit_vector(item.vector))
    except VectorRefused:
        return None


def _alike(
    candidate: Candidate, weights: Mapping[str, int], terms: Mapping[str, Sequence[str]], likeness: Mapping[str, float] | None
) -> Alike:
    hit = candidate.hit
    triggers = {term: weights[term] for term in terms.get(hit.item_id, hit.terms) if term in weights}
    match = sum(triggers.values()) / sum(weights.values()) if weights else 0.0
    return Alike(hit, candidate.ranks, triggers, match, None if likeness is None else max(0.0, likeness.get(hit.item_id, 0.0)))


def _line(alike: Alike, *, explain: bool) -> PageItem:
    parts = {"match": round(alike.match, 6)} | ({} if alike.vector is None else {"vector": round(alike.vector, 6)})
    why = Explained(alike.ranks, alike.triggers, parts) if explain else UNSET
    hit = alike.hit
    return PageItem(item_id=hit.item_id, category=path_of(hit.category), score=alike.score, sources=list(alike.ranks), explain=why)
