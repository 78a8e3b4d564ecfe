"""Related keywords over HTTP.

In: what somebody typed. Out: what they may look for next.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from smallpool_service.http.auth import Needs
from smallpool_service.http.parts import Parts
from smallpool_service.http.replies import documented, reply
from smallpool_service.keywords import RelatedKeywords, related_keywords
from smallpool_service.request import MAX_SIZE

NEEDS: Final = Needs("recall")

router = APIRouter(tags=["items"])


@router.get(
    "/v1/keywords/related",
    **documented(
        name="relatedKeywords",
        summary="Keywords of this marketplace that mean something near a query",
        reply=RelatedKeywords,
        example={
            "query": "紫砂壶",
            "keywords": [{"keyword": "宜兴 茶壶", "score": 0.871402}, {"keyword": "朱泥", "score": 0.793118}],
            "model": "5d41c02a97be",
        },
        needs=NEEDS,
        problems=(),
    ),
)
async def read_related_keywords(
    parts: Parts,
    q: Annotated[str, Query(description="What somebody typed; any text, of which the first 200 characters count.")] = "",
    size: Annotated[int, Query(ge=1, le=MAX_SIZE, description="Keywords at most.")] = 10,
) -> Response:
    """Keywords (相关词), the nearest in meaning first: names of the knowledge base, and what listings on sale are known by. Neither the
    query itself nor another spelling of it. Words that say nothing here have none; it is no search, and nothing of it reaches a store.
    """
    return reply(await related_keywords(parts.recaller, parts.keywords, q, size))
