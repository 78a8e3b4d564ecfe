"""Experiments: listed, made and changed, started and ended, and what came of them.

In: forms. Out: pages; a refused form once more, with every mistake.
"""

from typing import Annotated, Any, Final

from fastapi import Query, Response

from smallpool_core.errors import NotFound, Problem, Refused, RevisionStale
from smallpool_core.experiments import Experiment, ExperimentDraft, ExperimentRevision
from smallpool_core.row_reader import MAX_ID, shown
from smallpool_service.console.desk import Operator, Viewer, Visit
from smallpool_service.console.experiment_form import draft_of, typed_of
from smallpool_service.console.forms import Form, read_form
from smallpool_service.console.look import in_address
from smallpool_service.console.routes import console_router
from smallpool_service.console.saving import revision_of
from smallpool_service.experiments.operating import newest_revision, save_experiment
from smallpool_service.experiments.report import Asked, FigureReport, Report
from smallpool_service.http.experiments import ExperimentId, check_pools, may_see_experiment
from smallpool_service.operators import Change

PATIENCE_MS: Final = 10_000
SHARES: Final = frozenset({"click_users", "click_rate", "bid_rate"})
MAX_DAYS: Final = 7
DAY_MS: Final = 86_400_000
BLANK: Final = Experiment("", "", "main", "draft", (), (), 0.0, 1.0, 0, 0)

router = console_router()


@router.get("/experiments")
async def experiments(visit: Viewer) -> Response:
    """All of them that the key may see, those that run first."""
    order = ("running", "draft", "ended")
    found = [one for one in await visit.parts.experiments.store.newest() if may_see_experiment(visit.key, one.experiment)]
    found.sort(key=lambda one: (order.index(one.experiment.state), one.experiment.experiment_id))
    return visit.page("experiments.html", here="experiments", found=found)


@router.get("/new-experiment")
async def new_experiment(visit: Operator) -> Response:
    """An empty form."""
    return _form(visit, BLANK, typed_of(BLANK), [])


@router.post("/new-experiment")
async def make_experiment(visit: Operator) -> Response:
    """Makes a draft."""
    form = await read_form(visit)
    try:
        return visit.go(f"{_address(await _save(visit, form, form('experiment_id'), draft_of(form), is_new=True))}?saved=1")
    except Refused as error:
        return _form(visit, BLANK, form, list(error.problems), status=422)
    except RevisionStale:
        taken = Problem("experiment_id", shown(form("experiment_id")), visit.words("experiments.taken"))
        return _form(visit, BLANK, form, [taken], status=422)


@router.get("/experiments/{experiment_id}")
async def experiment_page(visit: Viewer, experiment_id: ExperimentId, saved: int = 0) -> Response:
    """One of them: its buckets, its state, its history."""
    found = await _seen(visit, experiment_id)
    return await _page(visit, found, typed_of(found.experiment), [], saved=saved)


@router.post("/experiments/{experiment_id}")
async def change_experiment(visit: Operator, experiment_id: ExperimentId) -> Response:
    """Saves the form."""
    return await _changed(visit, experiment_id, await read_form(visit), of_form=True)


@router.post("/experiments/{experiment_id}/state")
async def move_experiment(visit: Operator, experiment_id: ExperimentId) -> Response:
    """Starts it, or ends it."""
    return await _changed(visit, experiment_id, await read_form(visit), of_form=False)


@router.get("/experiments/{experiment_id}/report")
async def report_page(visit: Viewer, experiment_id: ExperimentId, days: Annotated[int, Query(ge=0, le=MAX_DAYS)] = 0) -> Response:
    """What came of it: of all its time, or of its last days."""
    found = (await _seen(visit, experiment_id)).experiment
    made: Report | None = None
    problems: list[Problem] = []
    try:
        if found.started_at is not None:
            ports = visit.parts.recaller.ports
            end = found.ended_at or visit.parts.now()
            since = max(found.started_at, end - days * DAY_MS) if days else None
            asked = Asked(since=since, stop=visit.parts.now() + PATIENCE_MS)
            made = await visit.parts.experiments.report(ports.log, ports.clock, found, asked)
    except Refused as error:
        problems = list(error.problems)
    values: dict[str, Any] = {"report": made, "problems": problems, "days": days, "max_days": MAX_DAYS, "shares": SHARES}
    reach = _reach([] if made is None else [*made.figures, *made.by_source])
    return visit.page("experiment_report.html", 422 if problems else 200, here="experiments", one=found, reach=reach, **values)


def _reach(figures: list[FigureReport]) -> float:
    """The farthest end of any lift's interval, at most 2, so that all are drawn to one scale."""
    ends = [abs(end) for figure in figures for each in figure.buckets for end in (each.lift.low, each.lift.high) if end is not None]
    return min(2.0, max(ends, default=0.0)) or 1.0


async def _changed(visit: Visit, experiment_id: str, form: Form, *, of_form: bool) -> Response:
    found = await _seen(visit, experiment_id)
    try:
        draft = draft_of(form) if of_form else _moved(form("state"))
        revision = await _save(visit, form, experiment_id, draft, is_new=False)
    except Refused as error:
        return await _page(visit, found, form if of_form else typed_of(found.experiment), list(error.problems), status=422)
    except RevisionStale as error:
        stale = Problem("revision", form("revision"), visit.words("experiments.stale", current=error.current))
        return await _page(visit, found, typed_of(found.experiment), [stale], status=409)
    return visit.go(f"{_address(revision)}?saved={revision.experiment.revision}")


def _moved(state: str) -> ExperimentDraft:
    if state not in {"running", "ended"}:
        raise Refused([Problem("state", shown(state), "running, ended")])
    return ExperimentDraft(state="running" if state == "running" else "ended")


async def _save(visit: Visit, form: Form, experiment_id: str, draft: ExperimentDraft, *, is_new: bool) -> ExperimentRevision:
    check_pools(visit.key, draft, is_new=is_new)
    desk = visit.parts.experiments
    expected = None if is_new else revision_of(form) or 0
    return await save_experiment(
        desk.store, desk.known, experiment_id, draft, Change(visit.author, form("reason"), visit.parts.now(), expected)
    )


async def _seen(visit: Visit, experiment_id: str) -> ExperimentRevision:
    found = await newest_revision(visit.parts.experiments.store, experiment_id[:MAX_ID])
    if not may_see_experiment(visit.key, found.experiment):
        raise NotFound("experiment", experiment_id)
    return found


async def _page(
    visit: Visit, found: ExperimentRevision, typed: Form, problems: list[Problem], *, saved: int = 0, status: int = 200
) -> Response:
    history = await visit.parts.experiments.store.revisions(found.experiment.experiment_id)
    return _form(visit, found.experiment, typed, problems, history=history, saved=saved, status=status)


def _form(
    visit: Visit,
    one: Experiment,
    typed: Form,
    problems: list[Problem],
    *,
    history: list[ExperimentRevision] | None = None,
    saved: int = 0,
    status: int = 200,
) -> Response:
    rows = max(4, len(one.buckets) + 1, sum(name.endswith("-name") for name, _ in typed))
    values: dict[str, Any] = {"one": one, "typed": typed, "problems": problems, "rows": rows, "history": history or [], "saved": saved}
    return visit.page("experiment.html", status, here="experiments", **values)


def _address(revision: ExperimentRevision) -> str:
    return f"/console/experiments/{in_address(revision.experiment.experiment_id)}"
