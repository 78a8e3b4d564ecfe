"""Experiments on simulated people, whose truth is known: how often the report finds an effect that is there, or that is not.

In: seeds, an effect. Out: the p-values of the report, made by the same hash of people into buckets, the same join and the same statistics
as those of real ones; pages and acts alone are made up.

A person looks at one to six pages of ten and clicks by a taste of their own, which is Beta(1.2, 10.8) over people, so a tenth on the mean
and far from equal; one click in twelve ends in an order. In every bucket but the control clicks are `effect` more likely.
"""

from collections.abc import Callable
from random import Random
from typing import Final

import msgspec
from msgspec import Struct

from smallpool_core.events import encode_user_event
from smallpool_core.experiment_ports import OpensOutcomes
from smallpool_core.experiments import SEPARATOR, Bucket, Experiment
from smallpool_core.users import Identity, UserEvent
from smallpool_service.experiments.following import Span
from smallpool_service.experiments.report import Report, told
from smallpool_service.experiments.statistics import LEVEL
from smallpool_service.served import ServedItem, ServedPage

LINES: Final = 10
TASTE: Final = (1.2, 10.8)
ORDERS: Final = 1 / 12
SOURCES: Final = ("newest", "popular", "terms")
BEGAN: Final = 1_750_000_000_000
MINUTE_MS: Final = 60_000
JUDGED: Final = ("clicks_per_user", "click_users", "orders_per_user", "click_rate")
_encode = msgspec.json.Encoder().encode


class Trial(Struct, frozen=True):
    """One simulated experiment: its seed, the p-value of each figure, and its people being spread as they should be."""

    seed: int
    p_values: dict[str, float | None]
    ratio_p: float | None


class Trials(Struct, frozen=True):
    """All of them: `found` of `judged` comparisons called an effect at `level`. With no effect that share is the rate of false positives,
    nominally 1 - level; with one it is the power.
    """

    effect: float
    people: int
    level: float
    judged: int
    found: int
    by_figure: dict[str, int]
    trials: list[Trial]

    @property
    def share(self) -> float:
        """The share of comparisons that found something."""
        return self.found / self.judged if self.judged else 0.0


def simulate(opens: OpensOutcomes, seeds: range, people: int, effect: float, progress: Callable[[int, int], None] | None = None) -> Trials:
    """An experiment of two halves for each seed."""
    trials = []
    for done, seed in enumerate(seeds):
        if progress is not None:
            progress(done, len(seeds))
        trials.append(_trial(seed, simulated_report(opens, seed, people, effect)))
    calls = {figure: sum(is_found(trial.p_values[figure]) for trial in trials) for figure in JUDGED}
    judged = sum(trial.p_values[figure] is not None for trial in trials for figure in JUDGED)
    return Trials(effect, people, LEVEL, judged, sum(calls.values()), calls, trials)


def is_found(p_value: float | None) -> bool:
    """Whether a comparison calls an effect: one that is so large that its p-value is 0 too."""
    return p_value is not None and p_value < 1 - LEVEL


def simulated_report(opens: OpensOutcomes, seed: int, people: int, effect: float) -> Report:
    """The report of one experiment."""
    halves = (Bucket("control", 0.5), Bucket("treated", 0.5))
    experiment = Experiment(f"simulated-{seed}", "simulated", "main", "running", halves, (), 0.0, 1.0, 1, 1, BEGAN)
    draw = Random(seed)  # noqa: S311, it makes load, it guards nothing
    span = Span(BEGAN, BEGAN + 7 * MINUTE_MS)
    with opens() as outcomes:
        for number in range(people):
            pages, acts = _person(draw, experiment, f"s{seed}-{number}", effect)
            outcomes.add("served", pages)
            outcomes.add("user-events", acts)
        outcomes.attribute(span.since, span.until, span.window_ms)
        which = (experiment.layer, experiment.experiment_id)
        return told(experiment, span, outcomes.people(*which), outcomes.moments(*which))


def _person(draw: Random, experiment: Experiment, user_id: str, effect: float) -> tuple[list[bytes], list[bytes]]:
    bucket = experiment.bucket_of(Identity(user_id, None).key).name
    taste = draw.betavariate(*TASTE) * (1 if bucket == experiment.buckets[0].name else 1 + effect)
    pages, acts = [], []
    for page in range(draw.randint(1, 6)):
        request_id, at = f"{user_id}-{page}", BEGAN + page * MINUTE_MS
        items = [ServedItem(f"{request_id}-{place}", [draw.choice(SOURCES)], 0.5, {}) for place in range(LINES)]
        names = {experiment.layer: f"{experiment.experiment_id}{SEPARATOR}{bucket}"}
        pages.append(_encode(ServedPage(request_id, "simulated", user_id, None, names, items, at)))
        for item in items:
            if draw.random() < taste:
                acts.append(UserEvent("click", at + 1_000, user_id, item_id=item.item_id, request_id=request_id))
                if draw.random() < ORDERS:
                    acts.append(UserEvent("purchase", at + 2_000, user_id, item_id=item.item_id))
    return pages, [encode_user_event(act) for act in acts]


def _trial(seed: int, report: Report) -> Trial:
    found = {one.figure: one.buckets[1].lift.p_value for one in report.figures}
    return Trial(seed, {figure: found[figure] for figure in JUDGED}, report.ratio_p)
