"""What an operator puts into a pool by hand: include list, bans, pins, windows and priority, a line an entry.

In: a form of text areas. Out: the page of that form; a new revision.
"""

from typing import Annotated, Any, Final

from fastapi import Query, Response
from msgspec.structs import replace

from smallpool_core.errors import Problem, Refused
from smallpool_core.plain_text import text_problem
from smallpool_core.pools import BANNED, MAX_NAME, PRIORITIES, Pool, PoolDraft
from smallpool_core.row_reader import shown
from smallpool_core.schedule import Schedule, Window
from smallpool_core.selection import MAX_LISTED, MAX_PINS, Selection
from smallpool_service.console.desk import Operator, Viewer, Visit
from smallpool_service.console.forms import Form, read_form
from smallpool_service.console.pool_rule import pool_of
from smallpool_service.console.routes import console_router
from smallpool_service.console.saving import Target, save
from smallpool_service.http.recall import PoolId

MOST: Final = MAX_LISTED | {"pins": MAX_PINS}
"""The text areas of lists, and how many lines each may have."""

router = console_router("/pools/{pool_id}")


@router.get("/lists")
async def lists_page(visit: Viewer, pool_id: PoolId, saved: Annotated[int, Query(ge=0)] = 0) -> Response:
    """The lists as they are."""
    pool = await pool_of(visit, pool_id)
    return _page(visit, pool, typed_of(pool), saved=saved)


@router.post("/lists")
async def change_lists(visit: Operator, pool_id: PoolId) -> Response:
    """Saves lists, windows and priority."""
    pool, form = await pool_of(visit, pool_id), await read_form(visit)
    problems = _unread(visit, form)
    try:
        if not problems:
            return await save(visit, form, Target(pool_id, "lists"), draft_of(form, pool))
    except Refused as error:
        problems = list(error.problems)
    return _page(visit, pool, {name: form(name) for name, _ in form}, 422, problems=problems)


def typed_of(pool: Pool) -> dict[str, str]:
    """What the form would send to say what the pool says."""
    lists = {name: getattr(pool.selection, name) for name in MAX_LISTED} | {"pins": pool.ordering.pins}
    windows = "\n".join(f"{window.opens} {window.closes}" for window in pool.schedule.windows)
    rest = {"timezone": pool.schedule.timezone, "windows": windows, "priority": str(pool.priority)}
    return {name: "\n".join(entries) for name, entries in lists.items()} | rest


def draft_of(form: Form, pool: Pool) -> PoolDraft:
    """The change that a form is whose numbers can be read; blank lines say nothing, and an entry that comes again is one."""
    lists = {name: tuple(dict.fromkeys(_lines(form(name)))) for name in MOST}
    pins = lists.pop("pins")
    windows = tuple(Window(opens, closes.strip()) for opens, _, closes in (line.partition(" ") for line in _lines(form("windows"))))
    return PoolDraft(
        selection=Selection(**lists),
        ordering=replace(pool.ordering, pins=pins),
        schedule=Schedule(form("timezone"), windows),
        priority=int(form("priority")),
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _unread(visit: Visit, form: Form) -> list[Problem]:
    """What of the form cannot be read at all."""
    priority, problems = form("priority"), []
    if len(priority) != 1 or not priority.isascii() or not priority.isdigit():
        problems.append(Problem("priority", shown(priority), visit.words("lists.priority_note")))
    if text_problem(form("reason"), MAX_NAME) is not None:
        problems.append(Problem("reason", shown(form("reason")), visit.words("value.text", most=MAX_NAME)))
    return problems


def _page(visit: Visit, pool: Pool, typed: dict[str, str], status: int = 200, **values: Any) -> Response:
    shown_values = {"problems": [], "saved": 0} | values
    return visit.page(
        "pool_lists.html",
        status,
        here="pools",
        tab="lists",
        pool=pool,
        typed=typed,
        most=MOST,
        priorities=PRIORITIES,
        is_banned=pool.pool_id == BANNED,
        **shown_values,
    )
