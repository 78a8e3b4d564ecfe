"""Experiments: layers that split all people independently of each other, and buckets that override the recall settings of pools.

In: drafts as operators send them; a person's key. Out: revisions that keep apart what runs in one layer; the bucket of a person.

Where a person stands in a layer is SHA-256 of `layer:identity`, as one of `SLOTS` places; which of an experiment's buckets is theirs is
SHA-256 of `layer/experiment:identity`, so that the buckets of one experiment do not hold on to those of the one before in its layer.
(Layers after Tang, Agarwal, O'Brien and Meyer, Overlapping experiment infrastructure, KDD 2010.)
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from math import isfinite
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType, ValidationError, convert, field, structs, to_builtins

from smallpool_core.errors import NotFound, Problem, Refused, RevisionStale
from smallpool_core.messages import problem
from smallpool_core.plain_text import text_problem
from smallpool_core.pools import MAX_NAME, Ordering, Pool, PoolSettings, check_settings
from smallpool_core.row_reader import MAX_ID, shown

ExperimentState = Literal["draft", "running", "ended"]
SLOTS: Final = 10_000
"""Into so many places a layer splits people; shares are whole numbers of them."""
MAX_BUCKETS: Final = 20
SEPARATOR: Final = ":"
"""Between an experiment and one of its buckets, in pages and in what testers ask for; no id of either holds it."""
FIXED: Final = ("cut_by", "max_size", "own_relations")
"""What a pool holds, and what is computed of that once a day, is one thing for everybody, so no bucket says otherwise."""
_ORDER: Final = ("draft", "running", "ended")


class Bucket(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One part of an experiment's people: its `share` of them, and what is different for them. `settings` and `ordering` are those of a
    pool, as far as they differ (tables, such as weights, key by key); `read` are settings of the read path. An experiment's first bucket is
    its control.
    """

    name: str
    share: float
    settings: dict[str, Any] = {}
    ordering: dict[str, Any] = {}
    read: dict[str, Any] = {}


class Experiment(Struct, frozen=True):
    """One revision of an experiment. It has the people whose place in the layer lies from `traffic_from` until before `traffic_until`,
    shares of the whole layer, in `pools` (none named: in all). Times in ms.
    """

    experiment_id: str
    name: str
    layer: str
    state: ExperimentState
    buckets: tuple[Bucket, ...]
    pools: tuple[str, ...]
    traffic_from: float
    traffic_until: float
    revision: int
    epoch: int
    started_at: int | None = None
    ended_at: int | None = None

    def bucket(self, name: str) -> Bucket | None:
        """The bucket of this name."""
        return next((one for one in self.buckets if one.name == name), None)

    def holds(self, identity: str) -> bool:
        """Whether the person is among the experiment's people."""
        return _slots(self.traffic_from) <= slot(self.layer, identity) < _slots(self.traffic_until)

    def bucket_of(self, identity: str) -> Bucket:
        """The bucket of one of the experiment's people."""
        place, upto = slot(f"{self.layer}/{self.experiment_id}", identity), 0
        for one in self.buckets:
            upto += _slots(one.share)
            if place < upto:
                return one
        return self.buckets[-1]


class ExperimentDraft(Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator sends to make or change an experiment; what is left out keeps its value, or its default when new."""

    name: str | UnsetType = UNSET
    layer: str | UnsetType = UNSET
    state: ExperimentState | UnsetType = UNSET
    buckets: tuple[Bucket, ...] | UnsetType = UNSET
    pools: tuple[str, ...] | UnsetType = UNSET
    traffic_from: float | UnsetType = UNSET
    traffic_until: float | UnsetType = UNSET


class ExperimentRevision(Struct, frozen=True):
    """The audit record of one change, and the change itself. `at` in ms."""

    experiment: Experiment
    author: str
    reason: str
    at: int


class ExperimentBook(Struct, frozen=True):
    """Every experiment by id as of `epoch`, the number of changes that were ever made to any."""

    epoch: int = 0
    experiments: Mapping[str, Experiment] = field(default_factory=dict)

    def with_changes(self, revisions: Iterable[ExperimentRevision]) -> "ExperimentBook":
        """The book after these revisions, which rise by epoch."""
        taken = {one.experiment.experiment_id: one.experiment for one in revisions}
        return self if not taken else ExperimentBook(max(one.epoch for one in taken.values()), {**self.experiments, **taken})

    def running(self) -> list[Experiment]:
        """Experiments that have people, by id."""
        return sorted((one for one in self.experiments.values() if one.state == "running"), key=lambda one: one.experiment_id)


def slot(salt: str, identity: str) -> int:
    """A person's place among `SLOTS`, even over all people and independent from salt to salt."""
    return int.from_bytes(sha256(f"{salt}:{identity}".encode("utf-8", "surrogatepass")).digest()[:8]) % SLOTS


def revised_experiment(experiment_id: str, draft: ExperimentDraft, book: ExperimentBook, expected: int | None, now: int) -> Experiment:
    """The experiment after the draft. Raises `NotFound` or `RevisionStale` where the draft is of another revision than the book's, and
    `Refused` with every mistake: of the draft, of what may not change once it runs, and people that another experiment of the layer has.
    """
    stored = book.experiments.get(experiment_id)
    if stored is None and expected is not None:
        raise NotFound("experiment", experiment_id)
    if stored is not None and expected != stored.revision:
        raise RevisionStale(experiment_id, expected or 0, stored.revision, "experiment")
    before = stored or Experiment(experiment_id, experiment_id, "main", "draft", (), (), 0.0, 1.0, 0, 0)
    changes = {name: value for name, value in structs.asdict(draft).items() if value is not UNSET}
    after = structs.replace(before, **changes, revision=before.revision + 1, epoch=book.epoch + 1)
    if after.state == "running" and before.state == "draft":
        after = structs.replace(after, started_at=now)
    if after.state == "ended" and before.state != "ended":
        after = structs.replace(after, ended_at=now)
    problems = check_experiment(after) + _fixed(before, after) + _taken(after, book)
    if problems:
        raise Refused(problems)
    return after


def check_experiment(experiment: Experiment) -> list[Problem]:
    """Every limit that an experiment by itself breaks."""
    problems = [_id_problem("experiment_id", experiment.experiment_id), _id_problem("layer", experiment.layer)]
    if (wrong := text_problem(experiment.name, MAX_NAME)) is not None:
        problems.append(Problem("name", shown(experiment.name), wrong))
    start, end = experiment.traffic_from, experiment.traffic_until
    problems += [_share_problem("traffic_from", start), _share_problem("traffic_until", end)]
    if start >= end:
        problems.append(problem("traffic_until", str(end), "experiment.traffic", start=str(start)))
    names = [one.name for one in experiment.buckets]
    if not 2 <= len(names) <= MAX_BUCKETS:
        problems.append(problem("buckets", f"a list of {len(names)}", "experiment.buckets", most=MAX_BUCKETS))
    elif sum(_slots(one.share) for one in experiment.buckets) != SLOTS:
        problems.append(problem("buckets", f"shares of {sum(one.share for one in experiment.buckets):g}", "experiment.shares"))
    for place, one in enumerate(experiment.buckets):
        path = f"buckets[{place}]"
        problems += [_id_problem(f"{path}.name", one.name), _share_problem(f"{path}.share", one.share)]
        if names.count(one.name) > 1:
            problems.append(problem(f"{path}.name", repr(one.name), "experiment.name_twice"))
        problems += _override_problems(path, one)
    return [one for one in problems if one is not None]


def overridden(settings: PoolSettings, ordering: Ordering, bucket: Bucket) -> tuple[PoolSettings, Ordering]:
    """The settings and the ordering of a pool for the people of a bucket; raises `ValidationError` where an override is none."""
    said, order = layered(to_builtins(settings), bucket.settings), layered(to_builtins(ordering), bucket.ordering)
    return convert(said, PoolSettings), convert(order, Ordering)


def layered(base: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `base` as far as `said` names no other; of a table, such as one of weights, key by key."""
    merged = dict(base)
    for name, value in said.items():
        below = merged.get(name)
        merged[name] = below | value if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def with_overrides(pool: Pool, bucket: Bucket) -> Pool:
    """The pool for the people of a bucket."""
    settings, ordering = overridden(pool.settings, pool.ordering, bucket)
    return structs.replace(pool, settings=settings, ordering=ordering)


def _override_problems(path: str, bucket: Bucket) -> list[Problem]:
    fixed = [
        problem(f"{path}.settings.{name}", repr(bucket.settings[name]), "experiment.fixed") for name in FIXED if name in bucket.settings
    ]
    try:
        settings, ordering = overridden(PoolSettings(), Ordering(), bucket)
    except ValidationError as error:
        return [*fixed, Problem(path, shown(to_builtins(bucket)), str(error))]
    return fixed + [structs.replace(one, path=f"{path}.{one.path}") for one in check_settings(settings, ordering)]


def _id_problem(path: str, text: str) -> Problem | None:
    if SEPARATOR in text or "," in text:
        return problem(path, shown(text), "experiment.separator")
    wrong = text_problem(text, MAX_ID)
    return None if wrong is None else Problem(path, shown(text), wrong)


def _share_problem(path: str, share: float) -> Problem | None:
    is_sound = 0 <= share <= 1 and abs(share * SLOTS - _slots(share)) < 1e-6
    return None if is_sound else problem(path, str(share), "experiment.share")


def _fixed(before: Experiment, after: Experiment) -> list[Problem]:
    """What changes although it may not: people would go from bucket to bucket, and no report would tell them apart."""
    if _ORDER.index(after.state) < _ORDER.index(before.state) or (before.state == after.state == "ended"):
        return [problem("state", repr(after.state), "experiment.state", state=before.state)]
    if before.state == "draft":
        return []
    names = ("layer", "buckets", "pools")
    return [problem(name, "a change", "experiment.running") for name in names if getattr(before, name) != getattr(after, name)]


def _taken(after: Experiment, book: ExperimentBook) -> list[Problem]:
    """Another running experiment of the layer that has some of these people."""
    if after.state != "running":
        return []
    others = [one for one in book.running() if one.layer == after.layer and one.experiment_id != after.experiment_id]
    return [
        problem(
            "traffic_from",
            f"{after.traffic_from:g} to {after.traffic_until:g}",
            "experiment.taken",
            other=one.experiment_id,
            start=f"{one.traffic_from:g}",
            end=f"{one.traffic_until:g}",
        )
        for one in others
        if one.traffic_from < after.traffic_until and after.traffic_from < one.traffic_until
    ]


def _slots(share: float) -> int:
    return round(share * SLOTS) if isfinite(share) else -1
