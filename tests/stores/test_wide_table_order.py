"""The order of records in SQLite's wide table, which its tail and the watch over untrusted rules read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import FakeClock, wide_item
from smallpool_core.items import WideRecord
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.wide_table import SqliteWideTable


@pytest.fixture
def wide_table(tmp_path: Path) -> Iterator[SqliteWideTable]:
    database = open_database(tmp_path / "smallpool.db", synchronous="off")
    yield SqliteWideTable(database, FakeClock())
    database.close()


def tail_ids(wide_table: SqliteWideTable, after: int = -1) -> list[str]:
    return [record.item.item_id for record in wide_table.tail(after, 100)]


def test_the_tail_is_every_record_in_the_order_of_writing(wide_table: SqliteWideTable) -> None:
    wide_table.append([wide_item("b"), wide_item("a")])
    wide_table.append([wide_item("c")])
    records = wide_table.tail(-1, 10)
    assert records == [WideRecord(0, offset, wide_item(item_id)) for offset, item_id in enumerate("bac")]
    assert wide_table.newest() == 2


def test_the_tail_goes_on_after_a_place(wide_table: SqliteWideTable) -> None:
    wide_table.append([wide_item(item_id) for item_id in "abcd"])
    assert [record.offset for record in wide_table.tail(0, 2)] == [1, 2]
    assert wide_table.tail(wide_table.newest(), 10) == []


def test_an_item_stands_in_the_tail_once_at_its_newest_place(wide_table: SqliteWideTable) -> None:
    wide_table.append([wide_item("a"), wide_item("b")])
    before = wide_table.newest()
    wide_table.append([wide_item("a", enrich=1)])
    assert tail_ids(wide_table) == ["b", "a"]
    assert tail_ids(wide_table, before) == ["a"]


def test_rewriting_the_newest_record_moves_the_end(wide_table: SqliteWideTable) -> None:
    wide_table.append([wide_item("a")])
    for enrich in (1, 2):
        before = wide_table.newest()
        wide_table.append([wide_item("a", enrich=enrich)])
        assert wide_table.newest() > before
        assert tail_ids(wide_table, before) == ["a"]
