"""Files of what people did, put in order: person by person, the earliest first, however the file is sorted and however large it is.

In: JSONL or Parquet. Out: the rows of each person together; of a person with very many the latest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import duckdb

from smallpool_stores.duckdb.edge import translated
from smallpool_stores.duckdb.event_files import events_of_file

FETCHED: Final = 2_000
_ROWS: Final = "CREATE TABLE rows AS SELECT row_number() OVER () AS row, * FROM ({rows})"
_SORTED: Final = """
SELECT row, person, type, item, ms FROM rows
QUALIFY person IS NULL OR row_number() OVER (PARTITION BY person ORDER BY ms DESC, row DESC) <= ?
ORDER BY person NULLS FIRST, ms, row
"""


class Row(NamedTuple):
    """One row of the file, by its number from 1; what could not be read in it is None, all of it where the row is none at all."""

    row: int
    user_id: str | None
    event: str | None
    item_id: str | None
    at: int | None


class Histories:
    """The rows of one file, sorted; `count` is how many it has."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: Path, most_per_person: int) -> None:
        self._connection = connection
        self._most_per_person = most_per_person
        rows = events_of_file(connection, str(file))
        with translated(f"read {file}"):
            connection.execute(_ROWS.format(rows=rows))
            self.count = int(connection.sql("SELECT count(*) FROM rows").fetchall()[0][0])

    def people(self) -> Iterator[list[Row]]:
        """The rows of one person after another, the earliest first; before all others those that name nobody, of which there may be a
        whole file, some at a time.
        """
        for person, rows in groupby(self._sorted(), key=lambda row: row.user_id):
            most = FETCHED if person is None else None
            while some := list(islice(rows, most)):
                yield some

    def _sorted(self) -> Iterator[Row]:
        with translated("sort what people did"):
            self._connection.execute(_SORTED, [self._most_per_person])
        while rows := self._fetched():
            yield from map(Row._make, rows)

    def _fetched(self) -> list[Any]:
        with translated("sort what people did"):
            return self._connection.fetchmany(FETCHED)


@contextmanager
def histories(file: Path, memory_mb: int, most_per_person: int) -> Iterator[Histories]:
    """Opens a file. Raises `Refused` for one that cannot be read as events."""
    with TemporaryDirectory(prefix="smallpool-history-") as folder:
        with translated(f"read {file}"):
            spilled = str(Path(folder) / "spilled")
            config: dict[str, str | bool | int | float | list[str]]
            config = {"memory_limit": f"{memory_mb}MB", "temp_directory": spilled, "threads": 1}
            connection = duckdb.connect(str(Path(folder) / "rows.duckdb"), config=config)
            connection.execute("SET enable_progress_bar = false")  # it is drawn on stdout, into what a command prints there
        try:
            yield Histories(connection, file, most_per_person)
        finally:
            connection.close()
