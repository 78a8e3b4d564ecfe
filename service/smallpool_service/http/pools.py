"""Pools over HTTP: listed, made, changed under If-Match, archived; every change is a revision with its author.

In: drafts of pools. Out: pools with their ETag; 412 with what is stored where somebody else was faster.
"""

from collections.abc import Awaitable
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Query, Response

from smallpool_core.access import ApiKey
from smallpool_core.errors import Problem, Refused, RevisionStale
from smallpool_core.pools import DEFAULT_PRIORITY, Pool, PoolDraft, PoolState
from smallpool_service.http.auth import Needs, check_pool, may_see
from smallpool_service.http.bodies import Identifier, body_of
from smallpool_service.http.parts import Parts, ServiceParts
from smallpool_service.http.pool_bodies import (
    ArchiveBody,
    NewPool,
    PoolChange,
    PoolLine,
    PoolList,
    PoolView,
    RevisionList,
    RevisionView,
    SavedPool,
    etag,
    expected_revision,
)
from smallpool_service.http.problems import HttpProblem
from smallpool_service.http.recall import PoolId
from smallpool_service.http.replies import documented, reply
from smallpool_service.operators import Change, Saved, refresh, save_pool

READS = Needs("viewer")
WRITES = Needs("operator")
MAX_LISTED = 1_000
IfMatch = Annotated[str | None, Header(description='The revision you read, in quotes: `"3"`.')]
RULE: Final = {"all": [{"field": "category", "op": "prefix", "value": ["数码"]}, {"field": "price_cents", "op": "lte", "value": 100000}]}
QUOTA: Final = {"condition": {"field": "sale", "op": "eq", "value": "auction"}, "at_most": 4, "at_least": 1}
BODY: Final = {
    "pool_id": "digital-bargains",
    "name": "数码捡漏",
    "rule": RULE,
    "settings": {"max_per_category": 3},
    "reason": "autumn page",
}
STORED: Final[dict[str, Any]] = {
    "pool_id": "digital-bargains",
    "name": "数码捡漏",
    "rule": RULE,
    "revision": 3,
    "state": "live",
    "settings": {
        "max_per_category": 3,
        "seen_size": 200,
        "spread_level": None,
        "when_exhausted": "stop",
        "max_size": None,
        "cut_by": "-quality",
        "sources": {"explore": 0.1},
        "max_per_seller": 3,
    },
    "ordering": {
        "weights": {"match": 1.0, "quality": 0.3, "freshness": 0.3},
        "pins": ["i-52"],
        "boost": [],
        "bury": [],
        "quotas": [QUOTA],
        "diversity": 0.0,
    },
    "epoch": 41,
    "selection": {"include": [], "ban_items": [], "ban_sellers": ["s-9"], "ban_words": []},
    "schedule": {"timezone": "Asia/Shanghai", "windows": [{"from": "2026-11-01T00:00", "until": "2026-12-01T00:00"}]},
    "priority": 5,
}
POOL: Final = STORED | {"tagged": True, "open": True, "opens_at": None, "size": 8120}
SAVED: Final = POOL | {"tagged": False, "size": None, "count": 8120, "on_sale": 1000231, "warnings": []}
CHANGES = (400, 404, 412, 413, 428, 507)

router = APIRouter(tags=["pools"], prefix="/v1/pools")


@router.get(
    "",
    **documented(
        name="listPools",
        summary="Pools by priority",
        reply=PoolList,
        example={
            "pools": [
                {
                    "pool_id": "digital-bargains",
                    "name": "数码捡漏",
                    "state": "live",
                    "revision": 3,
                    "priority": 5,
                    "tagged": True,
                    "open": True,
                    "opens_at": None,
                    "figures": {"size": 8120, "pages": 940, "page_fill": 0.41, "recalled": 61.5, "listed": 92},
                    "alerts": ["page_fill_low"],
                }
            ],
            "next": None,
        },
        needs=READS,
    ),
)
async def list_pools(
    parts: Parts,
    key: Annotated[ApiKey, Depends(READS)],
    state: Annotated[PoolState | None, Query(description="Only pools in this state.")] = None,
    after: Annotated[Identifier | None, Query(description="Only pools that come after this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 100,
) -> Response:
    """Those that the key may see, by priority, then by id; home is not among them."""
    catalogue = parts.recaller.ports.catalogue
    refresh(catalogue)
    first = (-1, "") if after is None else (catalogue.get(after).pool.priority if after in catalogue else DEFAULT_PRIORITY, after)
    known = [
        one
        for one in catalogue.by_priority()
        if may_see(key, one.pool.pool_id) and (state is None or one.pool.state == state) and (one.pool.priority, one.pool.pool_id) > first
    ]
    now = parts.now()
    lines = [PoolLine.of(one, parts.board, now) for one in known[:limit]]
    return reply(PoolList(lines, lines[-1].pool_id if len(known) > limit else None))


@router.post(
    "",
    **documented(
        name="createPool",
        summary="Makes a pool",
        reply=SavedPool,
        example=SAVED | {"revision": 1},
        status=201,
        needs=WRITES,
        problems=(400, 409, 413, 507),
        body=NewPool,
        body_example=BODY,
    ),
)
async def create_pool(
    parts: Parts, key: Annotated[ApiKey, Depends(WRITES)], body: Annotated[NewPool, Depends(body_of(NewPool))]
) -> Response:
    """A new pool is live unless said otherwise, and is recalled from at once. Its rule is checked; every mistake is named with its path."""
    if not may_see(key, body.pool_id):
        raise HttpProblem(403, "limited-key", f"the key {key.key_id} is limited to {', '.join(key.pools)}")
    try:
        saved = await _save(parts, key, body.pool_id, body.draft(), None, body.reason)
    except RevisionStale as error:
        detail = f"there is a pool {body.pool_id!r} already, at revision {error.current}; change it with PUT, or choose another id"
        raise HttpProblem(409, "pool-exists", detail) from None
    return _saved(parts, saved, 201)


@router.get(
    "/{pool_id}",
    **documented(name="getPool", summary="One pool", reply=PoolView, example=POOL, needs=READS, problems=(404,)),
)
async def read_pool(parts: Parts, key: Annotated[ApiKey, Depends(READS)], pool_id: PoolId) -> Response:
    """Its newest revision; the ETag is what `If-Match` takes."""
    check_pool(key, pool_id)
    pool = (await parts.pools.get(pool_id)).pool
    refresh(parts.recaller.ports.catalogue)
    return reply(_view(parts, pool), headers=etag(pool.revision))


@router.put(
    "/{pool_id}",
    **documented(
        name="changePool",
        summary="Changes a pool",
        reply=SavedPool,
        example=SAVED,
        needs=WRITES,
        problems=CHANGES,
        body=PoolChange,
        body_example={"rule": RULE, "reason": "cheaper things only"},
    ),
)
async def change_pool(
    parts: Parts,
    key: Annotated[ApiKey, Depends(WRITES)],
    body: Annotated[PoolChange, Depends(body_of(PoolChange))],
    pool_id: PoolId,
    if_match: IfMatch = None,
) -> Response:
    """What is left out stays as it is. A changed rule holds at once; `tagged` turns true when every stored item has been looked at."""
    check_pool(key, pool_id)
    if body.pool_id not in (None, pool_id):
        raise Refused(
            [Problem("pool_id", repr(body.pool_id), f"the id of this pool, {pool_id!r}, is allowed; a pool keeps its id for life")]
        )
    return await _changed(parts, key, pool_id, body.draft(), expected_revision(if_match), body.reason)


@router.post(
    "/{pool_id}/archive",
    **documented(
        name="archivePool",
        summary="Archives a pool",
        reply=SavedPool,
        example=SAVED | {"state": "archived"},
        needs=WRITES,
        problems=CHANGES,
        body=ArchiveBody,
        body_example={"reason": "the season is over"},
        body_required=False,
    ),
)
async def archive_pool(
    parts: Parts,
    key: Annotated[ApiKey, Depends(WRITES)],
    body: Annotated[ArchiveBody, Depends(body_of(ArchiveBody, may_be_empty=True))],
    pool_id: PoolId,
    if_match: IfMatch = None,
) -> Response:
    """It is recalled from no more, and keeps its revisions; a change of its state brings it back."""
    check_pool(key, pool_id)
    return await _changed(parts, key, pool_id, PoolDraft(state="archived"), expected_revision(if_match), body.reason)


@router.get(
    "/{pool_id}/revisions",
    **documented(
        name="listRevisions",
        summary="The history of a pool",
        reply=RevisionList,
        example={"revisions": [{"pool": STORED, "author": "shop desk (k_4f1c9a0be2d37758)", "reason": "autumn page", "at": 1750000000000}]},
        needs=READS,
        problems=(404,),
    ),
)
async def list_revisions(parts: Parts, key: Annotated[ApiKey, Depends(READS)], pool_id: PoolId) -> Response:
    """Every revision with who made it, why and when, newest first. A revision is the audit record, and is never changed."""
    check_pool(key, pool_id)
    revisions = await parts.pools.revisions(pool_id)
    return reply(RevisionList([RevisionView(pool=one.pool, author=one.author, reason=one.reason, at=one.at) for one in revisions]))


async def _changed(parts: ServiceParts, key: ApiKey, pool_id: str, draft: PoolDraft, expected: int, reason: str | None) -> Response:
    return await guarded(parts, pool_id, _save(parts, key, pool_id, draft, expected, reason))


async def guarded(parts: ServiceParts, pool_id: str, saving: Awaitable[Saved]) -> Response:
    """The reply to a change; where somebody else was faster, a problem that carries what is stored."""
    try:
        return _saved(parts, await saving, 200)
    except RevisionStale as error:
        current = (await parts.pools.get(pool_id)).pool
        raise HttpProblem(412, "revision-stale", str(error), headers=etag(current.revision), current=current) from None


async def _save(parts: ServiceParts, key: ApiKey, pool_id: str, draft: PoolDraft, expected: int | None, reason: str | None) -> Saved:
    return await save_pool(parts.recaller.ports, parts.pools, pool_id, draft, change_by(parts, key, expected, reason))


def change_by(parts: ServiceParts, key: ApiKey, expected: int | None, reason: str | None) -> Change:
    """A change as it is recorded: by whom, why and when."""
    return Change(f"{key.name} ({key.key_id})", reason or "", parts.now(), expected)


def _saved(parts: ServiceParts, saved: Saved, status: int) -> Response:
    headers = etag(saved.pool.revision)
    if status == 201:
        headers["Location"] = f"/v1/pools/{quote(saved.pool.pool_id, safe='')}"
    return reply(SavedPool.saved(_view(parts, saved.pool), saved.preview), status, headers)


def _view(parts: ServiceParts, pool: Pool) -> PoolView:
    ports = parts.recaller.ports
    return PoolView.of(pool, ports, parts.now())
