"""A reader with little room: what it holds back for a while comes in the end, whatever it reads meanwhile."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from msgspec.structs import replace

from builders import NOW
from kafka_rig import eventually, kafka_settings
from smallpool_stores.kafka.appends import Appender
from smallpool_stores.kafka.feed import close_all
from smallpool_stores.kafka.partitioner import partition_of
from smallpool_stores.kafka.place_feed import PlaceFeed
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.kafka.topics import topic_name

RECORDS, BYTES = 3_000, 1_000
"""Of one partition: some 3 MB, read a megabyte and taken in 500 records at a time, where a reader of two may hold 512 KB of each."""


@contextmanager
def reading(settings: KafkaSettings) -> Iterator[PlaceFeed]:
    feed = PlaceFeed(replace(settings, buffer_mb=1), topic_name(settings, "served"))
    for partition in (0, 1):
        feed.read(partition, -1)
    feed.start()
    try:
        yield feed
    finally:
        close_all([feed])


def keys_of(partition: int, count: int) -> list[str]:
    keys = (f"k{number}" for number in range(10 * count + 10))
    return [key for key in keys if partition_of(key, 2) == partition][:count]


def take_all(feed: PlaceFeed) -> list[int]:
    """The partition of each record that waits; they are passed."""
    records = feed.buffers.take_all(RECORDS)
    feed.passed({record.partition: record.offset for record in records})
    return [record.partition for record in records]


def test_a_partition_that_was_held_back_goes_on_after_another_was_read() -> None:
    with kafka_settings(2) as settings, closing(Appender(settings)) as appender:
        appender.append("served", [(key, b"x" * BYTES) for key in keys_of(0, RECORDS)], NOW)
        with reading(settings) as feed:
            assert eventually(lambda: feed.buffers.crowded()[0] == {0})
            appender.append("served", [(key, b"x") for key in keys_of(1, 1)], NOW)
            assert eventually(lambda: {record.partition for record in feed.buffers.take_all(RECORDS)} == {0, 1})
            taken: list[int] = []

            def is_all_there() -> bool:
                taken.extend(take_all(feed))
                return len(taken) == RECORDS + 1

            assert eventually(is_all_there), f"{len(taken)} of {RECORDS + 1} records came"
