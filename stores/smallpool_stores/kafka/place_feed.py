"""Reading partitions that the reader names, each from a place that it names; no group decides about them.

In: partitions and places. Out: their records. With a group, places that were passed are kept there about once a second.
"""

import threading
import time
from contextlib import suppress
from typing import Any

from kafka.structs import OffsetAndMetadata

from smallpool_core.places import Places
from smallpool_stores.kafka.feed import GONE, Feed
from smallpool_stores.kafka.settings import KafkaSettings

KEEP_EVERY_S = 1.0


class PlaceFeed(Feed):
    """Partitions may be added and left at any time, from any thread."""

    def __init__(self, settings: KafkaSettings, topic: str, group: str | None = None) -> None:
        super().__init__(settings, topic, group)
        self._places: dict[int, int] = {}
        self._to_open: set[int] = set()
        self._is_changed = False
        self._lock = threading.Lock()
        self._kept: dict[int, int] = {}
        self._kept_at = 0.0

    def read(self, partition: int, place: int) -> None:
        """Reads the partition after `place`."""
        with self._lock:
            self.buffers.close(partition)
            self._places[partition] = place
            self._to_open.add(partition)
            self._is_changed = True

    def leave(self, partition: int) -> None:
        """Reads it no more."""
        with self._lock:
            self._places.pop(partition, None)
            self._to_open.discard(partition)
            self._is_changed = True
            self.buffers.close(partition)

    def passed(self, upto: Places) -> None:
        """Everything up to these places has had its effect."""
        with self._lock:
            for partition, offset in upto.items():
                if partition in self._places:
                    self._places[partition] = max(self._places[partition], offset)
                    self.buffers.passed(partition, offset)

    def places(self) -> dict[int, int]:
        """How far each partition was passed, markers of transactions included."""
        with self._lock:
            return {
                partition: place for partition, place in ({**self._places, **self.buffers.places()}).items() if partition in self._places
            }

    def _begin(self, consumer: Any) -> None:
        with self._lock:
            self._to_open = set(self._places)
            self._is_changed = True

    def _arrange(self, consumer: Any) -> None:
        with self._lock:
            is_changed, self._is_changed = self._is_changed, False
            to_open = {partition: self._places[partition] for partition in self._to_open}
            partitions = sorted(self._places)
        if is_changed:
            consumer.assign(list(map(self._at, partitions)))
        for partition, place in to_open.items():
            with suppress(*GONE):
                self._open(consumer, partition, place)
        self._keep_places(consumer, KEEP_EVERY_S)

    def _open(self, consumer: Any, partition: int, place: int) -> None:
        at = self._at(partition)
        consumer.seek(at, place + 1)
        consumer.resume(at)
        with self._lock:
            if partition in self._to_open and self._places.get(partition) == place:
                self._to_open.discard(partition)
                self.buffers.open(partition, place)

    def _end(self, consumer: Any) -> None:
        self._keep_places(consumer, 0.0)

    def _keep_places(self, consumer: Any, every_s: float) -> None:
        if self._group is None or time.monotonic() - self._kept_at < every_s:
            return
        self._kept_at = time.monotonic()
        news = {partition: place for partition, place in self.places().items() if place > self._kept.get(partition, -1)}
        if news:
            offsets = {self._at(partition): OffsetAndMetadata(place + 1, "", -1) for partition, place in news.items()}
            consumer.commit(offsets, timeout_ms=self._settings.request_timeout_ms)
            self._kept.update(news)
