"""A stretch of time of a log of several partitions: each gives its share, though it goes on after the stretch."""

import asyncio
from collections import Counter
from contextlib import closing

from builders import NOW
from kafka_rig import kafka_settings
from smallpool_stores.kafka.appends import Appender
from smallpool_stores.kafka.event_log import KafkaEventLog
from smallpool_stores.kafka.partitioner import partition_of

INSIDE, AFTER = 20, 600
LATER = NOW + 60_000


def test_a_partition_that_goes_on_after_the_stretch_takes_no_room_of_another() -> None:
    keys = {partition: next(key for key in map(str, range(100)) if partition_of(key, 2) == partition) for partition in (0, 1)}
    with kafka_settings(2) as settings, closing(Appender(settings)) as appender, closing(KafkaEventLog(settings)) as log:
        for key in keys.values():
            appender.append("served", [(key, b"inside")] * INSIDE, NOW)
            appender.append("served", [(key, b"after")] * AFTER, LATER)
        found = asyncio.run(log.between("served", NOW, LATER, 4 * INSIDE))
    assert {record.value for record in found} == {b"inside"}
    assert Counter(record.partition for record in found) == {0: INSIDE, 1: INSIDE}


def test_every_record_of_several_partitions_comes_once_to_who_goes_on() -> None:
    keys = {partition: next(key for key in map(str, range(100)) if partition_of(key, 2) == partition) for partition in (0, 1)}
    with kafka_settings(2) as settings, closing(Appender(settings)) as appender, closing(KafkaEventLog(settings)) as log:
        appender.append("served", [(keys[0], str(place).encode()) for place in range(7)], NOW)
        appender.append("served", [(keys[1], str(place).encode()) for place in range(3)], NOW + 1)
        passed: dict[int, int] = {}
        found: Counter[tuple[int, int]] = Counter()
        while records := asyncio.run(log.between("served", NOW, LATER, 5, passed)):
            found.update((record.partition, record.offset) for record in records)
            for record in records:
                passed[record.partition] = max(passed.get(record.partition, -1), record.offset)
    assert found == Counter({(0, place): 1 for place in range(7)} | {(1, place): 1 for place in range(3)})
