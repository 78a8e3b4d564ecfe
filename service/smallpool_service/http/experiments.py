"""Experiments over HTTP: listed, made, changed under If-Match, ended, reported on; every change is a revision with its author.

In: drafts of experiments. Out: experiments with their ETag; 412 with what is stored where somebody else was faster; a report.
"""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from msgspec import UNSET

from smallpool_core.access import ApiKey
from smallpool_core.errors import NotFound, Problem, Refused, RevisionStale
from smallpool_core.experiments import Experiment, ExperimentDraft, ExperimentRevision, ExperimentState
from smallpool_service.experiments.following import WINDOW_MS
from smallpool_service.experiments.operating import newest_revision, save_experiment
from smallpool_service.experiments.report import Asked, Report
from smallpool_service.http.auth import Needs
from smallpool_service.http.bodies import Identifier, body_of
from smallpool_service.http.experiment_bodies import (
    BODY,
    EXPERIMENT,
    REPORT,
    EndBody,
    ExperimentChange,
    ExperimentHistory,
    ExperimentList,
    ExperimentRevisionView,
    NewExperiment,
)
from smallpool_service.http.limits import deadline_of
from smallpool_service.http.parts import Parts, ServiceParts
from smallpool_service.http.pool_bodies import etag, expected_revision
from smallpool_service.http.pools import change_by
from smallpool_service.http.problems import HttpProblem
from smallpool_service.http.replies import documented, reply
from smallpool_service.http.routing import in_path

READS = Needs("viewer")
WRITES = Needs("operator")
REPORT_MS: Final = 20_000
"""Time to report in where the caller sets none."""
IfMatch = Annotated[str | None, Header(description='The revision you read, in quotes: `"3"`.')]
ExperimentId = Annotated[Identifier, in_path, Path(description="The experiment's id.", examples=["wider-pages"])]
CHANGES = (400, 404, 412, 413, 428, 507)

router = APIRouter(tags=["experiments"], prefix="/v1/experiments")


def may_see_experiment(key: ApiKey, experiment: Experiment) -> bool:
    """Whether an experiment is the key's business: one that is limited to pools knows experiments that are in those pools alone."""
    return not key.pools or (bool(experiment.pools) and set(experiment.pools) <= set(key.pools))


@router.get(
    "",
    **documented(
        name="listExperiments", summary="All experiments", reply=ExperimentList, example={"experiments": [EXPERIMENT]}, needs=READS
    ),
)
async def list_experiments(
    parts: Parts,
    key: Annotated[ApiKey, Depends(READS)],
    state: Annotated[ExperimentState | None, Query(description="Only experiments in this state.")] = None,
) -> Response:
    """Those that the key may see, by id."""
    found = [one.experiment for one in await parts.experiments.store.newest()]
    return reply(ExperimentList([one for one in found if may_see_experiment(key, one) and state in (None, one.state)]))


@router.post(
    "",
    **documented(
        name="createExperiment",
        summary="Makes an experiment",
        reply=Experiment,
        example=EXPERIMENT | {"revision": 1, "state": "draft", "started_at": None},
        status=201,
        needs=WRITES,
        problems=(400, 409, 413, 507),
        body=NewExperiment,
        body_example=BODY,
    ),
)
async def create_experiment(
    parts: Parts, key: Annotated[ApiKey, Depends(WRITES)], body: Annotated[NewExperiment, Depends(body_of(NewExperiment))]
) -> Response:
    """A draft unless it is made running. Every mistake is named, and so is another experiment that has these people already."""
    try:
        saved = await _save(parts, key, body.experiment_id, body.draft(), None, body.reason)
    except RevisionStale as error:
        detail = f"there is an experiment {body.experiment_id!r} already, at revision {error.current}; change it, or choose another id"
        raise HttpProblem(409, "experiment-exists", detail) from None
    headers = etag(saved.revision) | {"Location": f"/v1/experiments/{quote(saved.experiment_id, safe='')}"}
    return reply(saved, 201, headers)


@router.get(
    "/{experiment_id}",
    **documented(name="getExperiment", summary="One experiment", reply=Experiment, example=EXPERIMENT, needs=READS, problems=(404,)),
)
async def read_experiment(parts: Parts, key: Annotated[ApiKey, Depends(READS)], experiment_id: ExperimentId) -> Response:
    """Its newest revision; the ETag is what `If-Match` takes."""
    found = (await seen(parts, key, experiment_id)).experiment
    return reply(found, headers=etag(found.revision))


@router.put(
    "/{experiment_id}",
    **documented(
        name="changeExperiment",
        summary="Changes an experiment",
        reply=Experiment,
        example=EXPERIMENT,
        needs=WRITES,
        problems=CHANGES,
        body=ExperimentChange,
        body_example={"state": "running", "reason": "go"},
    ),
)
async def change_experiment(
    parts: Parts,
    key: Annotated[ApiKey, Depends(WRITES)],
    body: Annotated[ExperimentChange, Depends(body_of(ExperimentChange))],
    experiment_id: ExperimentId,
    if_match: IfMatch = None,
) -> Response:
    """What is left out stays. Layer, pools and buckets are fixed once it runs; its traffic may widen and shrink."""
    if body.experiment_id not in (None, experiment_id):
        raise Refused([Problem("experiment_id", repr(body.experiment_id), f"the id of this experiment, {experiment_id!r}, is allowed")])
    return await _changed(parts, key, experiment_id, body.draft(), expected_revision(if_match), body.reason)


@router.post(
    "/{experiment_id}/end",
    **documented(
        name="endExperiment",
        summary="Ends an experiment",
        reply=Experiment,
        example=EXPERIMENT | {"state": "ended", "ended_at": 1750600000000},
        needs=WRITES,
        problems=CHANGES,
        body=EndBody,
        body_example={"reason": "two weeks are over"},
        body_required=False,
    ),
)
async def end_experiment(
    parts: Parts,
    key: Annotated[ApiKey, Depends(WRITES)],
    body: Annotated[EndBody, Depends(body_of(EndBody, may_be_empty=True))],
    experiment_id: ExperimentId,
    if_match: IfMatch = None,
) -> Response:
    """Its people are as everybody again, within a second. It is kept with its report, and never runs again."""
    return await _changed(parts, key, experiment_id, ExperimentDraft(state="ended"), expected_revision(if_match), body.reason)


@router.get(
    "/{experiment_id}/revisions",
    **documented(
        name="listExperimentRevisions",
        summary="The history of an experiment",
        reply=ExperimentHistory,
        example={
            "revisions": [{"experiment": EXPERIMENT, "author": "shop desk (k_4f1c9a0be2d37758)", "reason": "go", "at": 1750000000000}]
        },
        needs=READS,
        problems=(404,),
    ),
)
async def list_experiment_revisions(parts: Parts, key: Annotated[ApiKey, Depends(READS)], experiment_id: ExperimentId) -> Response:
    """Every change with who made it, why and when, newest first; none is ever changed."""
    await seen(parts, key, experiment_id)
    found = await parts.experiments.store.revisions(experiment_id)
    return reply(ExperimentHistory([ExperimentRevisionView(one.experiment, one.author, one.reason, one.at) for one in found]))


@router.get(
    "/{experiment_id}/report",
    **documented(name="reportExperiment", summary="What came of an experiment", reply=Report, example=REPORT, needs=READS, problems=(404,)),
)
async def report_experiment(
    request: Request,
    parts: Parts,
    key: Annotated[ApiKey, Depends(READS)],
    experiment_id: ExperimentId,
    since: Annotated[int | None, Query(description="Pages from this time on (epoch ms); else from its start.")] = None,
    until: Annotated[int | None, Query(description="Pages before this time (epoch ms); else up to its end, or now.")] = None,
    window_s: Annotated[int, Query(ge=1, le=604_800, description="How long after a page an act may be its doing.")] = WINDOW_MS // 1000,
) -> Response:
    """Figures of each bucket with their intervals, lifts over the control, and whether people are spread as they should be.

    A span whose logs cannot be read in time is refused: choose a shorter one.
    """
    found = (await seen(parts, key, experiment_id)).experiment
    asked = Asked(since, until, window_s * 1000, deadline_of(request) or parts.now() + REPORT_MS)
    ports = parts.recaller.ports
    return reply(await parts.experiments.report(ports.log, ports.clock, found, asked))


async def seen(parts: ServiceParts, key: ApiKey, experiment_id: str) -> ExperimentRevision:
    """The experiment as it stands; raises `NotFound` also for one that is not the key's business."""
    found = await newest_revision(parts.experiments.store, experiment_id)
    if not may_see_experiment(key, found.experiment):
        raise NotFound("experiment", experiment_id)
    return found


async def _save(
    parts: ServiceParts, key: ApiKey, experiment_id: str, draft: ExperimentDraft, expected: int | None, reason: str | None
) -> Experiment:
    check_pools(key, draft, is_new=expected is None)
    desk = parts.experiments
    saved = await save_experiment(desk.store, desk.known, experiment_id, draft, change_by(parts, key, expected, reason))
    return saved.experiment


def check_pools(key: ApiKey, draft: ExperimentDraft, *, is_new: bool) -> None:
    """Raises a problem of status 403 where a key that is limited to pools would experiment in others."""
    if draft.pools is UNSET and not is_new:
        return
    pools = () if draft.pools is UNSET else draft.pools
    if key.pools and not (pools and set(pools) <= set(key.pools)):
        raise HttpProblem(403, "limited-key", f"the key {key.key_id} is limited to {', '.join(key.pools)}: name `pools` among these")


async def _changed(
    parts: ServiceParts, key: ApiKey, experiment_id: str, draft: ExperimentDraft, expected: int, reason: str | None
) -> Response:
    await seen(parts, key, experiment_id)
    try:
        saved = await _save(parts, key, experiment_id, draft, expected, reason)
    except RevisionStale as error:
        current = (await newest_revision(parts.experiments.store, experiment_id)).experiment
        raise HttpProblem(412, "revision-stale", str(error), headers=etag(current.revision), current=current) from None
    return reply(saved, headers=etag(saved.revision))
