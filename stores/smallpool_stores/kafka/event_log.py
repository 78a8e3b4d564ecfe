"""The log on Kafka: for the service, the command line, and whoever reads as a member of a group.

In: (key, value) pairs. Out: records by group, at least once and in order per key; dead letters by number.
"""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from msgspec import msgpack

from smallpool_core.errors import StoreError
from smallpool_core.items import DeadLetter
from smallpool_core.places import Places, farthest, has_reached
from smallpool_core.ports import LogRecord, Topic
from smallpool_stores.kafka.appends import Appender, Pairs
from smallpool_stores.kafka.clients import Record
from smallpool_stores.kafka.errors import translated
from smallpool_stores.kafka.feed import close_all, silences
from smallpool_stores.kafka.group_feed import GroupFeed
from smallpool_stores.kafka.lags import ITEMS, Lags, Reader
from smallpool_stores.kafka.offsets import Offsets
from smallpool_stores.kafka.reading import read
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.kafka.topics import group_name, topic_name

OWNED = ITEMS
"""Read by the owner of items alone."""
_AT_ONCE = 64
"""So many records are handed over on the event loop; more of them in a thread, since each takes some 50 µs."""

encode_letter = msgpack.Encoder().encode
_decode_letter = msgpack.Decoder(DeadLetter).decode


class KafkaEventLog:
    """The port `EventLog`. Brokers' retention does what `prune` does elsewhere. `lags` are to be refreshed about once a second."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self.offsets = Offsets(settings)
        self.lags = Lags(settings, self.offsets)
        self._appender = Appender(settings)
        self._feeds: dict[Reader, GroupFeed] = {}
        self._feeds_lock = threading.Lock()
        self._passed: dict[Reader, dict[int, int]] = {}
        # A thread of its own: one that waits for brokers must not be one that others need.
        self._sending = ThreadPoolExecutor(1, "append to kafka")
        self._questions = ThreadPoolExecutor(2, "ask kafka")
        self._asked: dict[Reader, Future[dict[int, int]]] = {}

    async def append(self, topic: Topic, records: Sequence[tuple[str, bytes]], at: int) -> Places:
        if not records:
            return {}
        if len(records) > _AT_ONCE or not self._appender.is_ready(topic):
            sending = asyncio.get_running_loop().run_in_executor(self._sending, self._appender.send, topic, records, at)
            sent = await sending
        else:
            sent = self._appender.send(topic, records, at)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(sent.done), self._appender.patience_s)
        except TimeoutError as exc:
            raise self._appender.gave_up(topic, sent) from exc

    def append_now(self, topic: Topic, records: Sequence[tuple[str, bytes]], at: int) -> Places:
        return self._appender.append(topic, records, at)

    def poll(self, topic: Topic, group: str, limit: int) -> list[LogRecord]:
        feed = self._feed(topic, group)
        records = feed.buffers.take(limit)
        if not records:
            feed.check()
        return [log_record(topic, record) for record in records]

    async def recent(self, topic: Topic, limit: int) -> list[LogRecord]:
        return await asyncio.to_thread(self._recent, topic, limit)

    async def between(self, topic: Topic, since: int, until: int, limit: int, after: Places | None = None) -> list[LogRecord]:
        return await asyncio.to_thread(self._between, topic, since, until, limit, after or {})

    def commit(self, topic: Topic, group: str, upto: Places) -> None:
        feed = self._feed(topic, group)
        passed = {partition: feed.buffers.place_after(partition, offset) for partition, offset in upto.items()}
        known = self._passed.get((topic, group)) or self.offsets.committed(topic, group)
        ahead = {partition: place for partition, place in passed.items() if place > known.get(partition, -1)}
        if ahead:
            feed.commit(ahead)
        self._passed[topic, group] = farthest(known, ahead)
        for partition, offset in upto.items():
            feed.buffers.passed(partition, offset)

    def committed(self, topic: Topic, group: str) -> Places:
        return self.offsets.committed(topic, group)

    def end(self, topic: Topic) -> Places:
        return {partition: end for partition, end in self.offsets.ends(topic).items() if end >= 0}

    async def has_passed(self, topic: Topic, group: str, places: Places) -> bool:
        reader = (topic, group)
        if has_reached(self._passed.get(reader, {}), places):
            return True
        # All who wait at a time share one question, so that a thousand of them cost brokers no more than one.
        asked = self._asked.get(reader)
        if asked is None or asked.done():
            asked = self._asked[reader] = self._questions.submit(self.offsets.committed, topic, group)
        passed = await asyncio.shield(asyncio.wrap_future(asked))
        self._passed[reader] = farthest(self._passed.get(reader, {}), passed)
        return has_reached(passed, places)

    def lag(self, topic: Topic, group: str) -> int | None:
        return self.lags.of(topic, group)

    def dead_letter(self, letters: Sequence[DeadLetter]) -> None:
        for at, pairs in letters_by_time(letters):
            self.append_now("dead-letters", pairs, at)

    def dead_letters(self, after: int, limit: int) -> list[tuple[int, DeadLetter]]:
        end = self.offsets.ends("dead-letters")[0]
        if after >= end or limit <= 0:
            return []
        with translated("read dead-letters"):
            found = read(self.settings, "dead-letters", {0: max(0, after + 1)}, {0: end}, limit)
        return [(record.offset, _decode_letter(record.value)) for record in found]

    def prune(self, topic: Topic, before: int) -> int:
        return 0

    def leave(self) -> None:
        """Leaves all groups, so that others take over at once; takes some seconds at most."""
        close_all(self._feeds.values())

    def silent_s(self) -> dict[str, float]:
        """For how many seconds each thread here has not come round, by what it does."""
        return {"asking brokers for lags": self.lags.silent_s(), **silences(list(self._feeds.values()))}

    def close(self) -> None:
        """Leaves all groups and sends what waits; takes some seconds at most."""
        self.leave()
        self._appender.close()
        for threads in (self._sending, self._questions):
            threads.shutdown(wait=False, cancel_futures=True)
        self.lags.close()
        self.offsets.close()

    def _feed(self, topic: Topic, group: str) -> GroupFeed:
        with self._feeds_lock:
            if (topic, group) == OWNED:
                raise StoreError(f"could not read {topic} as {group!r}: the owner of items alone does; ask the log of the owner")
            if (topic, group) not in self._feeds:
                feed = self._feeds[topic, group] = GroupFeed(
                    self.settings, topic_name(self.settings, topic), group_name(self.settings, topic, group)
                )
                feed.start()
            return self._feeds[topic, group]

    def _recent(self, topic: Topic, limit: int) -> list[LogRecord]:
        ends = self.end(topic)
        if not ends or limit <= 0:
            return []
        each = -(-limit // len(ends))
        with translated(f"read the end of {topic}"):
            starts = {partition: max(0, end + 1 - each) for partition, end in ends.items()}
            found = read(self.settings, topic, starts, ends, each * len(ends))
        found.sort(key=lambda record: (record.at, record.offset), reverse=True)
        return [log_record(topic, record) for record in found[:limit]]

    def _between(self, topic: Topic, since: int, until: int, limit: int, after: Places) -> list[LogRecord]:
        firsts, stops = self.offsets.since(topic, since), self.offsets.since(topic, until)
        starts = {partition: max(start, after.get(partition, -1) + 1) for partition, start in firsts.items()}
        each = max(1, limit // len(starts))  # rounded down: what is read is not cut again, or a later call would pass it over
        ends = {partition: min(stops[partition], start + each) - 1 for partition, start in starts.items() if stops[partition] > start}
        if not ends or limit <= 0:
            return []
        with translated(f"read {topic} from a time on"):
            found = read(self.settings, topic, {partition: starts[partition] for partition in ends}, ends, each * len(ends))
        found.sort(key=lambda record: (record.at, record.partition, record.offset))
        return [log_record(topic, record) for record in found[:limit]]


def log_record(topic: Topic, record: Record) -> LogRecord:
    """The record as the port has it."""
    return LogRecord(topic, record.partition, record.offset, record.key, record.value, record.at)


def letters_by_time(letters: Sequence[DeadLetter]) -> list[tuple[int, Pairs]]:
    """Letters as they are appended, those of one time together, in their order."""
    return [(letter.at, [(letter.key, encode_letter(letter))]) for letter in letters]
