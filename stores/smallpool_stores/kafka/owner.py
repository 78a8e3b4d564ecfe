"""The owner of items: the one writer of every item whose partition the group gives to this process.

In: the group's partitions as they come and go. Out: `OwnedPartition`s that are ready, and the blocks in which all is written
that belongs together. One thread drives it, that of the write path.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from logging import getLogger
from typing import cast

from smallpool_core.errors import StoreError, StoreUnavailable
from smallpool_core.items import DeadLetter
from smallpool_core.ports import Clock, Topic
from smallpool_stores.kafka.errors import OUSTED, translated
from smallpool_stores.kafka.event_log import KafkaEventLog, letters_by_time
from smallpool_stores.kafka.feed import close_all, silences
from smallpool_stores.kafka.owned import COPIED_AT_ONCE, OwnedPartition, Sources, Transaction
from smallpool_stores.kafka.partitioner import partition_of
from smallpool_stores.kafka.topics import topic_name
from smallpool_stores.sqlite.lock import DirectoryLock

RETRY_S = 0.5
"""After a step of a partition failed, while the others go on."""

log = getLogger("smallpool.kafka")


class KafkaOwner:
    """The port `Atomic`, and what `KafkaItemLog` and `KafkaWideTable` stand on. `close` ends it in a few seconds.

    A block that touches several partitions is one transaction each: all or nothing within a partition.
    """

    def __init__(self, plain: KafkaEventLog, clock: Clock) -> None:
        self.plain = plain
        self.sources = Sources(plain.settings, plain.offsets)
        self._clock = clock
        self._owned: dict[int, OwnedPartition] = {}
        self._block: Block | None = None
        self._lock: DirectoryLock | None = None

    def advance(self) -> None:
        """One step for each partition that is not ready, and for those that came or went; to be called often.

        Raises `StoreError` only where no partition is ready, so that one which is in trouble does not hold up the others.
        """
        self._start()
        held = self.sources.events.holdings()
        for owned in [owned for owned in self._owned.values() if held.get(owned.partition) != owned.holding]:
            self._owned.pop(owned.partition).close()
        for partition, holding in held.items():
            self._owned.setdefault(partition, OwnedPartition(self.sources, partition, holding))
        waiting = [owned for owned in self._owned.values() if not owned.is_ready]
        if waiting:
            self._copy()
            if not self.ready():
                self.sources.copied.check()
        for owned in waiting:
            self._step(owned)

    def ready(self) -> dict[int, OwnedPartition]:
        """The partitions whose items are known and may be written; may be asked from any thread."""
        return {partition: owned for partition, owned in sorted(self._owned.copy().items()) if owned.is_ready}

    def partition_of(self, item_id: str) -> int:
        """Where an item's records lie."""
        return partition_of(item_id, self.plain.offsets.partitions("item-wide"))

    @contextmanager
    def atomic(self) -> Iterator[None]:
        if self._block is not None:
            yield
            return
        try:
            with ExitStack() as stack:
                self._block = Block(self, stack, self._clock.now_ms())
                yield
                self._block.finish()
        except StoreError as exc:
            if isinstance(exc.__cause__, OUSTED):
                log.warning("this process joins its group anew: %s", exc)
                self.sources.events.restart()
            raise
        finally:
            self._block = None

    @property
    def joined(self) -> "Block | None":
        """The block under way, if there is one."""
        return self._block

    @contextmanager
    def block(self) -> "Iterator[Block]":
        """The block under way, or one of its own."""
        with self.atomic():
            yield cast("Block", self._block)

    def checkpoint(self) -> None:
        """What the states want done about once a second, in a thread that nobody waits for."""
        for owned in self.ready().values():
            owned.state.database.checkpoint()

    def silent_s(self) -> dict[str, float]:
        """For how many seconds each thread here has not come round, by what it does."""
        return silences([self.sources.events, self.sources.copied])

    def close(self) -> None:
        """Leaves the group and lets all partitions go; a transaction under way belongs to the thread that drives this, and is over."""
        close_all([self.sources.events, self.sources.copied])
        for owned in self._owned.values():
            owned.close()
        self._owned.clear()
        if self._lock is not None:
            self._lock.release()

    def _start(self) -> None:
        if self._lock is None:
            directory = self.sources.directory
            try:
                directory.mkdir(parents=True, exist_ok=True)
            except OSError as exc:
                raise StoreUnavailable(f"could not make the state directory {directory}: {exc.strerror}; choose another directory") from exc
            self._lock = DirectoryLock(directory)
            self.sources.events.start()
            self.sources.copied.start()

    def _copy(self) -> None:
        copied = self.sources.copied
        records = copied.buffers.take(COPIED_AT_ONCE)
        if records:
            self._owned[records[0].partition].state.take_in(records)
            copied.passed({records[0].partition: records[-1].offset})

    def _step(self, owned: OwnedPartition) -> None:
        if time.monotonic() < owned.retry_at:
            return
        try:
            owned.step()
        except StoreError as exc:
            owned.settle_anew()
            owned.retry_at = time.monotonic() + RETRY_S
            if not self.ready():
                raise
            log.warning("partition %d waits: %s", owned.partition, exc)


class Block:
    """What one block writes, by partition; its transactions end with the stack."""

    def __init__(self, owner: KafkaOwner, stack: ExitStack, at: int) -> None:
        self._owner = owner
        self._stack = stack
        self._at = at
        self._open: dict[int, Transaction] = {}
        self._letters: list[DeadLetter] = []

    def of(self, partition: int) -> Transaction:
        """The partition's transaction, begun here if it is the first to be written to; raises `StoreUnavailable` if it is not ours."""
        if partition not in self._open:
            owned = self._owner.ready().get(partition)
            if owned is None:
                raise StoreUnavailable(
                    f"could not write to partition {partition}: it is another process's, or not yet this one's; try again"
                )
            self._open[partition] = self._stack.enter_context(owned.transaction(self._at))
        return self._open[partition]

    def add_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Dead letters, which go with the last transaction of the block."""
        self._letters += letters

    def append(self, topic: Topic, records: Sequence[tuple[str, bytes]], at: int) -> dict[int, int]:
        """Other records, which go with some transaction of the block; by themselves where no partition is ready."""
        return self._send(topic, records, at)

    def finish(self) -> None:
        """What is to be done when everything is known."""
        for at, pairs in letters_by_time(self._letters):
            self._send("dead-letters", pairs, at)

    def _send(self, topic: Topic, records: Sequence[tuple[str, bytes]], at: int) -> dict[int, int]:
        mine = [*self._owner.ready(), *self._open]
        if not mine:
            return dict(self._owner.plain.append_now(topic, records, at))
        transaction, count = self.of(mine[-1]), self._owner.plain.offsets.partitions(topic)
        sent = [
            transaction.send(topic_name(self._owner.plain.settings, topic), partition_of(key, count), key, value, at)
            for key, value in records
        ]
        newest: dict[int, int] = {}
        with translated(f"append to {topic}"):
            for future in sent:
                where = future.get(timeout=self._owner.plain.settings.delivery_timeout_ms / 1000)
                newest[where.partition] = max(where.offset, newest.get(where.partition, -1))
        return newest
