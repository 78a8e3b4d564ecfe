"""Tails of `item-wide` on Kafka: of all of it for a live view, or of the owner's part of it for the wide index.

In: the partitions to follow. Out: their records in the order of their writes, how far they were passed, and how old that is.
"""

import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from smallpool_core.errors import StoreError
from smallpool_core.items import WideItem, WideRecord
from smallpool_core.places import Places, farthest, has_reached
from smallpool_core.ports import Clock
from smallpool_stores.kafka.clients import Record
from smallpool_stores.kafka.feed import close_all
from smallpool_stores.kafka.lags import TRUSTED_MS
from smallpool_stores.kafka.offsets import Offsets
from smallpool_stores.kafka.owner import KafkaOwner
from smallpool_stores.kafka.place_feed import PlaceFeed
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.kafka.state import decode_record
from smallpool_stores.kafka.topics import group_name, topic_name

T = TypeVar("T")

INDEX_GROUP = "index"
"""Keeps how far the wide index has come, for the next owner of a partition."""
LOOK_EVERY_S = 0.5


class _TailFeed(PlaceFeed):
    """Looks now and then where the end is, and knows when the tail last stood there."""

    def __init__(self, settings: KafkaSettings, group: str | None, offsets: Offsets, clock: Clock) -> None:
        super().__init__(settings, topic_name(settings, "item-wide"), group)
        self.end: tuple[Places, int] | None = None
        self.stood_at_end: int | None = None
        self._offsets = offsets
        self._clock = clock
        self._looked_at = -LOOK_EVERY_S

    def note(self) -> bool:
        """Whether everything up to the end, as far as it is known, was passed."""
        if self.end is None or not has_reached(self.places(), self.end[0]):
            return False
        self.stood_at_end = self.end[1]
        return True

    def _arrange(self, consumer: Any) -> None:
        super()._arrange(consumer)
        if time.monotonic() - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = time.monotonic()
            now = self._clock.now_ms()
            with suppress(StoreError):  # the age of what is known tells of it
                self.end = self._offsets.ends("item-wide", self.places()), now


class KafkaWideTail:
    """The port `WideTail`. With an `owner` it follows the partitions that are the owner's, each from where the last one left it;
    else all partitions, or `only` some, from the beginning, or from where owners left them where it `goes_on`. One thread polls;
    any may ask.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        offsets: Offsets,
        clock: Clock,
        *,
        owner: KafkaOwner | None = None,
        only: Collection[int] | None = None,
        goes_on: bool = False,
    ) -> None:
        self._offsets = offsets
        self._owner = owner
        self._only = only
        self._goes_on = goes_on or owner is not None
        self._feed = _TailFeed(settings, group_name(settings, "item-wide", INDEX_GROUP) if self._goes_on else None, offsets, clock)
        self._followed: frozenset[int] = frozenset()
        self._is_started = False

    def poll(self, limit: int) -> list[WideRecord]:
        self._follow()
        while records := self._feed.buffers.take_all(limit):
            found = [WideRecord(record.partition, record.offset, item) for record in records if (item := decode_record(record, WideItem))]
            if found:
                return found
            self._feed.passed(_places(records))
        self._feed.check()
        return []

    def passed(self, records: Sequence[WideRecord]) -> None:
        self._feed.passed(_places(records))
        self._feed.note()

    def skim(self, limit: int, kind: type[T]) -> list[T]:
        """`poll` and `passed` in one, each record decoded into a Struct of the caller's, for a start at which nobody asks yet."""
        self._follow()
        records = self._feed.buffers.take_all(limit)
        if not records:
            self._feed.check()
        found = [row for record in records if (row := decode_record(record, kind))]
        self._feed.passed(_places(records))
        return found

    def place(self) -> Places:
        return {**dict.fromkeys(sorted(self._followed), -1), **self._feed.places()}

    def is_behind(self) -> bool:
        if self._owner is not None and not has_reached(self.place(), self._owner_end()):
            return True
        return self._feed.buffers.waiting() > 0 or not self._feed.note()

    def age_ms(self, now: int) -> int:
        """How long ago the tail was last known to stand at the end; 0 while it does, and since the epoch if it never did."""
        stands = self._feed.note()
        seen = self._feed.stood_at_end
        if seen is None:
            return now
        age = max(0, now - seen)
        return 0 if stands and age <= TRUSTED_MS else age

    def progress(self) -> tuple[int, int]:
        """Places passed and places there are, for a start that shows how far it is."""
        place = self.place()
        end = farthest(place, {} if self._feed.end is None else self._feed.end[0])
        return sum(offset + 1 for offset in place.values()), sum(offset + 1 for offset in end.values())

    def silent_s(self) -> dict[str, float]:
        """For how many seconds the thread that reads has not come round, by what it does."""
        return {"following item-wide": self._feed.silent_s()}

    def close(self) -> None:
        """Ends reading; keeps the place where the next one is to go on from it."""
        close_all([self._feed])

    def _follow(self) -> None:
        wanted = frozenset(self._wanted())
        for partition in self._followed - wanted:
            self._feed.leave(partition)
        new = wanted - self._followed
        if new:
            kept = self._offsets.committed("item-wide", INDEX_GROUP) if self._goes_on else {}
            for partition in sorted(new):
                self._feed.read(partition, kept.get(partition, -1))
        self._followed = wanted
        if not self._is_started:
            self._is_started = True
            self._feed.start()

    def _wanted(self) -> Collection[int]:
        if self._owner is not None:
            return self._owner.ready()
        return self._only if self._only is not None else range(self._offsets.partitions("item-wide"))

    def _owner_end(self) -> Places:
        return {} if self._owner is None else {partition: owned.state.place for partition, owned in self._owner.ready().items()}


def _places(records: Sequence[Record] | Sequence[WideRecord]) -> dict[int, int]:
    """The newest place of each partition; offsets rise."""
    return {record.partition: record.offset for record in records}
