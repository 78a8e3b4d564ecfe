"""Reading in groups over several partitions: in turns, bounded, and shared between members that come and go."""

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest
from msgspec.structs import replace

from builders import NOW
from kafka_rig import eventually, kafka_settings, polled
from smallpool_core.errors import StoreError, StoreUnavailable
from smallpool_core.events import BEHAVIOUR_GROUP
from smallpool_core.places import has_reached
from smallpool_core.ports import LogRecord
from smallpool_stores.kafka.event_log import KafkaEventLog
from smallpool_stores.kafka.partitioner import partition_of
from smallpool_stores.kafka.settings import KafkaSettings

KEYS = [f"u{number}" for number in range(40)]


@pytest.fixture
def settings() -> Iterator[KafkaSettings]:
    with kafka_settings(4) as made:
        yield made


@pytest.fixture
def log(settings: KafkaSettings) -> Iterator[KafkaEventLog]:
    with closing(KafkaEventLog(settings)) as made:
        yield made


def append(log: KafkaEventLog, *values: str) -> None:
    for value in values:
        log.append_now("user-events", [(key, f"{key} {value}".encode()) for key in KEYS], NOW)


def take(log: KafkaEventLog, limit: int = 5) -> list[LogRecord]:
    """A batch, passed."""
    records = polled(log, "user-events", BEHAVIOUR_GROUP, limit)
    log.commit("user-events", BEHAVIOUR_GROUP, {records[-1].partition: records[-1].offset})
    return records


def drained(log: KafkaEventLog, count: int) -> list[LogRecord]:
    found: list[LogRecord] = []
    while len(found) < count:
        found += take(log)
    return found


def test_a_batch_is_of_one_partition_and_partitions_take_turns(log: KafkaEventLog) -> None:
    append(log, "1", "2")
    assert eventually(lambda: len(log.poll("user-events", BEHAVIOUR_GROUP, 1)) == 1)
    batches = []
    while sum(map(len, batches)) < 80:
        batches.append(take(log, 4))
    assert all(len({record.partition for record in batch}) == 1 for batch in batches)
    turns = [batch[0].partition for batch in batches]
    assert set(turns[-8:-4]) == {0, 1, 2, 3} or len(set(turns)) == 4


def test_every_record_comes_once_and_in_order_per_key(log: KafkaEventLog) -> None:
    append(log, "1", "2", "3")
    records = drained(log, 120)
    assert len(records) == 120
    for key in KEYS:
        assert [record.value.decode() for record in records if record.key == key] == [f"{key} {n}" for n in "123"]
    assert {record.partition for record in records} == {0, 1, 2, 3}


def test_records_lie_where_the_partitioner_says_and_the_append_names_the_newest_of_each_partition(log: KafkaEventLog) -> None:
    places = asyncio.run(log.append("user-events", [(key, b"x") for key in KEYS], NOW))
    counts = [sum(partition_of(key, 4) == partition for key in KEYS) for partition in range(4)]
    assert places == {partition: count - 1 for partition, count in enumerate(counts)} == log.end("user-events")


def test_members_share_the_partitions_and_the_one_that_stays_takes_over(settings: KafkaSettings, log: KafkaEventLog) -> None:
    with closing(KafkaEventLog(settings)) as other:
        seen: dict[str, set[int]] = {"log": set(), "other": set()}

        def is_shared() -> bool:
            if has_reached(log.committed("user-events", BEHAVIOUR_GROUP), log.end("user-events")):
                append(log, "x")
            for name, member in (("log", log), ("other", other)):
                records = member.poll("user-events", BEHAVIOUR_GROUP, 5)
                if records:
                    seen[name].add(records[0].partition)
                    try:
                        member.commit("user-events", BEHAVIOUR_GROUP, {records[-1].partition: records[-1].offset})
                    except StoreUnavailable:
                        seen[name].clear()
            return bool(seen["log"]) and bool(seen["other"])

        assert eventually(is_shared)
    log.append_now("user-events", [(key, b"after") for key in KEYS], NOW)
    after: set[str] = set()

    def has_all() -> bool:
        records = log.poll("user-events", BEHAVIOUR_GROUP, 100)
        if records:
            after.update(record.key for record in records if record.value == b"after")
            log.commit("user-events", BEHAVIOUR_GROUP, {records[-1].partition: records[-1].offset})
        return after == set(KEYS)

    assert eventually(has_all)


def test_the_lag_falls_to_none_as_the_group_goes_on(log: KafkaEventLog) -> None:
    append(log, "1")
    log.lags.refresh()
    assert log.lag("user-events", BEHAVIOUR_GROUP) == 40
    drained(log, 40)
    log.lags.refresh()
    assert log.lag("user-events", BEHAVIOUR_GROUP) == 0


def test_many_who_wait_for_a_place_are_told_when_it_is_passed(settings: KafkaSettings, log: KafkaEventLog) -> None:
    append(log, "1")
    end = log.end("user-events")

    async def all_told() -> list[bool]:
        with closing(KafkaEventLog(settings)) as service:
            before = await asyncio.gather(*[service.has_passed("user-events", BEHAVIOUR_GROUP, end) for _ in range(50)])
            await asyncio.to_thread(drained, log, 40)
            after = await asyncio.gather(*[service.has_passed("user-events", BEHAVIOUR_GROUP, end) for _ in range(50)])
            return [any(before), all(after)]

    assert asyncio.run(all_told()) == [False, True]


def test_what_is_fetched_and_not_passed_is_bounded(settings: KafkaSettings) -> None:
    with closing(KafkaEventLog(replace(settings, buffer_mb=1))) as log:
        large = b"x" * (200 << 10)
        for number in range(12):
            log.append_now("user-events", [("u1", large + str(number).encode())], NOW)
        [first] = polled(log, "user-events", BEHAVIOUR_GROUP, 1)
        buffers = log._feed("user-events", BEHAVIOUR_GROUP).buffers
        found = [first]
        log.commit("user-events", BEHAVIOUR_GROUP, {first.partition: first.offset})
        while len(found) < 12:
            assert sum(stretch.nbytes for stretch in buffers._stretches.values()) < 1_600 << 10
            found += take(log, 1)
        assert [record.value[len(large) :].decode() for record in found] == [str(number) for number in range(12)]


def test_a_record_larger_than_the_topic_takes_is_refused(settings: KafkaSettings) -> None:
    with closing(KafkaEventLog(replace(settings, max_message_mb=1))) as log, pytest.raises(StoreError, match="larger than the topic takes"):
        log.append_now("user-events", [("u1", bytes(2 << 20))], NOW)


def test_more_than_may_wait_for_brokers_is_refused_at_once(settings: KafkaSettings) -> None:
    with closing(KafkaEventLog(replace(settings, pending_mb=1))) as log, pytest.raises(StoreUnavailable, match="send less at once"):
        log.append_now("user-events", [("u1", bytes(100_000))] * 100, NOW)
