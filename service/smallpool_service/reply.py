"""Makes the reply of one request from what was claimed and what the run noted; an explanation only if it was asked for.

In: the claimed page and the run. Out: a `Page`.
"""

from collections.abc import Mapping, Sequence
from math import isfinite

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from smallpool_core.pages import Claimed, Entry, SourceFailure
from smallpool_core.ranking import FEATURES
from smallpool_service.candidates import Candidate, Scored
from smallpool_service.interests import KnownInterests
from smallpool_service.page import Explained, InterestTrace, ItemInterest, Page, PageItem, TraceReport, VectorTrace
from smallpool_service.popularity import Popularity
from smallpool_service.rank import features_of
from smallpool_service.run import Run
from smallpool_service.score import Taste

_DECODER = msgspec.json.Decoder(PageItem)
ANONYMOUS = "anonymous"
MILLION = 1_000_000
LEADING = 3
"""So many categories say what an interest is about."""


def items_of(entries: Sequence[Entry]) -> list[PageItem]:
    """The lines of a page as they were claimed, in page order."""
    return [_DECODER.decode(entry.payload) for entry in entries]


def features_served(
    items: Sequence[PageItem], ranked: Mapping[str, Scored], taste: Taste, popularity: Popularity
) -> dict[str, dict[str, float]]:
    """What a ranker reads of each item, rounded to six places, by item, so that one can be trained on what was served. What is nought is
    left out, and lines that an earlier call claimed have nothing.
    """
    known = [ranked[item.item_id] for item in items if item.item_id in ranked]
    rows = features_of(known, taste, popularity)
    # In millionths: to round to digits takes five times as long, and there are a hundred and sixty numbers on a page.
    named = [{name: round(value * MILLION) / MILLION for name, value in zip(FEATURES, row, strict=True) if value} for row in rows]
    return {one.item_id: row for one, row in zip(known, named, strict=True)}


def explained(items: Sequence[PageItem], run: Run, taste: Taste) -> list[PageItem]:
    """The same lines, each with its explanation; lines that an earlier call claimed have none."""
    return [_explained(item, run, taste) for item in items]


def _explained(item: PageItem, run: Run, taste: Taste) -> PageItem:
    scored = run.ranked.get(item.item_id)
    return item if scored is None else replace(item, explain=_explanation(scored, taste, run.interests))


def interests_of(candidate: Candidate, known: KnownInterests | None) -> list[ItemInterest]:
    """The interests that a candidate was found by, by source."""
    if known is None:
        return []
    return [ItemInterest(source, number, leading(known, number)) for source, number in candidate.interests.items()]


def leading(known: KnownInterests, number: int) -> list[str]:
    """What an interest (from 1) is about: the categories of the pool that are nearest to it."""
    near = known.near[number - 1] if number <= len(known.near) else ()
    return [category for category, _ in near[:LEADING]]


def _explanation(scored: Scored, taste: Taste, known: KnownInterests | None) -> Explained:
    candidate = scored.candidate
    values = {name: round(value, 6) for name, value in zip(taste.dimensions, scored.values, strict=True)}
    triggers = {term: taste.triggers[term] for term in candidate.hit.terms}
    return Explained(
        dict(candidate.ranks),
        triggers,
        values,
        round(scored.factor, 6),
        list(candidate.via),
        scored.kinds or UNSET,
        _ranker(scored),
        interests_of(candidate, known) or UNSET,
    )


def _vectors(run: Run) -> VectorTrace | UnsetType:
    """What the page went by, where it went by vectors."""
    known = run.interests
    if known is None:
        return UNSET
    shares = enumerate(known.found.shares, start=1)
    traced = [InterestTrace(round(share, 6), leading(known, number)) for number, share in shares]
    return VectorTrace(known.model, round(known.ils, 6), traced if run.request.explain else UNSET)


def _ranker(scored: Scored) -> float | UnsetType:
    """What a ranker gave; a score that is no number shows as 0."""
    if scored.ranked is None:
        return UNSET
    return round(scored.ranked, 6) if isfinite(scored.ranked) else 0.0


def page_of(run: Run, claimed: Claimed, items: list[PageItem], bucket: dict[str, str], age_ms: int | None, *, replayed: bool) -> Page:
    """The reply; everything that did not work is named in `degraded`, and why in the trace."""
    return Page(
        request_id=run.request_id,
        pool_id=run.request.pool_id,
        items=items,
        replayed=replayed or UNSET,
        short=claimed.short,
        degraded=list(run.degraded),
        bucket=bucket,
        trace=TraceReport(
            stages=run.tracer.report(),
            sources=run.sources.traced(items),
            failed=[SourceFailure(what.removeprefix("source:"), why) for what, why in run.degraded.items() if what != ANONYMOUS],
            bucket=bucket,
            age_ms=age_ms,
            rounds=claimed.rounds,
            candidates=run.candidates,
            ages_ms=dict(run.ages_ms),
            drops=run.drops if run.request.explain else UNSET,
            triggers=dict(run.wishes.weights) if run.request.explain else UNSET,
            origin=run.wishes.origin if run.request.explain else UNSET,
            vectors=_vectors(run),
        ),
    )
