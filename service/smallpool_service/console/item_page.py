"""One item: what was understood of it, which pools it is in, and why a person is or is not shown it.

In: an id; a pool and a person. Out: the title with what was found in it, its parts; the stage that decided.
"""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Query, Response
from msgspec import Struct

from smallpool_core.errors import NotFound, Problem, SmallpoolError
from smallpool_core.items import Span, WideItem
from smallpool_core.row_reader import MAX_ID, shown
from smallpool_core.users import Identity
from smallpool_service.console.desk import Viewer, Visit
from smallpool_service.console.look import in_address
from smallpool_service.console.routes import console_router
from smallpool_service.http.items import ItemId
from smallpool_service.items import get_item
from smallpool_service.operators import refresh
from smallpool_service.why import Why, why

SUGGESTED = 500

router = console_router()
Id = Annotated[str, Query(max_length=MAX_ID)]


class Piece(Struct, frozen=True):
    """A piece of the title; `span` says what was found in it."""

    text: str
    span: Span | None


@router.get("/items")
async def find_item(visit: Viewer, item_id: Id = "") -> Response:
    """Asks for an id, and goes to the item."""
    if not item_id.strip():
        return visit.page("items.html", here="items", item_id="", missing=False)
    try:
        await get_item(visit.parts.recaller.ports.reader, item_id.strip())
    except NotFound:
        return visit.page("items.html", 404, here="items", item_id=item_id, missing=True)
    return visit.go(f"/console/items/{in_address(item_id.strip())}")


@router.get("/items/{item_id}")
async def item(visit: Viewer, item_id: ItemId, pool: Id = "", user: Id = "", device: Id = "") -> Response:
    """The item; with a pool also why or why not."""
    catalogue = visit.parts.recaller.ports.catalogue
    refresh(catalogue)
    found = await get_item(visit.parts.recaller.ports.reader, item_id)
    answer, problems = await _why(visit, item_id, pool, Identity(user or None, device or None))
    names = {known.pool.pool_id: known.pool.name for known in catalogue.all() if visit.may_see(known.pool.pool_id)}
    return visit.page(
        "item.html",
        here="items",
        item=found,
        pieces=list(pieces(found)),
        in_pools=[(pool_id, names[pool_id]) for pool_id in found.pools if pool_id in names],
        answer=answer,
        problems=problems,
        asked={"pool": pool, "user": user, "device": device},
        pools=list(names.items())[:SUGGESTED],
    )


async def _why(visit: Visit, item_id: str, pool_id: str, identity: Identity) -> tuple[Why | None, list[Problem]]:
    if not pool_id:
        return None, []
    try:
        visit.check_pool(pool_id)
        return await why(visit.parts.recaller, item_id, pool_id, identity), []
    except SmallpoolError as error:
        return None, [Problem("pool", shown(pool_id), str(error))]


def pieces(item: WideItem) -> Iterator[Piece]:
    """The title in pieces, in order; what was found in it is a piece of its own."""
    title, at = (item.given.title if item.given is not None else ""), 0
    for span in sorted(item.spans, key=lambda one: one.start):
        if span.start < at:
            continue
        if span.start > at:
            yield Piece(title[at : span.start], None)
        yield Piece(title[span.start : span.end], span)
        at = span.end
    if at < len(title):
        yield Piece(title[at:], None)
