"""What was served and what followed, joined by DuckDB in a folder that goes with the block.

In: records of the logs, written to files as they come. Out: sums over people, rows for training. What does not fit in `MEMORY` is on disk.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Final, Literal

import duckdb

from smallpool_core.errors import StoreError, StoreUnavailable
from smallpool_core.experiment_ports import Followed, Moments, People
from smallpool_core.experiments import SEPARATOR
from smallpool_stores.duckdb import outcome_queries as queries

MEMORY: Final = "256MB"
THREADS: Final = 2
_FORMS: Final = {"parquet": "FORMAT parquet, COMPRESSION zstd", "jsonl": "FORMAT json"}


@contextmanager
def open_outcomes() -> Iterator["DuckdbOutcomes"]:
    """An empty one, in a folder beside other temporary files."""
    with TemporaryDirectory(prefix="smallpool-outcomes-") as folder:
        outcomes = DuckdbOutcomes(Path(folder))
        try:
            yield outcomes
        finally:
            outcomes.close()


class DuckdbOutcomes:
    """One span of time; to be added to, then attributed, then asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        config: dict[str, Any] = {"memory_limit": MEMORY, "threads": THREADS, "temp_directory": str(folder / "spilled")}
        with _translated("make room for what was served and what followed"):
            self._connection = duckdb.connect(str(folder / "outcomes.duckdb"), config=config)
            self._connection.execute("SET enable_progress_bar = false")  # it is drawn on stdout, into what a command prints there
        topics: tuple[Followed, ...] = ("served", "user-events")
        self._spools: dict[Followed, BinaryIO] = {topic: self._file(topic).open("wb") for topic in topics}

    def add(self, topic: Followed, values: Sequence[bytes]) -> None:
        with _translated(f"keep what was read of {topic}"):
            self._spools[topic].writelines([value + b"\n" for value in values])

    def attribute(self, since: int, until: int, window_ms: int) -> None:
        with _translated("join what was served with what followed"):
            for spool in self._spools.values():
                spool.flush()
            self._run(queries.GIVEN, file=str(self._file("served")), since=since, until=until)
            for query in (queries.PAGES, queries.GIVEN_NO_MORE, queries.LINES):
                self._run(query)
            self._run(queries.ACTS, file=str(self._file("user-events")))
            self._run(queries.NAMED)
            self._run(queries.FOLLOWED, window_ms=window_ms)
            self._run(queries.OUTCOMES)

    def people(self, layer: str, experiment_id: str) -> People:
        with _translated("count an experiment's people"):
            prefix = self._take_part(layer, experiment_id)
            mixed, forced = self._run(queries.MIXED), self._run(queries.FORCED, layer=layer, prefix=prefix)
            return People(dict(self._run(queries.PEOPLE, prefix=prefix)), mixed[0][0], forced[0][0])

    def moments(self, layer: str, experiment_id: str) -> list[Moments]:
        with _translated("add up an experiment's figures"):
            asked = {"layer": layer, "prefix": self._take_part(layer, experiment_id)}
            rows = [*self._run(queries.OF_PAGES, **asked), *self._run(queries.OF_SOURCES, **asked)]
        return [Moments(*row) for row in rows]

    def export(self, file: Path, form: Literal["parquet", "jsonl"]) -> int:
        with _translated(f"write {file}"):
            self._run(queries.EXAMINED)
            target = str(file).replace("'", "''")
            rows = self._run(f"COPY ({queries.ROWS} ORDER BY {queries.IN_ORDER}) TO '{target}' ({_FORMS[form]})")
        return int(rows[0][0])

    def close(self) -> None:
        """Lets go of the files."""
        for spool in self._spools.values():
            spool.close()
        self._connection.close()

    def _take_part(self, layer: str, experiment_id: str) -> str:
        prefix = f"{experiment_id}{SEPARATOR}"
        self._run(queries.TAKING_PART, layer=layer, prefix=prefix)
        return prefix

    def _run(self, query: str, **values: Any) -> list[Any]:
        return self._connection.execute(query, values or None).fetchall()

    def _file(self, topic: Followed) -> Path:
        return self._folder / f"{topic}.jsonl"


@contextmanager
def _translated(operation: str) -> Iterator[None]:
    """Turns every error of DuckDB and of the file system inside the block into a `StoreError`."""
    try:
        yield
    except duckdb.Error as exc:
        raise StoreUnavailable(f"could not {operation}: DuckDB says {exc}; make room on the disk or ask for a shorter span") from exc
    except OSError as exc:
        raise StoreError(f"could not {operation}: {exc}; see that the folder exists and may be written to") from exc
