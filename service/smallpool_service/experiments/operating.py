"""What operators do to experiments: check a change against what the service can override, write its revision.

In: drafts. Out: revisions; a refused change is not written.
"""

from dataclasses import dataclass

from msgspec import UNSET

from smallpool_core.errors import NotFound, Refused
from smallpool_core.experiment_ports import ExperimentStore, OpensOutcomes
from smallpool_core.experiments import ExperimentDraft, ExperimentRevision
from smallpool_service.experiments.placing import Experiments
from smallpool_service.operators import Change


@dataclass(frozen=True, slots=True)
class ExperimentDesk:
    """What operators work on: the store, the experiments as this process knows them, and where outcomes are joined."""

    store: ExperimentStore
    known: Experiments
    opens_outcomes: OpensOutcomes


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
