"""A pool's page as people see it: recall settings and ordering weights, with an example page that follows them.

In: a form of settings and weights, a person. Out: the page of that form; the example, with who moved where.
"""

from typing import Annotated, Any, Final, cast

from fastapi import Query, Response
from msgspec import Struct, structs

from smallpool_core.cuts import CUT_BYS, MAX_SIZES
from smallpool_core.errors import Problem, Refused
from smallpool_core.messages import problem
from smallpool_core.plain_text import text_problem
from smallpool_core.pools import DEFAULT_WEIGHTS, DIMENSIONS, MAX_NAME, MAX_WEIGHT, Ordering, Pool, PoolDraft, PoolSettings, check_settings
from smallpool_core.row_reader import shown
from smallpool_core.sources import DEFAULT_SHARES
from smallpool_core.users import Identity
from smallpool_service.console.adjusting import adjustment_problems, read_adjustments, rows_of, typed_rows
from smallpool_service.console.desk import Operator, Viewer, Visit
from smallpool_service.console.dry import Asked, Shown, dry_page, varied
from smallpool_service.console.forms import Form, read_form
from smallpool_service.console.pool_rule import pool_of
from smallpool_service.console.quota_rows import quota_rows, read_quotas, typed_quotas
from smallpool_service.console.routes import console_router
from smallpool_service.console.saving import Target, save
from smallpool_service.http.pool_health import health_of_pool
from smallpool_service.http.recall import PoolId

SIZE: Final = 10
OK: Final = 200
WEIGHED: Final = DIMENSIONS
"""The dimensions that there is something to weigh by."""
DEFAULTS: Final = PoolSettings()

router = console_router("/pools/{pool_id}")


class Wanted(Struct, frozen=True):
    """Settings and weights as a form sends them, and every mistake in them."""

    settings: PoolSettings
    ordering: Ordering
    problems: list[Problem]


@router.get("/page")
async def settings_page(visit: Viewer, pool_id: PoolId, user: str = "", saved: Annotated[int, Query(ge=0)] = 0) -> Response:
    """The settings as they are."""
    pool = await pool_of(visit, pool_id)
    return _page(
        visit,
        pool,
        Wanted(pool.settings, pool.ordering, []),
        Form([]),
        user=user,
        saved=saved,
        example=await _example(visit, pool, None, user),
    )


@router.post("/page")
async def change_settings(visit: Operator, pool_id: PoolId) -> Response:
    """Saves settings and weights."""
    pool, form = await pool_of(visit, pool_id), await read_form(visit)
    wanted = read_wanted(visit, form, pool)
    problems = list(wanted.problems)
    if text_problem(form("reason"), MAX_NAME) is not None:
        problems.append(Problem("reason", shown(form("reason")), visit.words("value.text", most=MAX_NAME)))
    if problems:
        checked = Wanted(wanted.settings, wanted.ordering, problems)
        return _page(visit, pool, checked, form, 422, user=form("user"), saved=0, example=None)
    return await save(visit, form, Target(pool_id, "page"), PoolDraft(settings=wanted.settings, ordering=wanted.ordering))


@router.get("/health")
async def health(visit: Viewer, pool_id: PoolId) -> Response:
    """What the pool's pages held in the last hour, by source."""
    visit.check_pool(pool_id)
    return visit.page("part_health.html", health=await health_of_pool(visit.parts, pool_id))


@router.post("/example")
async def example(visit: Viewer, pool_id: PoolId) -> Response:
    """The example page by what the form says now."""
    pool, form = await pool_of(visit, pool_id), await read_form(visit)
    wanted = read_wanted(visit, form, pool)
    if wanted.problems:
        raise Refused(wanted.problems)
    return visit.page("part_example.html", example=await _example(visit, pool, wanted, form("user")))


def read_wanted(visit: Visit, form: Form, pool: Pool) -> Wanted:
    """Settings and weights of the form; what cannot be read keeps its value, and is a mistake."""
    problems: list[Problem] = []

    def whole(name: str, kept: int) -> int:
        text = form(name)
        if text.isascii() and text.isdigit() and len(text) < 8:
            return int(text)
        problems.append(Problem(f"settings.{name}", shown(text), "a whole number is allowed"))
        return kept

    most = whole("max_size", 1) if form("max_size") else None
    cut_by = form("cut_by")
    level = whole("spread_level", 1) if form("spread_level") else None
    exhausted = form("when_exhausted")
    settings = PoolSettings(
        max_per_category=whole("max_per_category", DEFAULTS.max_per_category),
        seen_size=whole("seen_size", DEFAULTS.seen_size),
        spread_level=level,
        when_exhausted="repeat_oldest" if exhausted == "repeat_oldest" else "stop",
        max_size=most,
        cut_by=next((one for one in CUT_BYS if one == cut_by), DEFAULTS.cut_by),
        sources=_shares(form, problems),
        max_per_seller=whole("max_per_seller", 1) if form("max_per_seller") else None,
        own_relations=form("own_relations") == "yes",
    )
    weights = {name: weight for name, weight in pool.ordering.weights.items() if name not in WEIGHED}
    for name in WEIGHED:
        weight = _weight(form(f"weight-{name}"))
        if weight is None:
            problems.append(
                Problem(f"ordering.weights.{name}", shown(form(f"weight-{name}")), f"a weight from 0 to {MAX_WEIGHT:g} is allowed")
            )
        elif weight or name in pool.ordering.weights:  # nought and nothing said are one
            weights[name] = weight
    boost, unread_boost = read_adjustments(form, "boost")
    bury, unread_bury = read_adjustments(form, "bury")
    quotas, unread_quotas = read_quotas(form)
    diversity = _number(form("diversity") or "0")
    if diversity is None:
        problems.append(Problem("ordering.diversity", shown(form("diversity")), "a number is allowed"))
    ordering = structs.replace(pool.ordering, weights=weights, boost=boost, bury=bury, quotas=quotas, diversity=diversity or 0.0)
    problems += [*unread_boost, *unread_bury, *unread_quotas]
    if not problems:
        problems = check_settings(settings, ordering) + adjustment_problems(visit.parts.recaller.ports.catalogue, ordering)
    return Wanted(settings, ordering, problems)


def _shares(form: Form, problems: list[Problem]) -> dict[str, float]:
    """The shares of sources that are not left to the settings; what is no number is a mistake."""
    typed = {name: text for name in DEFAULT_SHARES if (text := form(f"share-{name}"))}
    shares: dict[str, float] = {}
    for name, text in typed.items():
        try:
            shares[name] = float(text)
        except ValueError:
            problems.append(problem(f"settings.sources.{name}", shown(text), "pool.share"))
    return shares


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _weight(text: str) -> float | None:
    weight = _number(text)
    return weight if weight is not None and 0 <= weight <= MAX_WEIGHT else None


class Example(Struct, frozen=True):
    """The page as it would be; `before` has the place of each item as it is now, from 1."""

    shown: Shown
    before: dict[str, int]
    is_changed: bool


async def _example(visit: Visit, pool: Pool, wanted: Wanted | None, user: str) -> Example:
    recaller = visit.parts.recaller
    known = recaller.ports.catalogue.get(pool.pool_id)
    asked = Asked(Identity(user or None, None), SIZE)
    now = await dry_page(recaller, known, asked)
    before = {item.item_id: place for place, item in enumerate(now.page.items, start=1)}
    if wanted is None or (wanted.settings, wanted.ordering) == (pool.settings, pool.ordering):
        return Example(now, before, is_changed=False)
    changed = varied(recaller.ports.catalogue, known, wanted.settings, wanted.ordering)
    return Example(await dry_page(recaller, changed, asked), before, is_changed=True)


def _page(visit: Visit, pool: Pool, wanted: Wanted, form: Form, status: int = OK, **values: Any) -> Response:
    errors = {one.path: f"{visit.words.said(one)} ({one.found})" for one in wanted.problems}
    typed = cast("dict[str, Any]", {name: form(name) for name, _ in form})
    return visit.page(
        "pool_page.html",
        status,
        here="pools",
        tab="page",
        pool=pool,
        wanted=wanted,
        typed=typed,
        errors=errors,
        weighed=WEIGHED,
        max_weight=MAX_WEIGHT,
        defaults=DEFAULT_WEIGHTS,
        cut_bys=CUT_BYS,
        max_sizes=MAX_SIZES,
        shares=visit.parts.recaller.settings.shares,
        form=form,
        adjusted=typed_rows(form) if status != OK else rows_of(wanted.ordering),
        quotas=typed_quotas(form) if status != OK else quota_rows(wanted.ordering.quotas),
        **values,
    )
