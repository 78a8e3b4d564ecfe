"""What became of pools, over HTTP: how revisions differ, the way back to one, and the audit of all pools.

In: a pool, revisions, filters. Out: differences; the new revision of a rollback; revisions of all pools, newest first.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from msgspec import Struct
from pydantic import Field

from smallpool_core.access import ApiKey
from smallpool_core.pools import AuditQuery
from smallpool_service.history import PoolDifference, difference, rollback
from smallpool_service.http.auth import Needs, check_pool
from smallpool_service.http.bodies import Identifier, Line, Strict, body_of
from smallpool_service.http.parts import Parts
from smallpool_service.http.pool_bodies import RevisionView, SavedPool, expected_revision
from smallpool_service.http.pools import CHANGES, SAVED, STORED, IfMatch, change_by, guarded
from smallpool_service.http.recall import PoolId
from smallpool_service.http.replies import documented, reply

READS = Needs("viewer")
WRITES = Needs("operator")
MAX_REVISION: Final = 10**15
MAX_MS: Final = 2**53
MAX_AUDIT = 500
RevisionNumber = Annotated[int, Field(ge=1, le=MAX_REVISION, description="The revision whose content comes back.")]
LEAF: Final = {"field": "price_cents", "op": "lte", "value": 100000}
DIFFERENCE: Final[dict[str, Any]] = {
    "pool_id": "digital-bargains",
    "revision": 3,
    "against": 2,
    "fields": [{"field": "settings.max_per_category", "before": 5, "after": 3}],
    "rule": [{"change": "changed", "path": "$.all[1]", "before": LEAF | {"value": 50000}, "after": LEAF}],
}
RECORD: Final = {"pool": STORED, "author": "shop desk (k_4f1c9a0be2d37758)", "reason": "autumn page", "at": 1750000000000}

router = APIRouter(tags=["pools"])


class RollbackBody(Strict):
    """The revision to go back to, and why."""

    to: RevisionNumber
    reason: Annotated[Line | None, Field(description="Why; kept with the new revision.")] = None


class AuditPage(Struct, frozen=True):
    """Changes of all pools, newest first; `next` is what to send as `before` for the older ones, null at the end."""

    revisions: list[RevisionView]
    next: int | None


@router.post(
    "/v1/pools/{pool_id}/rollback",
    **documented(
        name="rollbackPool",
        summary="Goes back to an older revision",
        reply=SavedPool,
        example=SAVED | {"revision": 4},
        needs=WRITES,
        problems=CHANGES,
        body=RollbackBody,
        body_example={"to": 2, "reason": "the page was empty"},
    ),
)
async def rollback_pool(
    parts: Parts,
    key: Annotated[ApiKey, Depends(WRITES)],
    body: Annotated[RollbackBody, Depends(body_of(RollbackBody))],
    pool_id: PoolId,
    if_match: IfMatch = None,
) -> Response:
    """A new revision that says all that the old one said, its state and lists too; nothing is taken out of the history."""
    check_pool(key, pool_id)
    change = change_by(parts, key, expected_revision(if_match), body.reason)
    return await guarded(parts, pool_id, rollback(parts.recaller.ports, parts.pools, pool_id, body.to, change))


@router.get(
    "/v1/pools/{pool_id}/revisions/{revision}/diff",
    **documented(
        name="diffRevisions",
        summary="How two revisions differ",
        reply=PoolDifference,
        example=DIFFERENCE,
        needs=READS,
        problems=(404,),
    ),
)
async def diff_revisions(
    parts: Parts,
    key: Annotated[ApiKey, Depends(READS)],
    pool_id: PoolId,
    revision: Annotated[int, Path(ge=1, le=MAX_REVISION, description="The revision.", examples=[3])],
    against: Annotated[int | None, Query(ge=0, le=MAX_REVISION, description="By default the one before; 0: nothing.")] = None,
) -> Response:
    """Values that differ, by path, and of the rule the conditions that were added, removed or changed, wherever they stand."""
    check_pool(key, pool_id)
    return reply(await difference(parts.pools, pool_id, revision, against))


@router.get(
    "/v1/audit",
    **documented(
        name="audit", summary="Every change of every pool", reply=AuditPage, example={"revisions": [RECORD], "next": 41}, needs=READS
    ),
)
async def read_audit(
    parts: Parts,
    key: Annotated[ApiKey, Depends(READS)],
    pool_id: Annotated[Identifier | None, Query(description="Only changes of this pool.")] = None,
    author: Annotated[Line | None, Query(description="Only changes by this author, exactly as a revision names them.")] = None,
    since: Annotated[int | None, Query(ge=0, le=MAX_MS, description="Only changes made then (epoch ms) or later.")] = None,
    before: Annotated[
        int | None, Query(ge=1, le=MAX_MS, description="Only changes with a smaller epoch: `next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_AUDIT)] = 100,
) -> Response:
    """Revisions are the audit records; they come newest first, of those pools that the key may see."""
    if pool_id is not None:
        check_pool(key, pool_id)
    pool_ids = frozenset(key.pools) or None if pool_id is None else frozenset({pool_id})
    found = await parts.pools.audit(AuditQuery(limit + 1, pool_ids, author, since, before))
    shown = [RevisionView(pool=one.pool, author=one.author, reason=one.reason, at=one.at) for one in found[:limit]]
    return reply(AuditPage(shown, shown[-1].pool.epoch if len(found) > limit else None))
