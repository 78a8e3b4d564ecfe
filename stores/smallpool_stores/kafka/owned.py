"""One partition of which this process is the owner, from taking it over to letting it go.

In: the group's word that the partition is ours. Out: its items, and transactions over them. In this order: shut out whoever wrote
before; read `item-wide` to its end; only then take events in. Between these steps the partition gives nothing and takes nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.items import WideItem
from smallpool_stores.kafka.errors import translated
from smallpool_stores.kafka.group_feed import GroupFeed
from smallpool_stores.kafka.offsets import Offsets
from smallpool_stores.kafka.partition_producer import PartitionProducer
from smallpool_stores.kafka.place_feed import PlaceFeed
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.kafka.state import PartitionState, encode_item, open_state
from smallpool_stores.kafka.topics import group_name, topic_name

COPIED_AT_ONCE = 1_000


class Sources:
    """What every owned partition is made from: the group's events, the tail that is copied, and questions to brokers."""

    def __init__(self, settings: KafkaSettings, offsets: Offsets) -> None:
        self.settings = settings
        self.offsets = offsets
        self.directory = Path(settings.state_directory)
        self.wide_topic = topic_name(settings, "item-wide")
        self.events = GroupFeed(settings, *_names(settings), opens_itself=False)
        self.copied = PlaceFeed(settings, self.wide_topic)


class OwnedPartition:
    """For one thread. `holding` is the group's number for this ownership: with another number it is another ownership."""

    def __init__(self, sources: Sources, partition: int, holding: int) -> None:
        self.partition = partition
        self.holding = holding
        self.committed = -1
        self.is_ready = False
        self.retry_at = 0.0
        self._sources = sources
        self._producer: PartitionProducer | None = None
        self._state: PartitionState | None = None
        self._copy_upto: int | None = None

    @property
    def state(self) -> PartitionState:
        """What is known of the items; raises `StoreUnavailable` before the partition was taken over."""
        if self._state is None:
            raise StoreUnavailable(f"partition {self.partition} of item-wide is not taken over yet; try again")
        return self._state

    def step(self) -> None:
        """The next step towards being ready."""
        if self._copy_upto is None:
            self._take_over()
        elif self._sources.copied.places().get(self.partition, -1) >= self._copy_upto:
            self._go()

    def settle_anew(self) -> None:
        """Takes the partition over once more, since nobody knows how its last transaction ended."""
        self._sources.events.shut(self.partition)
        self._sources.copied.leave(self.partition)
        self.is_ready, self._copy_upto = False, None
        if self._producer is not None:
            self._producer.close()
            self._producer = None

    def close(self) -> None:
        """Lets the partition go; its state stays on the disk, for the time when it comes back."""
        self.settle_anew()
        if self._state is not None:
            self._state.close()
            self._state = None

    @contextmanager
    def transaction(self, at: int) -> Iterator["Transaction"]:
        """What is written inside becomes visible when the block ends, or never. Whatever fails, item-wide decides what holds."""
        if not self.is_ready or self._producer is None:
            raise StoreUnavailable(f"partition {self.partition} is not this process's, or not yet; another turn takes up what is left")
        transaction = Transaction(self._sources, self, self._producer, at)
        is_settled = False
        try:
            with self.state.atomic(at):
                self._producer.begin()
                try:
                    yield transaction
                except BaseException:
                    self._producer.abort()
                    is_settled = True
                    raise
                transaction.commit()
        except BaseException:
            if not is_settled:
                self.settle_anew()
            raise
        transaction.passed()

    def _take_over(self) -> None:
        self._producer = PartitionProducer(self._sources.settings, f"{self._sources.settings.prefix}{INDEXER_GROUP}-{self.partition}")
        if self._state is None:
            self._state = open_state(self._sources.directory, self.partition, self._sources.offsets.identity("item-wide"))
        # Nothing is written to this partition any more but by us, so this end is the last.
        self._copy_upto = self._sources.offsets.ends("item-wide", [self.partition])[self.partition]
        self._sources.copied.read(self.partition, self._state.place)

    def _go(self) -> None:
        self._sources.copied.leave(self.partition)
        # Asked after the last owner was shut out: a commit of its last transaction counts, or the transaction is undone.
        self.committed = self._sources.offsets.committed("item-events", INDEXER_GROUP).get(self.partition, -1)
        self._sources.events.open(self.partition, self.committed)
        self.is_ready = True


class Transaction:
    """What is written in one transaction of one partition."""

    def __init__(self, sources: Sources, owned: OwnedPartition, producer: PartitionProducer, at: int) -> None:
        self._sources = sources
        self._owned = owned
        self._producer = producer
        self._at = at
        self._newest: Any = None
        self._passed: int | None = None

    def append(self, items: Sequence[WideItem]) -> list[bool]:
        """Records the items that are newer than what is known; says for each whether it was."""
        newer = self._owned.state.table.append(items)
        for item, is_newer in zip(items, newer, strict=True):
            if is_newer:
                self._newest = self.send(self._sources.wide_topic, self._owned.partition, item.item_id, encode_item(item), self._at)
        return newer

    def send(self, topic: str, partition: int, key: str, value: bytes, at: int) -> Any:
        """Writes any record; returns the client's future of where it lies."""
        return self._producer.send(topic, partition, key, value, at)

    def pass_upto(self, offset: int) -> None:
        """The group has passed the partition's events up to here."""
        self._passed = max(offset, self._owned.committed, -1 if self._passed is None else self._passed)

    def commit(self) -> None:
        """Ends the transaction for brokers, and notes in the state what it has written; raises where its outcome is not known."""
        events, partition = self._sources.events, self._owned.partition
        if events.holdings().get(partition) != self._owned.holding:
            raise StoreUnavailable(f"partition {partition} of item-events went to another process, which takes its events in")
        offsets = {} if self._passed is None else events.offsets({partition: events.buffers.place_after(partition, self._passed)})
        self._producer.commit(offsets, events.membership())
        if self._newest is not None:
            with translated("learn where the last record lies"):
                self._owned.state.remember(self._newest.get(timeout=0).offset)

    def passed(self) -> None:
        """Everything is done: the events are not handed out again."""
        if self._passed is not None:
            self._owned.committed = max(self._passed, self._owned.committed)
            self._sources.events.buffers.passed(self._owned.partition, self._passed)


def _names(settings: KafkaSettings) -> tuple[str, str]:
    """The topic of item events, and the group whose members share it out."""
    return topic_name(settings, "item-events"), group_name(settings, "item-events", INDEXER_GROUP)
