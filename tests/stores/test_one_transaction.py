"""Adapters over one file write in one transaction, and what must stand stands by the file itself."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import NOW, FakeClock, wide_item
from smallpool_core.items import DeadLetter
from smallpool_core.places import Places
from smallpool_core.pools import PoolDraft
from smallpool_stores.sqlite.database import Database
from smallpool_stores.sqlite.event_log import SqliteEventLog
from smallpool_stores.sqlite.pools import SqlitePoolStore
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.wide_table import SqliteWideTable

LETTER = DeadLetter("item-events", 0, 0, "i1", b"?", 1, "digest", "title", "no text", 1, NOW)


class Broken(Exception):
    """What a test raises inside a block."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "smallpool.db")
    yield opened
    opened.close()


def record_a_batch(database: Database, *, crash: bool) -> None:
    """The transaction of the write path: records, dead letters and the offset."""
    log, table = SqliteEventLog(database), SqliteWideTable(database, FakeClock())
    with database.atomic():
        table.append([wide_item("i1")])
        log.dead_letter([LETTER])
        log.append_now("item-events", [("i1", b"again")], NOW)
        log.commit("item-events", "indexer", {0: 0})
        if crash:
            raise Broken


def state(database: Database) -> tuple[Places, Places, Places, Places]:
    log, table = SqliteEventLog(database), SqliteWideTable(database, FakeClock())
    return table.end(), log.end("dead-letters"), log.end("item-events"), log.committed("item-events", "indexer")


def test_records_dead_letters_and_the_offset_stand_or_fall_together(database: Database) -> None:
    with pytest.raises(Broken):
        record_a_batch(database, crash=True)
    assert state(database) == ({0: -1}, {}, {}, {})
    record_a_batch(database, crash=False)
    assert state(database) == ({0: 0}, {0: 0}, {0: 0}, {0: 0})


def test_what_was_committed_is_there_after_the_file_is_opened_again(tmp_path: Path) -> None:
    first = open_database(tmp_path / "smallpool.db", synchronous="full")
    record_a_batch(first, crash=False)
    first.close()
    again = open_database(tmp_path / "smallpool.db")
    assert state(again) == ({0: 0}, {0: 0}, {0: 0}, {0: 0})
    again.close()


def test_places_in_the_wide_table_and_epochs_go_on_after_the_file_is_opened_again(tmp_path: Path) -> None:
    ends, epochs = [], []
    for enrich, expected in enumerate((None, 1, 2)):
        database = open_database(tmp_path / "smallpool.db")
        table, pools = SqliteWideTable(database, FakeClock()), SqlitePoolStore(database)
        table.append([wide_item(enrich=enrich)])
        asyncio.run(pools.put("p1", PoolDraft(), expected, "ann", "", NOW))
        ends.append(table.end()[0])
        epochs.append(pools.epoch())
        database.close()
    assert ends == sorted(set(ends))
    assert epochs == sorted(set(epochs))


@pytest.mark.parametrize("statement", ["UPDATE pool_revisions SET author = 'eve'", "DELETE FROM pool_revisions"])
def test_an_audit_record_is_neither_changed_nor_deleted(database: Database, statement: str) -> None:
    asyncio.run(SqlitePoolStore(database).put("p1", PoolDraft(), None, "ann", "", NOW))
    with pytest.raises(sqlite3.IntegrityError, match="audit record"):
        database.connection.execute(statement)
