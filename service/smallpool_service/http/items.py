"""Single items: what is known of them, and why a person is or is not shown one.

In: ids. Out: wide items; the stage and the reason that decided.
"""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from msgspec import Struct
from pydantic import Field

from smallpool_core.access import ApiKey
from smallpool_core.pools import HOME
from smallpool_core.users import Identity
from smallpool_service.http.auth import Needs, check_pool, may_see
from smallpool_service.http.bodies import Identifier, IdInQuery, Strict, body_of
from smallpool_service.http.item_view import ItemView, item_view
from smallpool_service.http.limits import deadline_of
from smallpool_service.http.parts import Parts
from smallpool_service.http.replies import documented, reply
from smallpool_service.http.routing import in_path
from smallpool_service.items import MAX_ITEMS, get_item, get_items
from smallpool_service.request import MAX_SIZE, RecallRequest
from smallpool_service.similar import SimilarItems, similar
from smallpool_service.why import Why, why

ItemId = Annotated[Identifier, in_path, Path(description="The item's id.", examples=["i-52"])]
READS = Needs("viewer", "recall")
RECALLS = Needs("recall")
EXPLAINS = Needs("viewer")
ITEM: Final = {
    "item_id": "i-52",
    "version": 3,
    "enrich": 0,
    "state": "on_sale",
    "category": ["数码", "手机"],
    "category_source": "given",
    "category_confidence": 1.0,
    "seller_id": "s-9",
    "brand": "apple",
    "title_words": ["苹果", "手机", "九成新"],
    "points": ["九成新"],
    "price_cents": 199900,
    "quality": 0.734,
    "published_at": 1750000000000,
    "given": {"title": "苹果手机 九成新", "category": ["数码", "手机"], "price_cents": 199900, "seller_id": "s-9"},
    "spread_key": "数码›手机",
    "pools": ["digital-bargains"],
    "terms": ["category:数码›手机", "category:数码", "brand:apple"],
}


class ManyItems(Strict):
    """Items asked for by id."""

    item_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MAX_ITEMS)]


class FoundItems(Struct, frozen=True):
    """The items that exist, in the order asked for, and the ids of those that do not."""

    items: list[ItemView]
    missing: list[str]


router = APIRouter(tags=["items"])


@router.get(
    "/v1/items/{item_id}",
    **documented(name="getItem", summary="One wide item", reply=ItemView, example=ITEM, needs=READS, problems=(404,)),
)
async def read_item(parts: Parts, key: Annotated[ApiKey, Depends(READS)], item_id: ItemId) -> Response:
    """The item as it was understood and is stored, removed ones included. A slash in an id is sent as `%2F`."""
    return reply(item_view(await get_item(parts.recaller.ports.reader, item_id), partial(may_see, key)))


@router.post(
    "/v1/items/get",
    **documented(
        name="getItems",
        summary="Many wide items",
        reply=FoundItems,
        example={"items": [ITEM], "missing": ["i-53"]},
        needs=READS,
        problems=(400, 413),
        body=ManyItems,
        body_example={"item_ids": ["i-52", "i-53"]},
    ),
)
async def read_items(
    parts: Parts, key: Annotated[ApiKey, Depends(READS)], body: Annotated[ManyItems, Depends(body_of(ManyItems))]
) -> Response:
    """Up to 1,000 items in one call."""
    asked = list(dict.fromkeys(body.item_ids))
    found = await get_items(parts.recaller.ports.reader, asked)
    views = [item_view(found[item_id], partial(may_see, key)) for item_id in asked if item_id in found]
    return reply(FoundItems(views, [item_id for item_id in asked if item_id not in found]))


@router.get(
    "/v1/items/{item_id}/similar",
    **documented(
        name="similarItems",
        summary="Items like one item, which may be sold",
        reply=SimilarItems,
        example={
            "item_id": "i-52",
            "pool_id": "digital-bargains",
            "items": [{"item_id": "i-87", "category": ["数码", "手机"], "score": 0.731502, "sources": ["terms"]}],
            "short": "exhausted",
            "degraded": [],
        },
        needs=RECALLS,
        problems=(404, 409),
    ),
)
async def similar_items(
    request: Request,
    parts: Parts,
    key: Annotated[ApiKey, Depends(RECALLS)],
    item_id: ItemId,
    pool_id: Annotated[Identifier, Query(description="The pool, `home` for the whole marketplace.")] = HOME,
    size: Annotated[int, Query(ge=1, le=MAX_SIZE)] = 10,
    explain: Annotated[bool, Query(description="Adds the terms that each item shares with it, and their weights.")] = False,  # noqa: FBT002
) -> Response:
    """What shares most with the item of what it is: category, brand, selling points, tags, seller, price band, city. Only what may be
    served now; nothing is claimed, nobody's seen list is looked at, and no cap per category holds.
    """
    check_pool(key, pool_id)
    asked = RecallRequest(pool_id=pool_id, size=size, explain=explain, dry_run=True, deadline_ms=deadline_of(request), admitted=True)
    return reply(await similar(parts.recaller, item_id, asked))


@router.get(
    "/v1/items/{item_id}/why",
    **documented(
        name="whyItem",
        summary="Why a person is, or is not, shown an item of a pool",
        reply=Why,
        example={
            "item_id": "i-52",
            "pool_id": "digital-bargains",
            "served": False,
            "stage": "pool",
            "reason": "not_in_pool",
            "detail": "$.all[1]: wants price_cents lte 100000, the item has 199900",
            "more": ["$.all[1]: wants price_cents lte 100000, the item has 199900"],
        },
        needs=EXPLAINS,
        problems=(404, 409),
    ),
)
async def why_item(
    parts: Parts,
    key: Annotated[ApiKey, Depends(EXPLAINS)],
    item_id: ItemId,
    pool_id: Annotated[Identifier, Query(description="The pool, `home` for the home feed.")],
    user_id: Annotated[IdInQuery, Query()] = None,
    device_id: Annotated[IdInQuery, Query()] = None,
) -> Response:
    """A dry run, now, that follows this one item: the first stage that leaves it out, or its place on the page."""
    check_pool(key, pool_id)
    return reply(await why(parts.recaller, item_id, pool_id, Identity(user_id, device_id)))
