"""Makes the reply of one request from what was claimed and what the run noted; an explanation only if it was asked for.

In: the claimed page and the run. Out: a `Page`.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from smallpool_core.pages import Claimed, Entry, SourceFailure
from smallpool_service.candidates import Scored
from smallpool_service.page import Explained, Page, PageItem, TraceReport
from smallpool_service.run import Run
from smallpool_service.score import Taste

_DECODER = msgspec.json.Decoder(PageItem)
ANONYMOUS = "anonymous"


def items_of(entries: Sequence[Entry]) -> list[PageItem]:
    """The lines of a page as they were claimed, in page order."""
    return [_DECODER.decode(entry.payload) for entry in entries]


def features_of(items: Sequence[PageItem], ranked: Mapping[str, Scored], taste: Taste) -> dict[str, dict[str, float]]:
    """Value in each score dimension, rounded to six places, by item; lines that an earlier call claimed have none."""
    names = taste.dimensions
    values = {item.item_id: ranked[item.item_id].values for item in items if item.item_id in ranked}
    return {item_id: {name: round(value, 6) for name, value in zip(names, row, strict=True)} for item_id, row in values.items()}


def explained(items: Sequence[PageItem], ranked: Mapping[str, Scored], taste: Taste) -> list[PageItem]:
    """The same lines, each with its explanation; lines that an earlier call claimed have none."""
    features = features_of(items, ranked, taste)
    return [
        replace(item, explain=_explanation(ranked[item.item_id], features[item.item_id], taste)) if item.item_id in features else item
        for item in items
    ]


def _explanation(scored: Scored, features: dict[str, float], taste: Taste) -> Explained:
    candidate = scored.candidate
    triggers = {term: taste.triggers[term] for term in candidate.hit.terms}
    return Explained(dict(candidate.ranks), triggers, features, round(scored.factor, 6), scored.kinds or UNSET)


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
            failed=[SourceFailure(what.removeprefix("source:"), why) for what, why in run.degraded.items() if what != ANONYMOUS],
            bucket=bucket,
            age_ms=age_ms,
            rounds=claimed.rounds,
            candidates=run.candidates,
            drops=run.drops if run.request.explain else UNSET,
        ),
    )
