"""When the oldest record that a group has not passed was appended.

In: how far the group has come, and where the topic ends. Out: a time. Brokers tell an offset of a time but no time of an offset, so the
record itself is read: one small fetch a partition that has moved since it was last looked at.
"""

import time
from typing import Any

from kafka.errors import KafkaTimeoutError

from smallpool_core.places import Places
from smallpool_core.ports import Topic
from smallpool_stores.kafka import clients
from smallpool_stores.kafka.clients import TopicPartition, records_of
from smallpool_stores.kafka.errors import translated
from smallpool_stores.kafka.feed import POLL_MS
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.kafka.topics import topic_name


class OldestRecord:
    """For one thread. Connects when there is first something to read."""

    def __init__(self, settings: KafkaSettings, topic: Topic) -> None:
        self._settings = settings
        self._topic = topic_name(settings, topic)
        self._consumer: Any = None
        self._known: dict[int, tuple[int, int | None]] = {}

    def after(self, passed: Places, ends: Places) -> int | None:
        """When the oldest record after `passed` and up to `ends` was appended (ms), None where there is none.

        Raises `StoreUnavailable` where brokers do not hand it out in time.
        """
        waiting = {partition: passed.get(partition, -1) + 1 for partition, end in ends.items() if end > passed.get(partition, -1)}
        self._known = {partition: known for partition, known in self._known.items() if waiting.get(partition) == known[0]}
        missing = {partition: place for partition, place in waiting.items() if partition not in self._known}
        if missing:
            with translated(f"read the oldest record of {self._topic} that waits"):
                self._read(missing, ends)
        return min((at for _, at in self._known.values() if at is not None), default=None)

    def close(self) -> None:
        """Lets go of the connection."""
        if self._consumer is not None:
            self._consumer.close(autocommit=False)
            self._consumer = None

    def _read(self, missing: dict[int, int], ends: Places) -> None:
        """Notes the time of the first record at or after each place; of places with markers of transactions alone, that there is none."""
        if self._consumer is None:
            self._consumer = clients.consumer(self._settings, None)
        consumer, left = self._consumer, dict(missing)
        give_up = time.monotonic() + self._settings.request_timeout_ms / 1000
        try:
            self._go_to(left)
            while left:
                for partition, [first, *_] in records_of(consumer.poll(timeout_ms=POLL_MS, max_records=1)).items():
                    self._known[partition] = (left.pop(partition), first.at)
                    self._go_to(left)
                for partition in [one for one in left if consumer.position(self._at(one), timeout_ms=0) > ends[one]]:
                    self._known[partition] = (left.pop(partition), None)
                if left:
                    self._be_in_time(give_up)
        except BaseException:
            self.close()
            raise
        consumer.assign([])  # else it would go on reading ahead

    def _be_in_time(self, give_up: float) -> None:
        if time.monotonic() > give_up:
            raise KafkaTimeoutError(f"no record came within {self._settings.request_timeout_ms} ms")

    def _go_to(self, places: dict[int, int]) -> None:
        self._consumer.assign([self._at(partition) for partition in places])
        for partition, place in places.items():
            self._consumer.seek(self._at(partition), place)

    def _at(self, partition: int) -> Any:
        return TopicPartition(self._topic, partition)
