"""The history of a pool: every revision with what it changed, and the way back to an older one.

In: a pool. Out: revisions, newest first; a new revision with the content of an old one.
"""

from typing import Annotated, Final

from fastapi import Query, Response
from msgspec import UNSET, Struct
from msgspec.structs import replace

from smallpool_core.pools import PoolDraft, Revision
from smallpool_service.console.desk import Operator, Viewer, Visit
from smallpool_service.console.forms import read_form
from smallpool_service.console.outline import Line, difference
from smallpool_service.console.pool_rule import pool_of
from smallpool_service.console.routes import console_router
from smallpool_service.console.saving import Target, save
from smallpool_service.history import content_of
from smallpool_service.http.pool_bodies import MAX_DIGITS
from smallpool_service.http.recall import PoolId

PAGE: Final = 20

router = console_router("/pools/{pool_id}")


class Step(Struct, frozen=True):
    """One revision, and what it changed of the one before."""

    revision: Revision
    lines: list[Line]


@router.get("/history")
async def history(
    visit: Viewer,
    pool_id: PoolId,
    before: Annotated[int | None, Query(ge=1)] = None,
    saved: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """A page of revisions, newest first, from the one before `before` on."""
    pool = await pool_of(visit, pool_id)
    revisions = [one for one in await visit.parts.pools.revisions(pool_id) if before is None or one.pool.revision < before]
    older = [*revisions[1 : PAGE + 1], None]
    steps = [
        Step(one, difference(visit.words, None if earlier is None else earlier.pool, one.pool))
        for one, earlier in zip(revisions[:PAGE], older, strict=False)
    ]
    return visit.page("history.html", here="pools", tab="history", pool=pool, steps=steps, saved=saved, more=len(revisions) > PAGE)


@router.post("/history")
async def roll_back(visit: Operator, pool_id: PoolId) -> Response:
    """Saves what an older revision says as the newest one; the state, live or not, stays as it is now."""
    await pool_of(visit, pool_id)
    form = await read_form(visit)
    return await save(visit, form, Target(pool_id, "history"), await _content(visit, pool_id, form("to")))


async def _content(visit: Visit, pool_id: str, wanted: str) -> PoolDraft:
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= MAX_DIGITS else 0
    return replace(await content_of(visit.parts.pools, pool_id, number), state=UNSET)
