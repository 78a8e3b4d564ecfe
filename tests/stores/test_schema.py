"""The schema of the file: made once, known by its number, and no stranger's file is touched."""

import importlib
import pkgutil
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import smallpool_stores.sqlite
from smallpool_core.errors import SchemaUnknown, StoreUnavailable
from smallpool_stores.sqlite import schema
from smallpool_stores.sqlite.schema import APPLICATION_ID, SCHEMA_VERSION, open_database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "smallpool.db"


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def write_file(path: Path, *statements: str) -> bytes:
    """Makes a SQLite file without smallpool, and returns its bytes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path.read_bytes()


def test_a_new_file_gets_every_table_and_says_whose_it_is(path: Path) -> None:
    database = open_database(path)
    numbers = [database.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    database.close()
    assert numbers == [APPLICATION_ID, SCHEMA_VERSION]
    assert tables(path) >= {"log", "items", "fields", "pool_revisions", "api_keys", "seen_lists", "triggers", "profiles", "item_hours"}


def test_the_tables_of_every_adapter_are_in_the_schema() -> None:
    found = {
        module.name: importlib.import_module(module.name)
        for module in pkgutil.iter_modules(smallpool_stores.sqlite.__path__, "smallpool_stores.sqlite.")
    }
    declared = {name: re.findall(r"CREATE TABLE (\w+)", module.TABLES) for name, module in found.items() if hasattr(module, "TABLES")}
    created = re.findall(r"CREATE TABLE (\w+)", schema.TABLES)
    assert len(created) == len(set(created))
    assert {table for names in declared.values() for table in names} == set(created)


def test_an_empty_file_is_as_a_new_one(path: Path) -> None:
    path.touch()
    open_database(path).close()
    assert "items" in tables(path)


def test_opening_again_keeps_what_is_there(path: Path) -> None:
    database = open_database(path)
    database.connection.execute("INSERT INTO log_groups VALUES ('item-events', 'g', 7)")
    database.close()
    again = open_database(path)
    assert again.connection.execute("SELECT passed FROM log_groups").fetchall() == [(7,)]
    again.close()


def test_a_file_that_was_never_checkpointed_is_known_too(path: Path) -> None:
    first = open_database(path)
    second = open_database(path, synchronous="full")
    assert second.connection.execute("SELECT count(*) FROM items").fetchone() == (0,)
    second.close()
    first.close()


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["CREATE TABLE photos (id INTEGER)"], "another application"),
        (["PRAGMA application_id = 12"], r"another application \(0xc\)"),
        (["PRAGMA user_version = 1"], "another application"),
        ([f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {SCHEMA_VERSION + 1}"], "publish the items again"),
        ([f"PRAGMA application_id = {APPLICATION_ID}"], f"its schema is version 0 and this smallpool knows version {SCHEMA_VERSION}"),
    ],
)
def test_a_file_that_is_not_known_is_refused_and_left_as_it_was(path: Path, statements: list[str], message: str) -> None:
    before = write_file(path, *statements)
    with pytest.raises(SchemaUnknown, match=message):
        open_database(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(path: Path) -> None:
    path.write_bytes(b"a letter, not a table" * 100)
    with pytest.raises(SchemaUnknown, match="not a SQLite file"):
        open_database(path)
    assert path.read_bytes() == b"a letter, not a table" * 100


def test_a_directory_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="see that the directory exists"):
        open_database(tmp_path / "nowhere" / "smallpool.db")


def test_processes_that_meet_at_a_new_file_create_it_once(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from smallpool_stores.sqlite.schema import open_database;"
        "print('ready', flush=True); sys.stdin.readline();"
        "open_database(Path(sys.argv[1])).close()"
    )
    command = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {program}", str(path)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [(process.communicate()[1], process.returncode) for process in started] == [("", 0)] * 3
    assert "items" in tables(path)
