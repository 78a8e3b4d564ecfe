"""What is in the file: its schema, and the number by which a file says which schema it has.

In: a path. Out: a `Database` whose file holds every table of every adapter, created here if the file is new.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from smallpool_core.errors import SchemaUnknown, StoreError
from smallpool_stores.sqlite import (
    event_log,
    experiments,
    keys,
    links,
    pool_figures,
    pools,
    profiles,
    relations,
    reposts,
    seen,
    sellers,
    stats,
    triggers,
    wide_table,
)
from smallpool_stores.sqlite.database import Database, Synchronous, translated

APPLICATION_ID = int.from_bytes(b"SmPl")
"""Stands in the header of every file that smallpool made (`file` and SQLite show it)."""
SCHEMA_VERSION = 8
"""Rises with any change of a table. A file of another version is refused: item events can always be published again."""

TABLES = "".join(
    module.TABLES
    for module in (
        event_log,
        wide_table,
        pools,
        experiments,
        keys,
        seen,
        triggers,
        profiles,
        links,
        stats,
        pool_figures,
        reposts,
        sellers,
        relations,
    )
)


def open_database(path: Path, *, synchronous: Synchronous = "normal", busy_timeout_ms: int = 5000) -> Database:
    """Opens the file, creating the schema in a new or empty one; processes that meet here create it once.

    Raises `SchemaUnknown`, having changed nothing, for a file that is no SQLite database, not smallpool's or of another version.
    """
    is_ready = path.exists() and _peek(path, busy_timeout_ms)
    database = Database(path, synchronous=synchronous, busy_timeout_ms=busy_timeout_ms)
    try:
        if not is_ready:
            _create(database)
    except BaseException:
        database.close()
        raise
    return database


def _peek(path: Path, busy_timeout_ms: int) -> bool:
    """Whether the file has the schema. Reads only: `Database` would switch a stranger's file to WAL before it could be refused."""
    try:
        with (
            translated(f"open {path}"),
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", busy_timeout_ms / 1000, uri=True)) as file,
        ):
            return _has_schema(file, path)
    except StoreError as exc:
        if getattr(exc.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            raise SchemaUnknown(f"could not open {path}: it is not a SQLite file; use another path, or move it away") from exc
        raise


def _has_schema(connection: sqlite3.Connection, path: Path) -> bool:
    """True for this schema, false for an empty file; raises `SchemaUnknown` for all else."""
    application_id, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if (application_id, version) == (APPLICATION_ID, SCHEMA_VERSION):
        return True
    if application_id or version or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise SchemaUnknown(_refusal(path, application_id, version))
    return False


def _create(database: Database) -> None:
    with translated(f"create the schema in {database.path}"), database.atomic():
        if _has_schema(database.connection, database.path):
            return
        for statement in _statements(TABLES):
            database.connection.execute(statement)
        database.connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _refusal(path: Path, application_id: int, version: int) -> str:
    if application_id != APPLICATION_ID:
        return f"could not open {path}: it is a SQLite file of another application ({application_id:#x}); use another path"
    return (
        f"could not open {path}: its schema is version {version} and this smallpool knows version {SCHEMA_VERSION};"
        " run the smallpool that wrote it, or start with a new data directory and publish the items again"
    )


def _statements(script: str) -> Iterator[str]:
    """The statements one by one: `executescript` would commit the transaction that makes creation all or nothing."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            if statement.strip() != ";":
                yield statement
            statement = ""
