"""Related keywords (相关词): what people may look for next who typed something.

In: any text. Out: keywords of this marketplace that mean something near it, the nearest first. Nobody's history counts.
"""

import asyncio
from typing import Final

from msgspec import Struct

from smallpool_core.keyword_ports import Keyword, Keywords
from smallpool_core.pages import Query
from smallpool_core.pools import HOME
from smallpool_service.recaller import Recaller
from smallpool_service.request import RecallRequest

PATIENCE_MS: Final = 2_000
LOOKED_AT: Final = 2_000
"""So many listings on sale tell what the marketplace has, another sample each time."""


class RelatedKeywords(Struct, frozen=True):
    """`model` says by which model; empty where none is set, and then there are no keywords."""

    query: str
    keywords: list[Keyword]
    model: str


async def related_keywords(recaller: Recaller, keywords: Keywords, query: str, size: int) -> RelatedKeywords:
    """At most `size` keywords. Where listings cannot be read, what is known of them from before goes on, and the knowledge base."""
    now = recaller.ports.clock.now_ms()
    if keywords.model and keywords.has_turn(now):
        await _refresh(recaller, keywords, now)
    return RelatedKeywords(query, keywords.related(query, size), keywords.model)


async def _refresh(recaller: Recaller, keywords: Keywords, now: int) -> None:
    """Looks at a sample of what is on sale; who asks meanwhile has the keywords from before."""
    run = recaller.start(RecallRequest(pool_id=HOME, size=1, dry_run=True, deadline_ms=now + PATIENCE_MS, admitted=True))
    query = Query(run.known.scope, frozenset(), cap=LOOKED_AT, limit=LOOKED_AT, now=now)
    sample = recaller.ports.live.sample(query, now % 2**31)
    listed = await run.attempt("items", recaller.ports.reader.get([hit.item_id for hit in sample.hits]), None)
    await asyncio.to_thread(keywords.take, None if listed is None else tuple(listed.values()))
