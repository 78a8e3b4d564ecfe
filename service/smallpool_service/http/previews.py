"""What a rule would hold, before or after it is saved; nothing is written.

In: a rule or a pool. Out: a count, a few items, warnings.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from smallpool_core.access import ApiKey
from smallpool_service.http.auth import Needs, check_pool
from smallpool_service.http.bodies import body_of
from smallpool_service.http.parts import Parts
from smallpool_service.http.pool_bodies import PreviewBody, RulePreviewBody
from smallpool_service.http.pools import RULE
from smallpool_service.http.recall import PoolId
from smallpool_service.http.replies import documented, reply
from smallpool_service.operators import Preview, parse_rule, preview_rule, refresh

NEEDS = Needs("viewer")
PREVIEW: Final = {
    "count": 8120,
    "on_sale": 1000231,
    "items": [{"item_id": "i-52", "title": "苹果手机 九成新", "category": ["数码", "手机"], "price_cents": 99900}],
    "warnings": [],
}

router = APIRouter(tags=["pools"], prefix="/v1/pools")


@router.post(
    "/preview",
    **documented(
        name="previewRule",
        summary="What an unsaved rule would hold",
        reply=Preview,
        example=PREVIEW,
        needs=NEEDS,
        problems=(400, 413),
        body=RulePreviewBody,
        body_example={"rule": RULE, "sample": 1},
    ),
)
async def preview_unsaved(parts: Parts, body: Annotated[RulePreviewBody, Depends(body_of(RulePreviewBody))]) -> Response:
    """Counted over all listed items as of now."""
    ports = parts.recaller.ports
    return reply(await preview_rule(ports, parse_rule(ports.catalogue, body.rule), body.sample))


@router.post(
    "/{pool_id}/preview",
    **documented(
        name="previewPool",
        summary="What a saved pool's rule holds",
        reply=Preview,
        example=PREVIEW,
        needs=NEEDS,
        problems=(400, 404, 413),
        body=PreviewBody,
        body_example={"sample": 1},
        body_required=False,
    ),
)
async def preview_saved(
    parts: Parts,
    key: Annotated[ApiKey, Depends(NEEDS)],
    body: Annotated[PreviewBody, Depends(body_of(PreviewBody, may_be_empty=True))],
    pool_id: PoolId,
) -> Response:
    """Whatever state the pool is in."""
    check_pool(key, pool_id)
    ports = parts.recaller.ports
    refresh(ports.catalogue)
    return reply(await preview_rule(ports, ports.catalogue.get(pool_id).rule, body.sample))
