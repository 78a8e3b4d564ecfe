"""What was served joined with what followed, a row for each line of each page, for whoever trains a ranker.

In: a span of time. Out: a file. Rows come in the order of their pages; memory is bounded by the join's, whatever the span.
"""

from pathlib import Path
from typing import Literal

from smallpool_core.errors import Problem, Refused
from smallpool_core.experiment_ports import OpensOutcomes
from smallpool_core.ports import Clock, EventLog
from smallpool_service.experiments.following import Progress, Span, apart, follow

Form = Literal["parquet", "jsonl"]


async def export_training(
    log: EventLog, clock: Clock, opens: OpensOutcomes, span: Span, file: Path, form: Form, progress: Progress | None = None
) -> int:
    """Writes the file and returns how many rows it has; raises `Refused` for a file that is there already or whose folder is not,
    `StoreError` where the log cannot be read or the file not written. What cannot be finished leaves no file.
    """
    made = _beside(file)
    try:
        with opens() as outcomes:
            await follow(log, clock, outcomes, span, progress)
            rows = await apart(outcomes.export, made, form)
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)
    return rows


def _beside(file: Path) -> Path:
    """Where the file is made before it takes its name. What is wrong with the place is told before the logs are read, which takes long."""
    if file.exists():
        raise Refused([Problem("--out", str(file), "a file that is not there yet is allowed; move this one away")])
    if not file.parent.is_dir():
        raise Refused([Problem("--out", str(file), f"a file in a folder that is there is allowed; make {file.parent} first")])
    return file.with_name(f".{file.name}.partial")
