"""Which buckets a request is in, and what they change of it.

In: a request and its pool, as this process knows both. Out: the pool as it is for these buckets, the settings of the read path for them,
and what a page and its record say of it.

A person is the same in every request: their buckets follow from their id alone. Nobody (a request with neither user nor device) is in no
experiment: no report could count them, and what they get does not change between two requests.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct, ValidationError, convert, to_builtins
from msgspec.structs import replace

from smallpool_core.adjustments import Adjustments
from smallpool_core.catalogue import Catalogue, KnownPool
from smallpool_core.errors import Problem, Refused, StoreError
from smallpool_core.experiment_ports import ExperimentStore
from smallpool_core.experiments import SEPARATOR, Bucket, Experiment, ExperimentBook, check_experiment, layered, with_overrides
from smallpool_core.messages import problem
from smallpool_core.pools import Ordering, PoolDraft
from smallpool_core.row_reader import shown
from smallpool_service.settings import ReadSettings

OF_THE_PROCESS: Final = frozenset({"pools_refresh_ms", "claim_floor_ms", "timeout_ms", "ranker_pause_after", "ranker_pause_ms"})
"""Settings of the read path that are the process's and the caller's business, or hold before it is known whose request it is; a late ranker
is late for all buckets.
"""
MOST_KEPT: Final = 10_000
log = logging.getLogger("smallpool.experiments")
_BUCKETS: Final = "buckets"


class Placement(Struct, frozen=True):
    """The buckets of one request by layer, as `experiment:bucket`; the pool and the settings for them. `forced`: a tester asked."""

    bucket: dict[str, str]
    forced: bool
    known: KnownPool
    settings: ReadSettings


class Experiments:
    """The experiments as one process knows them, refreshed with the pools; with the store down the last copy serves."""

    def __init__(self, store: ExperimentStore, catalogue: Catalogue, settings: ReadSettings) -> None:
        self._store = store
        self._catalogue = catalogue
        self._settings = settings
        self._made: dict[tuple[object, ...], tuple[KnownPool, ReadSettings]] = {}
        self._running: list[Experiment] = []
        self.book = ExperimentBook()

    def refresh(self) -> None:
        """Takes in what changed; raises `StoreError`."""
        changed = self._store.since(self.book.epoch)
        if changed:
            self.book = self.book.with_changes(changed)
            self._running = [one for one in self.book.running() if self._is_readable(one)]
            self._made.clear()

    def try_to_refresh(self) -> None:
        """The same, where what was known last will do."""
        with suppress(StoreError):
            self.refresh()

    def place(self, identity: str, known: KnownPool, forced: Sequence[str] = ()) -> Placement:
        """Where a request is. Raises `Refused` for a bucket that a tester asks for and that there is not here, or not any more, and for two
        of one layer.
        """
        wanted = [self._asked(name, known.pool.pool_id) for name in forced]
        layers = {one.layer for one, _ in wanted}
        if len(layers) < len(wanted):
            raise Refused([Problem("bucket", shown(", ".join(forced)), "one bucket of each layer is allowed")])
        chosen = [one for one in self._of(identity, known.pool.pool_id) if one[0].layer not in layers] + wanted
        if not chosen:
            return Placement({}, forced=False, known=known, settings=self._settings)
        pool, settings = self._overridden(known, chosen)
        names = {one.layer: f"{one.experiment_id}{SEPARATOR}{bucket.name}" for one, bucket in chosen}
        return Placement(names, forced=bool(wanted), known=pool, settings=settings)

    def check(self, buckets: Sequence[Bucket]) -> list[Problem]:
        """Every mistake of what buckets override that only this service can tell: settings of the read path, conditions of an ordering."""
        found: list[Problem] = []
        for place, one in enumerate(buckets):
            path = f"{_BUCKETS}[{place}]"
            allowed = [name for name in ReadSettings.__struct_fields__ if name not in OF_THE_PROCESS]
            found += [
                problem(f"{path}.read.{name}", shown(one.read[name]), "experiment.override", names=", ".join(allowed))
                for name in one.read
                if name not in allowed
            ]
            try:
                convert({name: value for name, value in one.read.items() if name in allowed}, ReadSettings)
                draft = convert({"ordering": one.ordering}, PoolDraft)
            except ValidationError as error:
                found.append(Problem(path, shown(to_builtins(one)), str(error)))
            else:
                found += [replace(wrong, path=f"{path}.{wrong.path}") for wrong in self._catalogue.check(draft)]
        return found

    def _of(self, identity: str, pool_id: str) -> list[tuple[Experiment, Bucket]]:
        """The buckets of a person by themselves, by experiment."""
        if not identity:
            return []
        held = [one for one in self._running if _is_in(one, pool_id) and one.holds(identity)]
        return [(one, one.bucket_of(identity)) for one in held]

    def _is_readable(self, experiment: Experiment) -> bool:
        """Whether what an experiment overrides can be read still, as after another version of smallpool wrote it."""
        problems = check_experiment(experiment) + self.check(experiment.buckets)
        if problems:
            log.error("the experiment %r runs for nobody: %s; end it and make it anew", experiment.experiment_id, Refused(problems))
        return not problems

    def _asked(self, name: str, pool_id: str) -> tuple[Experiment, Bucket]:
        """What is refused says nothing of what there is: whoever asks may be limited to pools, and see no experiment of others."""
        experiment_id, _, bucket = name.partition(SEPARATOR)
        experiment = self.book.experiments.get(experiment_id)
        found = None if experiment is None or experiment.state == "ended" else experiment.bucket(bucket)
        if experiment is None or found is None or not _is_in(experiment, pool_id) or not self._is_readable(experiment):
            allowed = f"`experiment{SEPARATOR}bucket` of an experiment that is in this pool and has not ended is allowed"
            raise Refused([Problem("bucket", shown(name), allowed)])
        return experiment, found

    def _overridden(self, known: KnownPool, chosen: Sequence[tuple[Experiment, Bucket]]) -> tuple[KnownPool, ReadSettings]:
        """The pool and the settings with what all buckets say, in the order of their experiments; kept until an experiment changes. The tag
        of a pool and its cut-off move on by themselves and are taken as they are.
        """
        key = (known.pool.pool_id, known.pool.epoch, *((one.experiment_id, bucket.name) for one, bucket in chosen))
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= MOST_KEPT:
                self._made.clear()
            made = self._made[key] = self._make(known, [bucket for _, bucket in chosen])
        pool, settings = made
        return replace(known, pool=pool.pool, adjustments=pool.adjustments), settings

    def _make(self, known: KnownPool, buckets: Sequence[Bucket]) -> tuple[KnownPool, ReadSettings]:
        pool, read = known.pool, dict[str, Any]()
        for bucket in buckets:
            pool = with_overrides(pool, bucket)
            read = layered(read, bucket.read)
        return replace(known, pool=pool, adjustments=self._adjustments(known, buckets, pool.ordering)), _with_read(self._settings, read)

    def _adjustments(self, known: KnownPool, buckets: Sequence[Bucket], ordering: Ordering) -> Adjustments:
        changed = any({"boost", "bury", "quotas"} & bucket.ordering.keys() for bucket in buckets)
        return self._catalogue.adjustments(ordering) if changed else known.adjustments


def _is_in(experiment: Experiment, pool_id: str) -> bool:
    return not experiment.pools or pool_id in experiment.pools


def _with_read(settings: ReadSettings, read: Mapping[str, Any]) -> ReadSettings:
    return convert(layered(to_builtins(settings), read), ReadSettings) if read else settings
