"""The log as the owner of items has it: `item-events` read by partition owned, and written in the owner's transactions.

In: what the group gives to this process. Out: the port `EventLog`; all but the owner's own reading is the plain log's.
"""

import time
from collections.abc import Sequence

from smallpool_core.items import DeadLetter
from smallpool_core.places import Places, has_reached
from smallpool_core.ports import LogRecord, Topic
from smallpool_stores.kafka.clients import Record
from smallpool_stores.kafka.event_log import OWNED, log_record
from smallpool_stores.kafka.owner import KafkaOwner
from smallpool_stores.kafka.partitioner import partition_of

_ASK_EVERY_S = 1.0


class KafkaItemLog:
    """The port `EventLog` for the write path. `poll`, `commit` and `append_now` are for the thread that drives the owner."""

    def __init__(self, owner: KafkaOwner) -> None:
        self._owner = owner
        self._plain = owner.plain
        self._others: dict[int, int] = {}
        self._asked_at = -_ASK_EVERY_S

    async def append(self, topic: Topic, records: Sequence[tuple[str, bytes]], at: int) -> Places:
        return await self._plain.append(topic, records, at)

    def append_now(self, topic: Topic, records: Sequence[tuple[str, bytes]], at: int) -> Places:
        block = self._owner.joined
        return self._plain.append_now(topic, records, at) if block is None else block.append(topic, records, at)

    async def recent(self, topic: Topic, limit: int) -> list[LogRecord]:
        return await self._plain.recent(topic, limit)

    async def between(self, topic: Topic, since: int, until: int, limit: int, after: Places | None = None) -> list[LogRecord]:
        return await self._plain.between(topic, since, until, limit, after)

    def poll(self, topic: Topic, group: str, limit: int) -> list[LogRecord]:
        if (topic, group) != OWNED:
            return self._plain.poll(topic, group, limit)
        self._owner.advance()
        buffers = self._owner.sources.events.buffers
        while records := buffers.take(limit):
            at_home = [record for record in records if self._is_at_home(record)]
            if len(at_home) < len(records):
                self._send_home([record for record in records if not self._is_at_home(record)])
            if at_home:
                return [log_record(topic, record) for record in at_home]
            self.commit(topic, group, {records[-1].partition: records[-1].offset})
        self._owner.sources.events.check()
        return []

    def commit(self, topic: Topic, group: str, upto: Places) -> None:
        if (topic, group) != OWNED:
            self._plain.commit(topic, group, upto)
            return
        with self._owner.block() as block:
            for partition, offset in upto.items():
                block.of(partition).pass_upto(offset)

    def committed(self, topic: Topic, group: str) -> Places:
        if (topic, group) != OWNED:
            return self._plain.committed(topic, group)
        if time.monotonic() - self._asked_at >= _ASK_EVERY_S:
            # What others own is known a second late; of what is owned here nobody else decides.
            self._others, self._asked_at = self._plain.offsets.committed(topic, group), time.monotonic()
        mine = {partition: owned.committed for partition, owned in self._owner.ready().items() if owned.committed >= 0}
        return {**self._others, **mine}

    def end(self, topic: Topic) -> Places:
        return self._plain.end(topic)

    async def has_passed(self, topic: Topic, group: str, places: Places) -> bool:
        if (topic, group) == OWNED:
            mine = {partition: owned.committed for partition, owned in self._owner.ready().items()}
            if has_reached(mine, places):
                return True
        return await self._plain.has_passed(topic, group, places)

    def lag(self, topic: Topic, group: str) -> int | None:
        return self._plain.lag(topic, group)

    def dead_letter(self, letters: Sequence[DeadLetter]) -> None:
        block = self._owner.joined
        (self._plain.dead_letter if block is None else block.add_letters)(letters)

    def dead_letters(self, after: int, limit: int) -> list[tuple[int, DeadLetter]]:
        return self._plain.dead_letters(after, limit)

    def prune(self, topic: Topic, before: int) -> int:
        return self._plain.prune(topic, before)

    def _is_at_home(self, record: Record) -> bool:
        return partition_of(record.key, self._plain.offsets.partitions("item-events")) == record.partition

    def _send_home(self, strays: Sequence[Record]) -> None:
        """A producer with another partitioner put them where their items are not known: they go to the owner of their items."""
        for record in strays:
            self._plain.append_now("item-events", [(record.key, record.value)], record.at)
        self._owner.sources.events.buffers.remove(strays)
