"""The promises of the port `WideTail`, on every adapter."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

import kafka_rig
from builders import FakeClock, wide_item
from kafka_rig import drained
from smallpool_core.items import WideItem, WideRecord
from smallpool_core.places import has_reached
from smallpool_core.ports import WideTable, WideTail
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.wide_table import SqliteWideTable
from smallpool_stores.sqlite.wide_tail import SqliteWideTail

Rig = tuple[WideTable, WideTail]
Opened = Callable[[Path], AbstractContextManager[Rig]]


@contextmanager
def sqlite_rig(folder: Path) -> Iterator[Rig]:
    database = open_database(folder / "smallpool.db", synchronous="off")
    table = SqliteWideTable(database, FakeClock())
    yield table, SqliteWideTail(table)
    database.close()


@pytest.fixture(params=["sqlite", "kafka"], scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Opened]:
    """What opens an empty table and a tail of it."""
    if request.param == "sqlite":
        yield sqlite_rig
    else:
        with kafka_rig.wide_tails(20) as opened:
            yield opened


@pytest.fixture
def rig(adapter: Opened, tmp_path: Path) -> Iterator[Rig]:
    with adapter(tmp_path) as opened:
        yield opened


def ids(records: list[WideRecord]) -> list[str]:
    return [record.item.item_id for record in records]


def newest(records: list[WideRecord]) -> dict[str, WideItem]:
    """What a reader knows in the end: the largest pair of version and enrich of each item."""
    found: dict[str, WideItem] = {}
    for record in records:
        if record.item.order > found.get(record.item.item_id, record.item).order or record.item.item_id not in found:
            found[record.item.item_id] = record.item
    return found


def polled(tail: WideTail, limit: int = 100, count: int = 1) -> list[WideRecord]:
    """What `poll` gives once it gives at least `count` records, which on Kafka takes its time."""
    records: list[WideRecord] = []

    def are_there() -> bool:
        records[:] = tail.poll(limit)
        return len(records) >= count

    kafka_rig.eventually(are_there)
    return records


def test_an_empty_table_has_an_empty_tail_that_stands_before_the_first_record(rig: Rig) -> None:
    table, tail = rig
    assert drained(tail, table.end()) == []
    assert set(tail.place().values()) == {-1}


def test_the_tail_is_every_item_in_the_order_of_writing(rig: Rig) -> None:
    table, tail = rig
    table.append([wide_item("b"), wide_item("a")])
    table.append([wide_item("c")])
    records = drained(tail, table.end())
    assert [record.item for record in records] == [wide_item("b"), wide_item("a"), wide_item("c")]
    offsets = [record.offset for record in records]
    assert offsets == sorted(set(offsets))


def test_polling_passes_nothing(rig: Rig) -> None:
    table, tail = rig
    table.append([wide_item("a"), wide_item("b"), wide_item("c")])
    first = polled(tail, limit=2, count=2)
    assert ids(first) == ["a", "b"]
    assert tail.poll(2) == first
    assert tail.is_behind()


def test_what_was_passed_does_not_come_again(rig: Rig) -> None:
    table, tail = rig
    table.append([wide_item("a"), wide_item("b"), wide_item("c")])
    tail.passed(polled(tail, limit=2, count=2))
    assert ids(polled(tail)) == ["c"]


def test_a_place_says_how_far_was_passed(rig: Rig) -> None:
    table, tail = rig
    table.append([wide_item("a"), wide_item("b")])
    [first] = polled(tail, limit=1)
    tail.passed([first])
    assert tail.place()[first.partition] >= first.offset
    assert not has_reached(tail.place(), table.end())


def test_a_tail_that_has_passed_everything_has_reached_the_end_that_the_owner_names(rig: Rig) -> None:
    table, tail = rig
    for number in range(3):
        table.append([wide_item("a", enrich=number), wide_item(f"b{number}")])
        drained(tail, table.end())
        assert has_reached(tail.place(), table.end())
        assert not tail.is_behind()


def test_what_is_written_later_comes_too(rig: Rig) -> None:
    table, tail = rig
    table.append([wide_item("a")])
    drained(tail, table.end())
    table.append([wide_item("b")])
    assert not has_reached(tail.place(), table.end())
    assert ids(polled(tail)) == ["b"]


def test_an_item_that_is_written_again_comes_again_at_a_later_place(rig: Rig) -> None:
    table, tail = rig
    table.append([wide_item("a"), wide_item("b")])
    before = {record.item.item_id: record.offset for record in drained(tail, table.end())}
    table.append([wide_item("a", enrich=1)])
    [again] = drained(tail, table.end())
    assert again.item == wide_item("a", enrich=1)
    assert again.offset > max(before.values())


def test_the_newest_record_of_each_item_is_among_those_that_come(rig: Rig) -> None:
    table, tail = rig
    for enrich in range(5):
        table.append([wide_item(item_id, enrich=enrich) for item_id in "abc"])
    assert newest(drained(tail, table.end())) == {item_id: wide_item(item_id, enrich=4) for item_id in "abc"}


def test_passing_nothing_changes_nothing(rig: Rig) -> None:
    table, tail = rig
    table.append([wide_item("a")])
    tail.passed([])
    assert ids(polled(tail)) == ["a"]


def test_a_tail_is_limited_to_what_is_asked_for(rig: Rig) -> None:
    table, tail = rig
    table.append([wide_item(f"i{number}") for number in range(9)])
    polled(tail, count=9)
    assert [len(tail.poll(limit)) for limit in (1, 4, 9)] == [1, 4, 9]
