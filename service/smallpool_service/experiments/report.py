"""What came of an experiment: figures of each bucket with their intervals, lifts over the control, whether its people are whole.

In: an experiment, what was served and what followed. Out: a `Report`. Pages that testers asked for count nowhere, nor do people who were
met in several buckets, of whom there are none unless ids were mixed up.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from smallpool_core.errors import Problem, Refused
from smallpool_core.experiment_ports import Moments, OpensOutcomes, Outcomes, People
from smallpool_core.experiments import Experiment
from smallpool_core.ports import Clock, EventLog
from smallpool_service.experiments.following import WINDOW_MS, Progress, Span, apart, follow
from smallpool_service.experiments.statistics import LEVEL, NO_LIFT, NOTHING, Estimate, Lift, estimate, lift, people_needed, sample_ratio

FIGURES: Final = ("clicks_per_user", "click_users", "orders_per_user", "bids_per_user", "click_rate", "bid_rate")
"""The first three are those that the small pool's first trial was judged by: clicks and orders a person, and how many people click."""
BY_SOURCE: Final = ("click_rate", "bid_rate")
MISMATCH: Final = 0.001
"""A sample ratio less likely than this is no accident: the experiment's figures are not to be believed."""
FINDABLE: Final = 0.05
"""The relative effect for which `needed` says how many people it takes."""


class BucketFigure(Struct, frozen=True):
    """One figure of one bucket; the control has no lift. For `click_users`, `count` is how many people clicked."""

    bucket: str
    value: float | None
    low: float | None
    high: float | None
    count: float
    lift: Lift


class FigureReport(Struct, frozen=True):
    """One figure of all buckets, the control first. `source` is empty for whole pages. `needed`: people a bucket with which a lift of 5 %
    would be found four times in five, by what the control varies; None where that is not known.
    """

    figure: str
    source: str
    buckets: list[BucketFigure]
    needed: int | None = None


class Report(Struct, frozen=True, kw_only=True):
    """An experiment between two times (ms). `ratio_p` is how likely people are spread so, or more oddly, by the buckets' shares;
    `is_whole` is false where that is too unlikely to be chance.
    """

    experiment_id: str
    state: str
    layer: str
    since: int
    until: int
    window_ms: int
    level: float = LEVEL
    people: dict[str, int]
    shares: dict[str, float]
    mixed: int
    forced_pages: int
    ratio_p: float | None
    is_whole: bool
    figures: list[FigureReport]
    by_source: list[FigureReport]


class Asked(Struct, frozen=True):
    """Which span of an experiment is asked for; by default all of it. `stop` (ms) is when an answer comes too late."""

    since: int | None = None
    until: int | None = None
    window_ms: int = WINDOW_MS
    stop: int | None = None


async def report(
    log: EventLog, clock: Clock, opens: OpensOutcomes, experiment: Experiment, asked: Asked, progress: Progress | None = None
) -> Report:
    """The report. Raises `Refused` for an experiment that never ran, unless a time is named, and what `follow` does."""
    since = experiment.started_at if asked.since is None else asked.since
    if since is None:
        raise Refused([Problem("since", "nothing", "the experiment has not run: start it, or name a time to look from")])
    now = clock.now_ms() + 1
    until = (now if experiment.ended_at is None else experiment.ended_at + 1) if asked.until is None else asked.until
    with opens() as outcomes:
        span = Span(since, until, asked.window_ms, asked.stop)
        await follow(log, clock, outcomes, span, progress)
        people, moments = await apart(_asked, outcomes, experiment)
    return told(experiment, span, people, moments)


def told(experiment: Experiment, span: Span, people: People, moments: list[Moments]) -> Report:
    """The report of sums."""
    names = [one.name for one in experiment.buckets]
    counts = {name: people.by_bucket.get(name, 0) for name in names}
    shares = {one.name: one.share for one in experiment.buckets}
    ratio_p = sample_ratio(list(counts.values()), list(shares.values()))
    by_key = {(one.figure, one.source, one.bucket): one for one in moments}
    sources = sorted({one.source for one in moments} - {""})
    return Report(
        experiment_id=experiment.experiment_id,
        state=experiment.state,
        layer=experiment.layer,
        since=span.since,
        until=span.until,
        window_ms=span.window_ms,
        people=counts,
        shares=shares,
        mixed=people.mixed,
        forced_pages=people.forced_pages,
        ratio_p=ratio_p,
        is_whole=ratio_p is None or ratio_p >= MISMATCH,
        figures=[_figure(figure, "", names, by_key) for figure in FIGURES],
        by_source=[_figure(figure, source, names, by_key) for source in sources for figure in BY_SOURCE],
    )


def _asked(outcomes: Outcomes, experiment: Experiment) -> tuple[People, list[Moments]]:
    which = (experiment.layer, experiment.experiment_id)
    return outcomes.people(*which), outcomes.moments(*which)


def _figure(figure: str, source: str, names: list[str], by_key: Mapping[tuple[str, str, str], Moments]) -> FigureReport:
    sums = [by_key.get((figure, source, name)) for name in names]
    found = [NOTHING if one is None else estimate(one) for one in sums]
    buckets = [
        BucketFigure(name, one.value, one.low, one.high, 0 if of is None else of.x, NO_LIFT if place == 0 else lift(found[0], one))
        for place, (name, one, of) in enumerate(zip(names, found, sums, strict=True))
    ]
    return FigureReport(figure, source, buckets, _needed(found[0], sums[0]))


def _needed(control: Estimate, sums: Moments | None) -> int | None:
    if sums is None or not control.value or control.variance <= 0:
        return None
    return people_needed(control.value, control.variance * sums.people, FINDABLE)
