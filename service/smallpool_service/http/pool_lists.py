"""Pins, bans and include lists over HTTP: a few entries added or taken out, without sending the pool.

In: entries, under `If-Match`. Out: the pool at its next revision; 412 with what is stored where somebody else was faster.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from smallpool_core.access import ApiKey
from smallpool_core.errors import Problem, Refused
from smallpool_core.selection import MAX_LISTED, MAX_PINS
from smallpool_service.http.auth import Needs, check_pool
from smallpool_service.http.bodies import Identifier, Line, Strict, body_of
from smallpool_service.http.parts import Parts, ServiceParts
from smallpool_service.http.pool_bodies import SavedPool, expected_revision
from smallpool_service.http.pools import CHANGES, SAVED, IfMatch, change_by, guarded
from smallpool_service.http.recall import PoolId
from smallpool_service.http.replies import documented
from smallpool_service.lists import Banned, ListEdit, ListName, ban_list, edit_list

WRITES = Needs("operator")
MOST: Final = max(MAX_LISTED.values())

router = APIRouter(tags=["pools"], prefix="/v1/pools/{pool_id}")
Reason = Annotated[Line | None, Field(description="Why; kept with the revision.")]


class PinsBody(Strict):
    """Items to pin, behind those that are, and items to pin no more."""

    add: Annotated[list[Identifier], Field(default_factory=list, max_length=MAX_PINS)]
    remove: Annotated[list[Identifier], Field(default_factory=list, max_length=MAX_PINS)]
    reason: Reason = None


class IncludesBody(Strict):
    """Items to include whatever the rule says, and items to include no more."""

    add: Annotated[list[Identifier], Field(default_factory=list, max_length=MAX_LISTED["include"])]
    remove: Annotated[list[Identifier], Field(default_factory=list, max_length=MAX_LISTED["include"])]
    reason: Reason = None


class BansBody(Strict):
    """Items, sellers or words of titles (`of`) to ban from the pool, and such as are banned no more."""

    of: Banned = "items"
    add: Annotated[list[Identifier], Field(default_factory=list, max_length=MOST)]
    remove: Annotated[list[Identifier], Field(default_factory=list, max_length=MOST)]
    reason: Reason = None


@router.post(
    "/pins",
    **documented(
        name="pinItems",
        summary="Pins items, or pins them no more",
        reply=SavedPool,
        example=SAVED,
        needs=WRITES,
        problems=CHANGES,
        body=PinsBody,
        body_example={"add": ["i-52"], "remove": ["i-87"], "reason": "the week's best"},
    ),
)
async def pin_items(
    parts: Parts,
    key: Annotated[ApiKey, Depends(WRITES)],
    body: Annotated[PinsBody, Depends(body_of(PinsBody))],
    pool_id: PoolId,
    if_match: IfMatch = None,
) -> Response:
    """A pin fixes rank among what may be served, nothing else: an item that is not in the pool, or was served already, does not come."""
    return await _edited(parts, key, pool_id, "pins", body, if_match)


@router.post(
    "/includes",
    **documented(
        name="includeItems",
        summary="Includes items, or includes them no more",
        reply=SavedPool,
        example=SAVED,
        needs=WRITES,
        problems=CHANGES,
        body=IncludesBody,
        body_example={"add": ["i-52"], "reason": "asked for by the shop desk"},
    ),
)
async def include_items(
    parts: Parts,
    key: Annotated[ApiKey, Depends(WRITES)],
    body: Annotated[IncludesBody, Depends(body_of(IncludesBody))],
    pool_id: PoolId,
    if_match: IfMatch = None,
) -> Response:
    """Included items are in the pool whatever its rule says, unless they are banned. Of the pool `banned`: they are served nowhere."""
    return await _edited(parts, key, pool_id, "include", body, if_match)


@router.post(
    "/bans",
    **documented(
        name="banFromPool",
        summary="Bans items, sellers or words from a pool, or lets them back in",
        reply=SavedPool,
        example=SAVED,
        needs=WRITES,
        problems=CHANGES,
        body=BansBody,
        body_example={"of": "sellers", "add": ["s-9"], "reason": "complaints"},
    ),
)
async def ban_from_pool(
    parts: Parts,
    key: Annotated[ApiKey, Depends(WRITES)],
    body: Annotated[BansBody, Depends(body_of(BansBody))],
    pool_id: PoolId,
    if_match: IfMatch = None,
) -> Response:
    """A ban holds at once, and before everything else that the pool says."""
    return await _edited(parts, key, pool_id, ban_list(body.of), body, if_match)


async def _edited(
    parts: ServiceParts, key: ApiKey, pool_id: str, name: ListName, body: PinsBody | IncludesBody | BansBody, if_match: str | None
) -> Response:
    check_pool(key, pool_id)
    if not body.add and not body.remove:
        raise Refused([Problem("add", "nothing", "name at least one entry to `add` or to `remove`")])
    change = change_by(parts, key, expected_revision(if_match), body.reason)
    edit = ListEdit(name, body.add, body.remove)
    return await guarded(parts, pool_id, edit_list(parts.recaller.ports, parts.pools, pool_id, edit, change))
