"""What goes with an item: what people look at, or buy, beside it.

In: an item, sold or not. Out: items on sale, each with the source that gave it.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from smallpool_core.access import ApiKey
from smallpool_core.pools import HOME
from smallpool_core.relations import Counts
from smallpool_service.http.auth import Needs, check_pool
from smallpool_service.http.bodies import Identifier, Strict, body_of
from smallpool_service.http.items import ItemId
from smallpool_service.http.limits import deadline_of
from smallpool_service.http.parts import Parts
from smallpool_service.http.replies import documented, reply
from smallpool_service.related import RelatedItems, related_items
from smallpool_service.request import MAX_SIZE

NEEDS: Final = Needs("recall")


class RelatedBody(Strict):
    """What is asked for; without a pool the whole marketplace is."""

    by: Annotated[Counts, Field(description="What people looked at beside the item (看了还看), or bought beside it (买了还买).")] = "view"
    pool_id: Identifier | None = None
    size: Annotated[int, Field(ge=1, le=MAX_SIZE)] = 10


router = APIRouter(tags=["items"])


@router.post(
    "/v1/items/{item_id}/related",
    **documented(
        name="relatedItems",
        summary="What people look at, or buy, beside an item",
        reply=RelatedItems,
        example={
            "item_id": "i-52",
            "by": "view",
            "pool_id": "digital-bargains",
            "items": [
                {"item_id": "i-87", "category": ["数码", "相机"], "score": 0.412011, "sources": ["x2i"]},
                {"item_id": "i-91", "category": ["数码", "手机"], "score": 0.0, "sources": ["terms"]},
            ],
            "short": None,
            "degraded": [],
            "ages_ms": {"relations": 912000},
        },
        needs=NEEDS,
        problems=(400, 404, 409, 413, 504),
        body=RelatedBody,
        body_example={"by": "view", "pool_id": "digital-bargains", "size": 2},
        body_required=False,
    ),
)
async def related(
    request: Request,
    parts: Parts,
    key: Annotated[ApiKey, Depends(NEEDS)],
    body: Annotated[RelatedBody, Depends(body_of(RelatedBody, may_be_empty=True))],
    item_id: ItemId,
) -> Response:
    """Items on sale that go with this one, which may be sold; nothing is claimed. Where too few are known, what is alike by its terms fills
    up, and each item's `sources` says which it is.
    """
    check_pool(key, body.pool_id or HOME)
    return reply(await related_items(parts.recaller, item_id, body.by, body.pool_id, body.size, deadline_of(request)))
