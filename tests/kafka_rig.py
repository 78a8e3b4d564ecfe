"""Kafka for tests: the real cluster, topics of a test's own, and patience for what goes by way of another process."""

import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Self, TypeVar, get_args
from uuid import uuid4

from kafka.admin import ConfigResource
from msgspec.structs import replace

import servers
from builders import FakeClock
from smallpool_config import stack
from smallpool_config.stack import state
from smallpool_config.stack.plan import new_stack, with_free_ports
from smallpool_core.errors import StoreUnavailable
from smallpool_core.items import WideItem, WideRecord
from smallpool_core.places import Places, has_reached
from smallpool_core.ports import Clock, LogRecord, Topic, WideTail
from smallpool_stores.kafka import clients, topics
from smallpool_stores.kafka.event_log import KafkaEventLog
from smallpool_stores.kafka.item_log import KafkaItemLog
from smallpool_stores.kafka.offsets import Offsets
from smallpool_stores.kafka.owned import OwnedPartition
from smallpool_stores.kafka.owner import KafkaOwner
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.kafka.wide_table import KafkaWideTable
from smallpool_stores.kafka.wide_tail import LOOK_EVERY_S, KafkaWideTail

T = TypeVar("T")
PATIENCE_S = 30.0
STANDS_S = LOOK_EVERY_S + 0.2


@contextmanager
def kafka_settings(partitions: int = 1, bootstrap: str | None = None, *, keeps_for_ever: bool = True) -> Iterator[KafkaSettings]:
    """Settings under a prefix of their own, whose topics are made before and deleted after; the state lies in a folder that goes too.

    Tests play in a past that brokers would forget, so the topics are told to keep everything.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = KafkaSettings(
            bootstrap=bootstrap or servers.address("kafka"),
            prefix=f"test-{uuid4().hex[:12]}.",
            partitions=partitions,
            session_timeout_ms=6_000,
            state_directory=folder,
        )
        topics.ensure(settings)
        if keeps_for_ever:
            keep_for_ever(settings)
        yield settings
        topics.remove(settings)


def keep_for_ever(settings: KafkaSettings) -> None:
    """Brokers forget by the time of a record, and a clock that stands still may stand far back."""
    with closing(clients.admin(settings)) as admin:
        kept = {"retention.ms": "-1"}
        names = [topics.topic_name(settings, topic) for topic in get_args(Topic)]
        admin.alter_configs([ConfigResource("TOPIC", name, kept) for name in names])


def eventually(ask: Callable[[], T]) -> T:
    """The first answer that is not empty or false, asked again for a while; the last one where none comes."""
    give_up = time.monotonic() + PATIENCE_S
    while not (answer := ask()) and time.monotonic() < give_up:
        time.sleep(0.005)
    return answer


def polled(log: KafkaEventLog | KafkaItemLog, topic: Topic, group: str, limit: int = 100) -> list[LogRecord]:
    """What `poll` gives once it gives something."""
    return eventually(lambda: log.poll(topic, group, limit))


class SetClock:
    """The port `Clock`, showing what another clock shows."""

    def __init__(self) -> None:
        self.of: Clock = FakeClock()

    def now_ms(self) -> int:
        return self.of.now_ms()


class _OnePartition(KafkaOwner):
    """An owner as seen by one that knows one partition only: every item lies there."""

    def __init__(self, owner: KafkaOwner, partition: int) -> None:
        self._owner = owner
        self._partition = partition
        self.block = owner.block

    def ready(self) -> dict[int, OwnedPartition]:
        return {self._partition: self._owner.ready()[self._partition]}

    def partition_of(self, item_id: str) -> int:
        return self._partition


@contextmanager
def wide_tables(count: int) -> "Iterator[Callable[[Path, Clock], AbstractContextManager[KafkaWideTable]]]":
    """Opens empty tables, at most `count` of them: each is a partition of one owner, since an owner takes a second to come."""
    clock, partitions = SetClock(), iter(range(count))

    with kafka_settings(count) as settings, Process(settings, clock) as process:
        process.own()

        @contextmanager
        def opened(_folder: Path, clock_of_test: Clock) -> Iterator[KafkaWideTable]:
            clock.of = clock_of_test
            yield KafkaWideTable(_OnePartition(process.owner, next(partitions)))

        yield opened


@contextmanager
def wide_tails(count: int) -> "Iterator[Callable[[Path], AbstractContextManager[tuple[KafkaWideTable, KafkaWideTail]]]]":
    """The same with a tail of the table's partition, from its beginning."""
    partitions = iter(range(count))

    with kafka_settings(count) as settings, Process(settings) as process:
        process.own()

        @contextmanager
        def opened(_folder: Path) -> Iterator[tuple[KafkaWideTable, KafkaWideTail]]:
            partition = next(partitions)
            tail = KafkaWideTail(settings, process.plain.offsets, FakeClock(), only={partition})
            yield KafkaWideTable(_OnePartition(process.owner, partition)), tail
            tail.close()

        yield opened


class Process:
    """What one process of the write path has of Kafka. `stop` ends it in good order; `vanish` as a killed one does, in this process."""

    def __init__(self, settings: KafkaSettings, clock: Clock | None = None, state: str | None = None) -> None:
        self.settings = settings if state is None else replace(settings, state_directory=str(Path(settings.state_directory) / state))
        self.clock = clock or FakeClock()
        self.plain = KafkaEventLog(self.settings)
        self.owner = KafkaOwner(self.plain, self.clock)
        self.log = KafkaItemLog(self.owner)
        self.wide = KafkaWideTable(self.owner)

    def own(self, *partitions: int) -> None:
        """Turns until these partitions and no others are owned and ready."""
        wanted = set(partitions or range(self.settings.partitions))

        def is_there() -> bool:
            with suppress(StoreUnavailable):  # a broker that has just come back may be slower than it is given
                self.owner.advance()
            return set(self.owner.ready()) == wanted

        assert eventually(is_there), f"owns {set(self.owner.ready())}, not {wanted}"

    def stop(self) -> None:
        self.owner.close()
        self.plain.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def everything(settings: KafkaSettings) -> dict[str, WideItem]:
    """What a reader of committed records finds in `item-wide`: the newest record of each item."""
    offsets = Offsets(settings)
    tail = KafkaWideTail(settings, offsets, FakeClock())
    try:
        found: dict[str, WideItem] = {}
        for record in drained(tail):
            stored = found.get(record.item.item_id)
            if stored is None or record.item.order > stored.order:
                found[record.item.item_id] = record.item
        return found
    finally:
        tail.close()
        offsets.close()


def drained(tail: WideTail, end: Places | None = None) -> list[WideRecord]:
    """All records up to `end`, passed. Where it is not given, up to an end that stands for longer than a tail takes to look again: a
    commit returns before brokers have shown it to every reader.
    """
    found: list[WideRecord] = []
    stands_since: list[float] = []

    def is_done() -> bool:
        while records := tail.poll(100):
            found.extend(records)
            tail.passed(records)
        if not has_reached(tail.place(), end or {}) or tail.is_behind():
            stands_since.clear()
            return False
        stands_since.append(time.monotonic())
        return end is not None or stands_since[-1] - stands_since[0] > STANDS_S

    assert eventually(is_done), f"the tail stands at {tail.place()} and has not come to the end"
    return found


class OwnBroker:
    """A broker that a test may stop, kill and start."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.start()
        found = stack.running(name)
        assert found is not None
        self.bootstrap = found.kafka_bootstrap

    def start(self) -> None:
        stack.start("kafka", name=self._name)

    def send(self, which: signal.Signals) -> None:
        stack.kill("kafka", which=which, name=self._name)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It is there and does not answer."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)


@contextmanager
def own_broker(folder: Path) -> Iterator[OwnBroker]:
    """A stack of which nothing but Kafka runs."""
    name = f"test-{uuid4().hex[:8]}"
    state.save(with_free_ports(new_stack(name, nodes=1, data=folder, appendonly=False)))
    try:
        yield OwnBroker(name)
    finally:
        stack.down(name, wipe=True)
