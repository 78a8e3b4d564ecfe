"""A pool's rule: shown, edited with a live preview, saved with a reason; and new pools.

In: forms of the rule builder. Out: pages, and parts of them while somebody edits.
"""

from typing import Annotated, Any, Final, cast

from fastapi import Query, Response

from smallpool_core.errors import Problem, Refused, RevisionStale
from smallpool_core.plain_text import text_problem
from smallpool_core.pools import HOME, MAX_NAME, Pool, PoolDraft, PoolState
from smallpool_core.row_reader import MAX_ID, shown
from smallpool_core.rules import Rule
from smallpool_service.console.desk import Operator, Viewer, Visit
from smallpool_service.console.editing import edited
from smallpool_service.console.forms import Form, read_form
from smallpool_service.console.outline import rule_lines
from smallpool_service.console.routes import console_router
from smallpool_service.console.rule_form import Draft, drafted, effective_of, focus_of, look, warned_of
from smallpool_service.console.saving import Target, save
from smallpool_service.console.tree import ROOT, Node, editor_name, new_leaf, numbered, tree_from, tree_of
from smallpool_service.http.recall import PoolId
from smallpool_service.operators import refresh
from smallpool_service.previews import Wanted, people_of_preview

STATES: Final = ("live", "draft", "archived")
ANYTHING: Final = "confirm"
PEOPLE_PATIENCE_MS: Final = 6_000

router = console_router()


@router.get("/new-pool")
async def new_pool(visit: Operator) -> Response:
    """An empty form."""
    root = numbered(Node(ROOT, "all", [new_leaf(visit.desk.vocabulary)]))
    return await _form_page(visit, None, drafted(visit, root, skip_blank=True), Form([]))


@router.post("/new-pool")
async def make_pool(visit: Operator) -> Response:
    """Makes the pool."""
    form = await read_form(visit)
    return await _save(visit, form, form("pool_id"), None)


@router.get("/pools/{pool_id}")
async def pool_rule(visit: Viewer, pool_id: PoolId, saved: Annotated[int, Query(ge=0)] = 0) -> Response:
    """The rule of a pool."""
    pool = await pool_of(visit, pool_id)
    draft = drafted(visit, tree_of(pool.rule, visit.desk.vocabulary), skip_blank=False)
    return await _form_page(visit, pool, draft, Form([]), saved=saved)


@router.post("/pools/{pool_id}")
async def change_pool(visit: Operator, pool_id: PoolId) -> Response:
    """Saves the rule, the name and the state."""
    return await _save(visit, await read_form(visit), pool_id, await pool_of(visit, pool_id))


@router.post("/rule/edit")
async def edit(visit: Viewer) -> Response:
    """The builder after an act, with the preview of what it holds now."""
    form = await read_form(visit)
    root = tree_from(form)
    focus = edited(root, form("do"), visit.desk.vocabulary)
    draft = drafted(visit, root, skip_blank=True)
    await look(visit, draft, _compared(visit, form("of")))
    return visit.page("part_builder.html", draft=draft, focus=focus_of(focus) if focus else "", **builder(visit))


@router.post("/rule/preview")
async def preview(visit: Viewer) -> Response:
    """What the rule would hold, and the mistakes in it."""
    form = await read_form(visit)
    draft = drafted(visit, tree_from(form), skip_blank=True)
    await look(visit, draft, _compared(visit, form("of")))
    return visit.page("part_preview.html", draft=draft)


@router.post("/rule/people")
async def people(visit: Viewer) -> Response:
    """What the rule would give real people, before and after; the slower part, asked for once the rest is there."""
    form = await read_form(visit)
    against = _compared(visit, form("of"))
    if against is not None and not visit.may("operator"):  # who cannot edit sends no form
        rule: Rule | None = visit.parts.recaller.ports.catalogue.get(against).rule
    else:
        rule = effective_of(visit, drafted(visit, tree_from(form), skip_blank=True), against)
    if rule is None:
        return visit.page("part_people.html", found=None, left_out=[])
    wanted = Wanted(rule=rule, against=against, until=visit.parts.now() + PEOPLE_PATIENCE_MS)
    found, left_out = await people_of_preview(visit.parts.recaller, wanted)
    return visit.page("part_people.html", found=found, left_out=left_out)


async def pool_of(visit: Visit, pool_id: str) -> Pool:
    """The newest revision of a pool that the key may see; raises `NotFound`."""
    visit.check_pool(pool_id)
    refresh(visit.parts.recaller.ports.catalogue)
    return (await visit.parts.pools.get(pool_id)).pool


def builder(visit: Visit) -> dict[str, Any]:
    """What the templates of the builder ask for."""
    vocabulary = visit.desk.vocabulary
    return {"vocabulary": vocabulary, "editor_name": lambda node: editor_name(node, vocabulary)}


def _compared(visit: Visit, pool_id: str) -> str | None:
    """The pool that is edited, with which to compare; None for a new one."""
    if not pool_id:
        return None
    visit.check_pool(pool_id)
    return pool_id if pool_id in visit.parts.recaller.ports.catalogue else None


async def _save(visit: Visit, form: Form, pool_id: str, pool: Pool | None) -> Response:
    draft = drafted(visit, tree_from(form), skip_blank=False)
    problems = _problems(visit, form, pool_id, is_new=pool is None)
    await look(visit, draft, _compared(visit, pool_id) if pool is not None else None)
    if draft.rule is None or problems:
        return await _form_page(visit, pool, draft, form, 422, problems=problems)
    warning = warned_of(draft.seen.preview) if draft.seen is not None else None
    if warning is not None and form(ANYTHING) != warning.code:
        return await _form_page(visit, pool, draft, form, 422, asked=warning.code)
    wanted = PoolDraft(name=form("name"), rule=draft.json, state=cast("PoolState", form("state")))
    try:
        return await save(visit, form, Target(pool_id, "rule"), wanted)
    except RevisionStale:
        taken = [Problem("pool_id", shown(pool_id), visit.words("pool.taken"))]
        return await _form_page(visit, pool, draft, form, 409, problems=taken)
    except Refused as error:
        return await _form_page(visit, pool, draft, form, 422, problems=error.problems)


def _problems(visit: Visit, form: Form, pool_id: str, *, is_new: bool) -> list[Problem]:
    texts = [("name", form("name"), MAX_NAME), ("reason", form("reason"), MAX_NAME), *([("pool_id", pool_id, MAX_ID)] if is_new else [])]
    problems = [Problem(path, shown(text), visit.words("value.text", most=most)) for path, text, most in texts if _is_wrong(text, most)]
    if form("state") not in STATES:
        problems.append(Problem("state", shown(form("state")), ", ".join(STATES)))
    if is_new and (pool_id == HOME or not visit.may_see(pool_id)):
        problems.append(Problem("pool_id", shown(pool_id), visit.words("pool.reserved")))
    return problems


def _is_wrong(text: str, most: int) -> bool:
    return text_problem(text, most) is not None


async def _form_page(visit: Visit, pool: Pool | None, draft: Draft, form: Form, status: int = 200, **values: Any) -> Response:
    if draft.seen is None:
        await look(visit, draft, None)
    shown_values = {"problems": [], "asked": "", "saved": 0} | values
    known = visit.parts.recaller.ports.catalogue
    return visit.page(
        "pool_rule.html",
        status,
        here="pools",
        tab="rule",
        pool=pool,
        refused=known.get(pool.pool_id).refused if pool is not None and pool.pool_id in known else None,
        draft=draft,
        form=form,
        states=STATES,
        lines=list(rule_lines(visit.words, pool.rule)) if pool is not None else [],
        focus="",
        **builder(visit),
        **shown_values,
    )


@router.get("/suggestions")
async def suggestions(visit: Viewer) -> Response:
    """Known values of some fields, which the inputs of the builder offer; a browser may keep them for an hour."""
    response = visit.page("suggestions.html", vocabulary=visit.desk.vocabulary)
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response
