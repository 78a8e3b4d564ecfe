"""What operators do to experiments: check a change against what the service can override, write its revision.

In: drafts. Out: revisions; a refused change is not written. Reports are made one at a time.
"""

import asyncio
from dataclasses import dataclass, field

from msgspec import UNSET

from smallpool_core.errors import NotFound, Refused
from smallpool_core.experiment_ports import ExperimentStore, OpensOutcomes
from smallpool_core.experiments import Experiment, ExperimentDraft, ExperimentRevision
from smallpool_core.ports import Clock, EventLog
from smallpool_service.experiments.following import out_of_time
from smallpool_service.experiments.placing import Experiments
from smallpool_service.experiments.report import Asked, Report, report
from smallpool_service.operators import Change


@dataclass(frozen=True, slots=True)
class ExperimentDesk:
    """What operators work on: the store, the experiments as this process knows them, and where outcomes are joined."""

    store: ExperimentStore
    known: Experiments
    opens_outcomes: OpensOutcomes
    _reporting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def report(self, log: EventLog, clock: Clock, experiment: Experiment, asked: Asked) -> Report:
        """The report, once no other is being made: each may take 256 MB, which several at once would take from the pages that are served
        meanwhile. Raises `Refused` also where its turn does not come in time.
        """
        left_s = None if asked.stop is None else max(0, asked.stop - clock.now_ms()) / 1000
        try:
            await asyncio.wait_for(self._reporting.acquire(), left_s)
        except TimeoutError:
            raise out_of_time(experiment.started_at or 0 if asked.since is None else asked.since) from None
        try:
            return await report(log, clock, self.opens_outcomes, experiment, asked)
        finally:
            self._reporting.release()


async def save_experiment(
    store: ExperimentStore, experiments: Experiments, experiment_id: str, draft: ExperimentDraft, change: Change
) -> ExperimentRevision:
    """Writes the next revision, which holds here at once and in every process within a second. Raises `Refused`, `NotFound` or
    `RevisionStale` as `ExperimentStore.put` says, `StoreError` where it cannot be written.
    """
    problems = [] if draft.buckets is UNSET else experiments.check(draft.buckets)
    if problems:
        raise Refused(problems)
    revision = await store.put(experiment_id, draft, change.expected, change.author, change.reason, change.at)
    experiments.try_to_refresh()
    return revision


async def newest_revision(store: ExperimentStore, experiment_id: str) -> ExperimentRevision:
    """The experiment as it stands; raises `NotFound`."""
    found = next((one for one in await store.newest() if one.experiment.experiment_id == experiment_id), None)
    if found is None:
        raise NotFound("experiment", experiment_id)
    return found
