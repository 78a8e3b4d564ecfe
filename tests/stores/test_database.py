"""One SQLite file: transactions, several threads, and the edge at which SQLite's errors become ours."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable
from smallpool_stores.sqlite.database import Database, translated


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "one.db")
    opened.connection.execute("CREATE TABLE numbers (n INTEGER)")
    yield opened
    opened.close()


def write(database: Database, number: int) -> None:
    with translated("write a number"), database.atomic():
        database.connection.execute("INSERT INTO numbers VALUES (?)", (number,))


def numbers(database: Database) -> list[int]:
    return [row[0] for row in database.connection.execute("SELECT n FROM numbers ORDER BY n")]


def in_thread(action: Callable[[], None]) -> None:
    """Runs the action to its end in a thread of its own, and raises here what it raised there."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(action).result()


def subclasses(error: type[sqlite3.Error]) -> list[type[sqlite3.Error]]:
    return [error, *(deeper for child in error.__subclasses__() for deeper in subclasses(child))]


class Broken(Exception):
    """What a test raises inside a block."""


def write_and_break(database: Database, *several: int) -> None:
    with database.atomic():
        for number in several:
            write(database, number)
        raise Broken


def write_too_much(database: Database) -> None:
    with database.atomic():
        write(database, 1)
        database.connection.execute("INSERT INTO numbers VALUES (zeroblob(100000))")


def write_and_lose_the_transaction(database: Database) -> None:
    with database.atomic():
        write(database, 1)
        database.connection.execute("ROLLBACK")  # as SQLite does by itself when the disk is full


def test_a_block_that_ends_well_is_seen_by_other_threads(database: Database) -> None:
    write(database, 1)
    in_thread(lambda: write(database, 2))
    assert numbers(database) == [1, 2]


def test_a_block_that_raises_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(Broken):
        write_and_break(database, 1, 2)
    assert numbers(database) == []
    assert not database.connection.in_transaction


def test_what_an_inner_block_wrote_goes_with_the_outer_one(database: Database) -> None:
    with pytest.raises(Broken):
        write_and_break(database, 1)  # `write` is a block too
    assert numbers(database) == []


def test_an_inner_block_that_raises_takes_nothing_of_the_outer_one_with_it(database: Database) -> None:
    with database.atomic():
        write(database, 1)
        with pytest.raises(Broken):
            write_and_break(database, 2)
        write(database, 3)
    assert numbers(database) == [1, 3]


def test_other_threads_do_not_see_a_block_before_its_end(database: Database) -> None:
    seen: list[list[int]] = []
    with database.atomic():
        write(database, 1)
        in_thread(lambda: seen.append(numbers(database)))
    assert seen == [[]]


def test_each_thread_has_a_connection_of_its_own(database: Database) -> None:
    others: list[sqlite3.Connection] = []
    in_thread(lambda: others.append(database.connection))
    assert others[0] is not database.connection
    assert database.connection is database.connection


def test_connections_of_ended_threads_are_closed_when_another_is_opened(database: Database) -> None:
    ended: list[sqlite3.Connection] = []
    in_thread(lambda: ended.append(database.connection))
    in_thread(lambda: write(database, 1))
    with pytest.raises(sqlite3.ProgrammingError):
        ended[0].execute("SELECT 1")


def test_writers_of_many_threads_and_two_databases_take_turns_and_lose_nothing(database: Database, tmp_path: Path) -> None:
    durable = Database(tmp_path / "one.db", synchronous="full")

    def write_forty(first: int) -> None:
        for number in range(first, first + 40):
            write(durable if number % 2 else database, number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_forty, range(0, 160, 40)))
    assert numbers(database) == list(range(160))
    durable.close()


def test_a_writer_whose_turn_does_not_come_says_so(tmp_path: Path) -> None:
    hurried = Database(tmp_path / "one.db", busy_timeout_ms=1)
    with hurried.atomic(), pytest.raises(StoreUnavailable, match="another thread writes; try again"):
        in_thread(lambda: write(hurried, 1))
    hurried.close()


def test_a_writer_kept_out_by_another_process_says_so(tmp_path: Path) -> None:
    hurried = Database(tmp_path / "one.db", busy_timeout_ms=1)
    hurried.connection.execute("SELECT 1")  # open before the stranger begins
    stranger = sqlite3.connect(tmp_path / "one.db", isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match=r"could not write to .*one\.db.* another process holds it"), hurried.atomic():
        pass
    stranger.close()
    hurried.close()


def test_reading_goes_on_while_another_process_writes(database: Database) -> None:
    stranger = sqlite3.connect(database.path, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    stranger.execute("INSERT INTO numbers VALUES (1)")
    assert numbers(database) == []
    stranger.execute("COMMIT")
    assert numbers(database) == [1]
    stranger.close()


def test_a_full_disk_writes_nothing_and_says_so(database: Database) -> None:
    pages = database.connection.execute("PRAGMA page_count").fetchone()[0]
    database.connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFull, match="the disk is full"):
        write_too_much(database)
    assert numbers(database) == []


def test_a_caller_that_swallows_a_full_disk_is_told_at_the_end_of_the_block(database: Database) -> None:
    with pytest.raises(StoreUnavailable, match="SQLite undid the transaction"):
        write_and_lose_the_transaction(database)
    assert numbers(database) == []


def test_a_read_only_file_says_so(database: Database) -> None:
    database.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreFull, match="read-only"):
        write(database, 1)


def test_a_directory_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="see that the directory exists"):
        _ = Database(tmp_path / "nowhere" / "one.db").connection


def test_a_closed_database_opens_nothing_any_more(database: Database) -> None:
    database.close()
    database.close()
    with pytest.raises(StoreUnavailable, match="has closed it"):
        _ = database.connection
    with pytest.raises(StoreUnavailable, match="has closed it"):
        write(database, 1)


def test_closing_closes_the_connections_of_other_threads(database: Database) -> None:
    theirs: list[sqlite3.Connection] = []
    connected, closed = threading.Event(), threading.Event()

    def wait_with_a_connection() -> None:
        theirs.append(database.connection)
        connected.set()
        closed.wait()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait_with_a_connection)
        connected.wait()
        database.close()
        closed.set()
        waiting.result()
    with pytest.raises(sqlite3.ProgrammingError):
        theirs[0].execute("SELECT 1")


def test_a_checkpoint_empties_the_log_of_writes_into_the_file(database: Database) -> None:
    for number in range(100):
        write(database, number)
    before = database.path.stat().st_size
    assert database.checkpoint() == 0
    assert database.path.stat().st_size > before


@pytest.mark.parametrize(("synchronous", "level"), [("off", 0), ("normal", 1), ("full", 2)])
def test_synchronous_is_what_was_asked_for(tmp_path: Path, synchronous: str, level: int) -> None:
    opened = Database(tmp_path / "one.db", synchronous=synchronous)  # type: ignore[arg-type]
    assert opened.connection.execute("PRAGMA synchronous").fetchone() == (level,)
    assert opened.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    opened.close()


@pytest.mark.parametrize("error", subclasses(sqlite3.Error))
def test_no_error_of_sqlite_is_left_untranslated(error: type[sqlite3.Error]) -> None:
    with pytest.raises(StoreError, match="could not do a thing: SQLite says odd") as raised, translated("do a thing"):
        raise error("odd")
    assert isinstance(raised.value.__cause__, error)


EXPECTED = {
    StoreUnavailable: ("SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED", "SQLITE_IOERR_FSYNC", "SQLITE_CANTOPEN", "SQLITE_NOMEM"),
    StoreFull: ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_READONLY_DBMOVED"),
    StoreError: ("SQLITE_CORRUPT", "SQLITE_CORRUPT_INDEX", "SQLITE_NOTADB", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_ERROR"),
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in EXPECTED.items() for name in names])
def test_an_error_becomes_the_kind_that_says_whether_to_try_again(kind: type[StoreError], name: str) -> None:
    error = sqlite3.OperationalError("odd")
    error.sqlite_errorcode = getattr(sqlite3, name)
    with pytest.raises(StoreError) as raised, translated("do a thing"):
        raise error
    assert type(raised.value) is kind


def test_a_question_that_was_given_up_ends_and_the_next_one_of_its_thread_does_not(database: Database) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"
    with pytest.raises(StoreUnavailable, match="interrupted"), translated("count for ever"), database.interruptible(lambda: True):
        database.connection.execute(endless).fetchone()
    long = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000) SELECT count(*) FROM n"
    assert database.connection.execute(long).fetchone() == (200_000,)
