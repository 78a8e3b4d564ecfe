"""Experiments as files: YAML, one experiment a file, which are kept under version control like pools.

In: a file or a folder of them. Out: checked `ExperimentFile`s, or `Refused` with every mistake of every file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, Struct, structs

from smallpool_config.cli.pool_files import files_of, in_file, mapping_of
from smallpool_core.errors import Problem, Refused
from smallpool_core.experiments import Experiment, ExperimentBook, ExperimentDraft, ExperimentRevision, revised_experiment
from smallpool_service.experiments.placing import Experiments

NAMES = ("experiment_id", *ExperimentDraft.__struct_fields__)


class ExperimentFile(Struct, frozen=True):
    """One experiment as a file says it should be."""

    path: Path
    experiment_id: str
    draft: ExperimentDraft


def read_experiments(place: Path) -> list[ExperimentFile]:
    """The experiments of a file, or of all `.yaml` and `.yml` files of a folder, by id. Raises `Refused` with every mistake."""
    problems: list[Problem] = []
    found = []
    for path in files_of(place):
        own: list[Problem] = []
        values = mapping_of(path, own, NAMES, "an experiment")
        read = None if own else _read(path, values, own)
        problems += in_file(path, own)
        found += [] if read is None else [read]
    names = [one.experiment_id for one in found]
    problems += [
        Problem(f"{one.path}: experiment_id", repr(one.experiment_id), "another file has it already; an experiment is one file")
        for one in found
        if names.count(one.experiment_id) > 1
    ]
    if problems:
        raise Refused(problems)
    return sorted(found, key=lambda one: one.experiment_id)


def check_together(files: Sequence[ExperimentFile], stored: Mapping[str, Experiment], known: Experiments, now: int) -> None:
    """Raises `Refused` with every mistake that would stop the files half-way when they are applied one after the other."""
    problems: list[Problem] = []
    book = ExperimentBook(0, stored)
    for file in files:
        before = stored.get(file.experiment_id)
        if before is not None and not differences(file.draft, before):
            continue
        own = [] if file.draft.buckets is UNSET else known.check(file.draft.buckets)
        try:
            made = revised_experiment(file.experiment_id, file.draft, book, None if before is None else before.revision, now)
            book = book.with_changes([ExperimentRevision(made, "", "", now)])
        except Refused as error:
            own += error.problems
        problems += in_file(file.path, own)
    if problems:
        raise Refused(problems)


def differences(draft: ExperimentDraft, stored: Experiment) -> list[str]:
    """What the draft would change, by name; what a file leaves out stays as it is."""
    wanted = {name: value for name, value in structs.asdict(draft).items() if value is not UNSET}
    return [name for name, value in wanted.items() if getattr(stored, name) != value]


def _read(path: Path, values: Any, problems: list[Problem]) -> ExperimentFile | None:
    experiment_id = values.get("experiment_id")
    if not isinstance(experiment_id, str) or not experiment_id:
        problems.append(Problem("experiment_id", repr(experiment_id), "a text that is not empty is required"))
    try:
        draft = msgspec.convert({name: value for name, value in values.items() if name != "experiment_id"}, ExperimentDraft)
    except (msgspec.ValidationError, RecursionError) as error:
        problems.append(Problem("(file)", "an experiment", str(error)))
        return None
    return None if problems else ExperimentFile(path, str(experiment_id), draft)
