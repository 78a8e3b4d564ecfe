"""What a rule would do, before or after it is saved; nothing is written.

In: a rule or a pool, people maybe. Out: a `RulePreview`.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from msgspec.structs import replace

from smallpool_core.access import ApiKey
from smallpool_core.rule_counts import PRICE_BOUNDS
from smallpool_service.http.auth import Needs, check_pool
from smallpool_service.http.bodies import body_of
from smallpool_service.http.limits import deadline_of
from smallpool_service.http.parts import Parts, ServiceParts
from smallpool_service.http.pool_bodies import PreviewBody, RulePreviewBody
from smallpool_service.http.pools import RULE
from smallpool_service.http.recall import PoolId
from smallpool_service.http.replies import documented, reply
from smallpool_service.operators import drafted_rule, known_rule
from smallpool_service.previews import RulePreview, Wanted, preview

NEEDS = Needs("viewer")
ITEM: Final = {"item_id": "i-52", "title": "苹果手机 九成新", "category": ["数码", "手机"], "price_cents": 99900}
PREVIEW: Final[dict[str, Any]] = {
    "count": 8120,
    "on_sale": 1000231,
    "items": [ITEM],
    "warnings": [],
    "breakdown": {
        "top_categories": [{"category": ["数码"], "count": 8120}],
        "categories": [{"category": ["数码", "手机"], "count": 6013}, {"category": ["数码", "相机"], "count": 2107}],
        "sellers": [{"seller_id": "s-9", "count": 41}],
        "prices": [
            {"from_cents": 50_000, "to_cents": PRICE_BOUNDS[4], "count": 8101},
            {"from_cents": None, "to_cents": None, "count": 19},
        ],
    },
    "plus": {"count": 530, "items": [ITEM]},
    "minus": {"count": 12, "items": [ITEM | {"item_id": "i-87", "price_cents": 129900}]},
    "excluded_by": [
        {"path": "$.all[0]", "condition": RULE["all"][0], "alone": 501_200, "excluded": 820_004},
        {"path": "$.all[1]", "condition": RULE["all"][1], "alone": 11_803, "excluded": 610_332},
    ],
    "inflow_per_hour": 92.5,
    "people": {
        "people": 10,
        "top": 100,
        "before": {"page_fill": 0.91, "site_wide": 1.4, "inside": 61.2},
        "after": {"page_fill": 0.98, "site_wide": 1.6, "inside": 74.9},
    },
    "left_out": [],
}

router = APIRouter(tags=["pools"], prefix="/v1/pools")


@router.post(
    "/preview",
    **documented(
        name="previewRule",
        summary="What an unsaved rule would do",
        reply=RulePreview,
        example=PREVIEW,
        needs=NEEDS,
        problems=(400, 404, 413),
        body=RulePreviewBody,
        body_example={"rule": RULE, "against": "digital-bargains", "sample": 1},
    ),
)
async def preview_unsaved(
    request: Request,
    parts: Parts,
    key: Annotated[ApiKey, Depends(NEEDS)],
    body: Annotated[RulePreviewBody, Depends(body_of(RulePreviewBody))],
) -> Response:
    """Counted over all listed items as of now; with `against`, compared with that pool, whose lists hold where none are sent."""
    if body.against is not None:
        check_pool(key, body.against)
    rule = drafted_rule(parts.recaller.ports.catalogue, body.against, body.draft())
    settings = None if body.settings is None else body.settings.settings()
    return await _previewed(request, parts, body, Wanted(rule=rule, against=body.against, settings=settings))


@router.post(
    "/{pool_id}/preview",
    **documented(
        name="previewPool",
        summary="What a saved pool's rule does",
        reply=RulePreview,
        example=PREVIEW | {"plus": {"count": 0, "items": []}, "minus": {"count": 0, "items": []}},
        needs=NEEDS,
        problems=(400, 404, 413),
        body=PreviewBody,
        body_example={"sample": 1},
        body_required=False,
    ),
)
async def preview_saved(
    request: Request,
    parts: Parts,
    key: Annotated[ApiKey, Depends(NEEDS)],
    body: Annotated[PreviewBody, Depends(body_of(PreviewBody, may_be_empty=True))],
    pool_id: PoolId,
) -> Response:
    """The same of the rule as it stands, whatever state the pool is in: nothing is gained or lost, before and after are one."""
    check_pool(key, pool_id)
    catalogue = parts.recaller.ports.catalogue
    known_rule(catalogue, pool_id)
    return await _previewed(request, parts, body, Wanted(rule=catalogue.get(pool_id).rule, against=pool_id))


async def _previewed(request: Request, parts: ServiceParts, body: PreviewBody, wanted: Wanted) -> Response:
    asked = {"sample": body.sample, "people": body.people, "users": tuple(dict.fromkeys(body.users)), "until": deadline_of(request)}
    return reply(await preview(parts.recaller, replace(wanted, **asked)))
