"""Pages: recall inside one pool, and on the home feed.

In: a person, a size, a context. Out: a `Page`, encoded straight from the read path.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from smallpool_core.access import ApiKey
from smallpool_core.pools import HOME
from smallpool_core.users import Identity
from smallpool_service.context import Context
from smallpool_service.http.auth import Needs, check_pool, granted
from smallpool_service.http.bodies import Identifier, Line, Strict, body_of
from smallpool_service.http.limits import deadline_of
from smallpool_service.http.parts import Parts, ServiceParts
from smallpool_service.http.problems import HttpProblem
from smallpool_service.http.replies import documented, reply
from smallpool_service.http.routing import in_path
from smallpool_service.page import Page
from smallpool_service.request import MAX_SIZE, RecallRequest

PoolId = Annotated[Identifier, in_path, Path(description="The pool's id.", examples=["digital-bargains"])]


class RecallContext(Strict):
    """Where and when the page will be shown, and what was typed; whatever is left out is not known."""

    city: Annotated[Line | None, Field(description="A trigger of this request.", examples=["杭州"])] = None
    hour: Annotated[int | None, Field(ge=0, le=23, description="Of the clock there; kept with what was served, and no trigger.")] = None
    query: Annotated[
        Line | None,
        Field(description="Its words, understood as those of a title are, are triggers of this request.", examples=["苹果手机"]),
    ] = None


class RecallBody(Strict):
    """One page asked for. Without an id nothing is remembered; without a request_id the server makes one."""

    user_id: Identifier | None = None
    device_id: Identifier | None = None
    size: Annotated[int, Field(ge=1, le=MAX_SIZE)] = 10
    request_id: Annotated[Identifier | None, Field(description="The same id within ten minutes gives the same page again.")] = None
    explain: bool = False
    dry_run: Annotated[bool, Field(description="Nothing is written and nothing is claimed.")] = False
    context: RecallContext = RecallContext()


NEEDS = Needs("recall")
FORCED: Final = "X-Smallpool-Bucket"
ASK: Final = {"user_id": "u-1001", "size": 2, "request_id": "r-7f3a"}
PAGE: Final[dict[str, Any]] = {
    "request_id": "r-7f3a",
    "pool_id": "digital-bargains",
    "items": [
        {"item_id": "i-52", "category": ["数码", "手机"], "score": 0.913402, "sources": ["terms", "newest"]},
        {"item_id": "i-87", "category": ["数码", "相机"], "score": 0.674118, "sources": ["popular"]},
    ],
    "short": None,
    "degraded": [],
    "bucket": {},
    "trace": {
        "stages": [{"stage": "recall", "in": 3, "out": 61, "ms": 0.912}, {"stage": "claim", "in": 40, "out": 2, "ms": 0.401}],
        "sources": [
            {"source": "terms", "asked": 20, "returned": 20, "in_pool": 20, "spread": 20, "filtered": 18, "page": 1},
            {"source": "popular", "asked": 5, "returned": 41, "in_pool": 5, "spread": 5, "filtered": 5, "page": 1},
            {"source": "newest", "asked": 5, "returned": 5, "in_pool": 5, "spread": 5, "filtered": 5, "page": 1},
        ],
        "failed": [],
        "bucket": {},
        "age_ms": 12,
        "rounds": 1,
        "candidates": 61,
        "ages_ms": {"relations": 912000},
    },
}
PROBLEMS = (400, 404, 409, 413, 504)

router = APIRouter(tags=["recall"])
Body = Annotated[RecallBody, Depends(body_of(RecallBody, may_be_empty=True))]


@router.post(
    "/v1/pools/{pool_id}/recall",
    **documented(
        name="recall",
        summary="A page of items from one pool for one person",
        reply=Page,
        example=PAGE,
        needs=NEEDS,
        problems=PROBLEMS,
        body=RecallBody,
        body_example=ASK,
        body_required=False,
    ),
)
async def recall(request: Request, parts: Parts, key: Annotated[ApiKey, Depends(NEEDS)], body: Body, pool_id: PoolId) -> Response:
    """Recalls inside the pool and claims the page: none of the last 200 items served to this person here comes again.

    `short` says why a page holds fewer items than asked for; `degraded` names what did not work. The header
    `X-Smallpool-Timeout-Ms` sets the deadline; `X-Smallpool-Bucket: experiment:bucket` asks, with an operator's key, for buckets.
    """
    check_pool(key, pool_id)
    return await _page(request, parts, key, body, pool_id)


@router.post(
    "/v1/feeds/home/recall",
    **documented(
        name="recallHome",
        summary="A page from the whole marketplace for one person",
        reply=Page,
        example=PAGE | {"pool_id": HOME},
        needs=NEEDS,
        problems=PROBLEMS,
        body=RecallBody,
        body_example=ASK,
        body_required=False,
    ),
)
async def recall_home(request: Request, parts: Parts, key: Annotated[ApiKey, Depends(NEEDS)], body: Body) -> Response:
    """The whole marketplace as one pool, with a seen list of its own. A key limited to pools needs `home` among them."""
    check_pool(key, HOME)
    return await _page(request, parts, key, body, HOME)


async def _page(request: Request, parts: ServiceParts, key: ApiKey, body: RecallBody, pool_id: str) -> Response:
    page = await parts.recaller.recall(
        RecallRequest(
            pool_id=pool_id,
            identity=Identity(body.user_id, body.device_id),
            size=body.size,
            request_id=body.request_id,
            explain=body.explain,
            dry_run=body.dry_run,
            context=Context(**body.context.model_dump()),
            deadline_ms=deadline_of(request),
            admitted=True,
            buckets=forced_buckets(request, key),
        )
    )
    parts.metrics.page(body.size, len(page.items), page.short)
    parts.metrics.sources(page.trace.sources)
    return reply(page)


def forced_buckets(request: Request, key: ApiKey) -> tuple[str, ...]:
    """The buckets that a tester asks for by header, as `experiment:bucket`, several with commas between. Raises a problem of status 403
    where the key is no operator's: an app has no business to choose.
    """
    names = tuple(name.strip() for name in request.headers.get(FORCED, "").split(",") if name.strip())
    if names and "operator" not in granted(key):
        raise HttpProblem(403, "wrong-role", f"the header {FORCED} takes a key that has the role operator too; {key.key_id} has not")
    return names
