"""The promises of the port `EventLog`, on every adapter; with one partition, so that there is one order."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import pytest

import kafka_rig
from builders import DAY, NOW
from smallpool_core.items import DeadLetter
from smallpool_core.ports import EventLog, LogRecord, Topic
from smallpool_stores.kafka.event_log import KafkaEventLog
from smallpool_stores.sqlite.event_log import SqliteEventLog
from smallpool_stores.sqlite.schema import open_database


@contextmanager
def sqlite_event_log(folder: Path) -> Iterator[EventLog]:
    database = open_database(folder / "smallpool.db")
    yield SqliteEventLog(database)
    database.close()


@contextmanager
def kafka_event_log(_folder: Path) -> Iterator[EventLog]:
    with kafka_rig.kafka_settings() as settings:
        log = KafkaEventLog(settings)
        yield log
        log.close()


ADAPTERS = {"sqlite": sqlite_event_log, "kafka": kafka_event_log}


@pytest.fixture(params=ADAPTERS)
def event_log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventLog]:
    with ADAPTERS[request.param](tmp_path) as adapter:
        yield adapter


@pytest.fixture
def pruned_log(tmp_path: Path) -> Iterator[EventLog]:
    """A log that forgets when it is told to; of Kafka the retention of its topics takes care."""
    with sqlite_event_log(tmp_path) as adapter:
        yield adapter


def append(event_log: EventLog, *values: str, topic: Topic = "item-events", at: int = NOW) -> int:
    """Appends the values and returns the newest offset."""
    return event_log.append_now(topic, [(f"key of {value}", value.encode()) for value in values], at)[0]


def polled(event_log: EventLog, group: str = "g", limit: int = 10, *, topic: Topic = "item-events", count: int = 1) -> list[LogRecord]:
    """What `poll` gives once it gives at least `count` records, which on Kafka takes its time."""
    records: list[LogRecord] = []

    def are_there() -> bool:
        records[:] = event_log.poll(topic, group, limit)
        return len(records) >= count

    kafka_rig.eventually(are_there)
    return records


def texts(records: list[LogRecord]) -> list[str]:
    return [record.value.decode() for record in records]


def letter(offset: int = 0, value: bytes = b"\xff{", at: int = NOW) -> DeadLetter:
    return DeadLetter("item-events", 0, offset, "i1", value, len(value), "digest", "title", "no text", 1, at)


def test_a_record_comes_back_as_it_was_appended(event_log: EventLog) -> None:
    value = bytes(range(256))
    offset = event_log.append_now("item-events", [("手机\n", value)], NOW)[0]
    assert polled(event_log) == [LogRecord("item-events", 0, offset, "手机\n", value, NOW)]


def test_the_first_offset_is_zero_and_each_next_one_more(event_log: EventLog) -> None:
    assert append(event_log, "a", "b") == 1
    assert append(event_log, "c") == 2
    assert event_log.append_now("item-events", [], NOW) == {}
    assert event_log.end("item-events") == {0: 2}


def test_the_service_appends_as_the_write_path_does(event_log: EventLog) -> None:
    append(event_log, "a")
    offsets = asyncio.run(event_log.append("item-events", [("k", b"b"), ("k", b"c")], NOW))
    assert offsets == {0: 2}
    assert texts(polled(event_log, count=3)) == ["a", "b", "c"]


def test_an_empty_topic_ends_before_the_first_offset(event_log: EventLog) -> None:
    for topic in get_args(Topic):
        assert event_log.end(topic) == {}
        assert event_log.committed(topic, "g") == {}
        assert event_log.poll(topic, "g", 10) == []


def test_topics_do_not_mix(event_log: EventLog) -> None:
    for topic in get_args(Topic):
        append(event_log, f"of {topic}", topic=topic)
    for topic in get_args(Topic):
        assert event_log.end(topic) == {0: 0}
        assert texts(polled(event_log, topic=topic)) == [f"of {topic}"]


def test_polling_moves_nothing(event_log: EventLog) -> None:
    append(event_log, "a", "b", "c")
    assert texts(polled(event_log, limit=2, count=2)) == ["a", "b"]
    assert texts(event_log.poll("item-events", "g", 2)) == ["a", "b"]


def test_a_group_goes_on_after_what_it_committed(event_log: EventLog) -> None:
    append(event_log, "a", "b", "c")
    event_log.commit("item-events", "g", {0: 1})
    assert event_log.committed("item-events", "g") == {0: 1}
    assert texts(polled(event_log)) == ["c"]
    event_log.commit("item-events", "g", {0: 2})
    assert event_log.poll("item-events", "g", 10) == []


def test_a_commit_never_goes_backwards(event_log: EventLog) -> None:
    append(event_log, "a", "b", "c")
    event_log.commit("item-events", "g", {0: 2})
    event_log.commit("item-events", "g", {0: 0})
    assert event_log.committed("item-events", "g") == {0: 2}


def test_groups_read_independently(event_log: EventLog) -> None:
    append(event_log, "a", "b")
    event_log.commit("item-events", "ahead", {0: 1})
    assert texts(polled(event_log, "behind", count=2)) == ["a", "b"]
    assert event_log.committed("user-events", "ahead") == {}


def test_dead_letters_come_back_whole_with_their_offsets(event_log: EventLog) -> None:
    letters = [letter(offset) for offset in range(3)]
    event_log.dead_letter(letters)
    event_log.dead_letter([])
    assert event_log.dead_letters(-1, 10) == list(enumerate(letters))
    assert event_log.dead_letters(0, 1) == [(1, letters[1])]
    assert event_log.dead_letters(2, 10) == []
    assert event_log.end("dead-letters") == {0: 2}


def test_records_of_a_stretch_of_time_come_oldest_first_and_end_before_it_does(event_log: EventLog) -> None:
    for minute in range(6):
        append(event_log, f"m{minute}", topic="served", at=NOW + minute * 60_000)

    def between(since: int, until: int, limit: int = 100) -> list[str]:
        return texts(asyncio.run(event_log.between("served", NOW + since * 60_000, NOW + until * 60_000, limit)))

    assert between(1, 4) == ["m1", "m2", "m3"]
    assert between(1, 4, limit=2) == ["m1", "m2"]
    assert between(-9, 1) == ["m0"]
    assert between(5, 99) == ["m5"]
    assert between(6, 99) == between(-9, 0) == between(3, 3) == []
    assert asyncio.run(event_log.between("user-events", NOW, NOW + 60_000, 10)) == []


def test_who_goes_on_from_where_a_call_ended_misses_nothing_of_a_stretch(event_log: EventLog) -> None:
    for place in range(7):
        append(event_log, f"r{place}", topic="served", at=NOW + place // 3)
    passed: dict[int, int] = {}
    found: list[str] = []
    while records := asyncio.run(event_log.between("served", NOW, NOW + 2, 2, passed)):
        assert len(records) <= 2
        found += texts(records)
        passed = {record.partition: record.offset for record in records}
    assert found == [f"r{place}" for place in range(6)]
    assert texts(asyncio.run(event_log.between("served", NOW, NOW + 2, 9, {0: 3}))) == ["r4", "r5"]


def test_pruning_forgets_what_is_old_and_passed(pruned_log: EventLog) -> None:
    append(pruned_log, "old", "older", at=NOW - 8 * DAY)
    append(pruned_log, "young")
    pruned_log.commit("item-events", "g", {0: 2})
    assert pruned_log.prune("item-events", NOW - 7 * DAY) == 2
    assert pruned_log.prune("item-events", NOW - 7 * DAY) == 0
    assert texts(pruned_log.poll("item-events", "late", 10)) == ["young"]


def test_pruning_keeps_what_a_group_has_not_passed(pruned_log: EventLog) -> None:
    append(pruned_log, "a", "b", "c", at=NOW - 8 * DAY)
    pruned_log.commit("item-events", "ahead", {0: 2})
    pruned_log.commit("item-events", "behind", {0: 0})
    assert pruned_log.prune("item-events", NOW) == 1
    assert texts(pruned_log.poll("item-events", "behind", 10)) == ["b", "c"]


def test_pruning_one_topic_leaves_the_others(pruned_log: EventLog) -> None:
    for topic in get_args(Topic):
        append(pruned_log, "a", topic=topic, at=NOW - 8 * DAY)
    assert pruned_log.prune("served", NOW) == 1
    left = {topic: len(pruned_log.poll(topic, "g", 10)) for topic in get_args(Topic)}
    assert left == {topic: topic != "served" for topic in get_args(Topic)}


def test_more_than_one_transaction_holds_is_pruned_too(pruned_log: EventLog) -> None:
    append(pruned_log, *map(str, range(12_000)), at=NOW - 8 * DAY)
    append(pruned_log, "young")
    assert pruned_log.prune("item-events", NOW) == 12_000
    assert texts(pruned_log.poll("item-events", "g", 10)) == ["young"]


def test_offsets_are_never_used_again_after_pruning(pruned_log: EventLog) -> None:
    append(pruned_log, "a", "b", at=NOW - 8 * DAY)
    pruned_log.commit("item-events", "g", {0: 1})
    assert pruned_log.prune("item-events", NOW) == 2
    assert pruned_log.end("item-events") == {0: 1}
    assert append(pruned_log, "c") == 2
    assert texts(pruned_log.poll("item-events", "g", 10)) == ["c"]


def test_concurrent_appends_lose_nothing_and_share_no_offset(event_log: EventLog) -> None:
    def append_thirty(name: str) -> list[int]:
        return [append(event_log, f"{name}{number}") for number in range(30)]

    with ThreadPoolExecutor(4) as pool:
        offsets = list(pool.map(append_thirty, "abcd"))
    assert sorted(offset for mine in offsets for offset in mine) == list(range(120))
    assert all(mine == sorted(mine) for mine in offsets)
    stored = {record.offset: record.value.decode() for record in polled(event_log, limit=200, count=120)}
    assert [stored[offset] for offset in offsets[1]] == [f"b{number}" for number in range(30)]


def test_a_record_with_an_empty_or_a_large_value_comes_back_whole(event_log: EventLog) -> None:
    large = bytes(range(256)) * (5 << 12)
    event_log.append_now("user-events", [("k", b""), ("k", large)], NOW)
    assert [record.value for record in polled(event_log, topic="user-events", count=2)] == [b"", large]


def test_a_group_has_passed_a_place_once_it_is_committed(event_log: EventLog) -> None:
    async def has_passed(offset: int) -> bool:
        return await event_log.has_passed("item-events", "g", {0: offset})

    append(event_log, "a", "b")
    assert not asyncio.run(has_passed(0))
    assert asyncio.run(event_log.has_passed("item-events", "g", {}))
    event_log.commit("item-events", "g", {0: 0})
    assert asyncio.run(has_passed(0))
    assert not asyncio.run(has_passed(1))


def test_the_newest_records_are_read_without_moving_any_group(event_log: EventLog) -> None:
    assert asyncio.run(event_log.recent("served", 10)) == []
    append(event_log, "a", "b", topic="served", at=NOW)
    append(event_log, "c", topic="served", at=NOW + 1)
    append(event_log, "other", topic="user-events")
    assert asyncio.run(event_log.recent("served", 2)) == [
        LogRecord("served", 0, 2, "key of c", b"c", NOW + 1),
        LogRecord("served", 0, 1, "key of b", b"b", NOW),
    ]
    assert texts(asyncio.run(event_log.recent("served", 10))) == ["c", "b", "a"]
    assert asyncio.run(event_log.recent("served", 0)) == []
    assert texts(polled(event_log, topic="served", count=3)) == ["a", "b", "c"]
