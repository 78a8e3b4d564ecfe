"""Files of user events, JSONL or Parquet, as DuckDB reads them: user, item, event and at (ms, or a timestamp), whatever else they hold.

In: a path. Out: a query whose rows are (person, type, item, ms); of a line that is no such event the columns are NULL.
"""

from pathlib import Path
from typing import Final

import duckdb

from smallpool_core.errors import Problem, Refused

COLUMNS: Final = ("user", "item", "event", "at")
PARQUET: Final = ".parquet"
_JSON: Final = """
read_json({file}, format = 'newline_delimited', ignore_errors = true, maximum_object_size = 16777216,
          columns = {{"user": 'VARCHAR', "item": 'VARCHAR', "event": 'VARCHAR', "at": 'BIGINT'}})
"""


def events_of_file(connection: duckdb.DuckDBPyConnection, file: str) -> str:
    """The query. Raises `Refused` for a file that is not there, cannot be read, or does not have the columns."""
    if not Path(file).is_file():
        raise Refused([Problem(file, "no such file", "name a file of user events, JSONL or Parquet")])
    quoted = "'" + file.replace("'", "''") + "'"
    rows = f"read_parquet({quoted})" if file.endswith(PARQUET) else _JSON.format(file=quoted)
    try:
        found = {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
    except duckdb.Error as exc:
        raise Refused([Problem(file, str(exc), "user events are JSONL, or Parquet with a name that ends in .parquet")]) from exc
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise Refused([Problem(file, ", ".join(found), f"the columns {', '.join(COLUMNS)} are wanted; {', '.join(missing)} are missing")])
    at = 'epoch_ms("at")' if found["at"].startswith("TIMESTAMP") else 'TRY_CAST("at" AS BIGINT)'
    return f'SELECT CAST("user" AS VARCHAR) AS person, event AS type, CAST(item AS VARCHAR) AS item, {at} AS ms FROM {rows}'
