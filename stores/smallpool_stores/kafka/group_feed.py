"""Reading as a member of a consumer group: the partitions come and go as members do.

In: a topic and a group. Out: the records of the partitions that this member holds, each begun at the group's place; commits.

Rebalancing is cooperative: a member keeps what it keeps. A partition that comes is held back until it is opened, so that
nothing of an earlier holding is ever handed out; one that goes is forgotten at once, with what waits of it.
"""

import itertools
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import RebalanceInProgressError, UnknownTopicOrPartitionError
from kafka.structs import MemberState, OffsetAndMetadata

from smallpool_core.errors import StoreUnavailable
from smallpool_core.places import Places
from smallpool_stores.kafka.clients import TopicPartition
from smallpool_stores.kafka.errors import translated
from smallpool_stores.kafka.feed import GONE, Feed
from smallpool_stores.kafka.settings import KafkaSettings

JOIN_MS = 500
"""How long a poll waits while the group is shared out anew."""
JOIN_PATIENCE = 3
"""Session timeouts within which a group is shared out, even if a member died meanwhile."""
_LOOK_EVERY_S = 0.01


class GroupFeed(Feed):
    """One member. With `opens_itself` a partition is read from the group's place on as soon as it comes, else `open` says so."""

    def __init__(self, settings: KafkaSettings, topic: str, group: str, *, opens_itself: bool = True) -> None:
        super().__init__(settings, topic, group)
        self._opens_itself = opens_itself
        self._numbers = itertools.count(1)
        self._holdings: dict[int, int] = {}
        self._to_open: dict[int, int | None] = {}
        self._lock = threading.Lock()

    def holdings(self) -> dict[int, int]:
        """The partitions that this member holds, each with a number that no other holding of it ever has."""
        with self._lock:
            return dict(self._holdings)

    def open(self, partition: int, place: int) -> None:
        """Hands out records after `place` from now on, soon."""
        with self._lock:
            self._to_open[partition] = place

    def shut(self, partition: int) -> None:
        """Hands out nothing of the partition until it is opened again."""
        with self._lock:
            self._to_open.pop(partition, None)
            self.buffers.close(partition)

    def commit(self, places: Places) -> None:
        """Moves the group past these places, waiting while it is shared out anew.

        Raises `StoreUnavailable` for a partition that this member does not hold or come to hold in time.
        """
        give_up = time.monotonic() + self._settings.session_timeout_ms / 1000
        while not self._committed_now(places):
            self.check()
            if time.monotonic() > give_up:
                raise StoreUnavailable(
                    f"could not commit {dict(places)} on {self.topic}: this member of the group holds partitions {sorted(self.holdings())};"
                    " another member goes on with the others"
                )
            self._closing.wait(_LOOK_EVERY_S)

    def offsets(self, places: Places) -> dict[Any, Any]:
        """Places as the client commits them: it counts the next offset, not the last."""
        return {self._at(partition): OffsetAndMetadata(offset + 1, "", -1) for partition, offset in places.items()}

    def membership(self) -> Any:
        """What makes brokers refuse the commits of a member that is none any more."""
        consumer = self._consumer
        if consumer is None:
            raise StoreUnavailable(f"this process reads {self.topic} no more, or not yet; it tries again by itself")
        return consumer.group_metadata()

    def came(self, partitions: Iterable[TopicPartition]) -> None:
        """Called on the client's thread; must not wait for anything."""
        new = list(partitions)
        self._consumer.pause(*new)
        with self._lock:
            for at in new:
                self._holdings[at.partition] = next(self._numbers)
                if self._opens_itself:
                    self._to_open[at.partition] = None

    def went(self, partitions: Iterable[TopicPartition]) -> None:
        """Called on the client's thread; must not wait for anything."""
        for at in partitions:
            with self._lock:
                self._holdings.pop(at.partition, None)
            self.shut(at.partition)

    def _begin(self, consumer: Any) -> None:
        consumer.subscribe([self.topic], listener=_Listener(self))
        # Asked after subscribing: who joins before it knows the topic shares out nothing, and has to begin again when it does.
        if self.topic not in consumer.topics():
            raise UnknownTopicOrPartitionError(self.topic)

    def _turn(self, consumer: Any) -> None:
        super()._turn(consumer)
        # The client loses a join that ends between two polls: it joins once more, or forgets that it has to. So nothing is done
        # in between, a poll waits long, and a member that gets nowhere begins anew.
        give_up = time.monotonic() + JOIN_PATIENCE * self._settings.session_timeout_ms / 1000
        while consumer.group_metadata().state != MemberState.STABLE and not self._is_ending:
            if time.monotonic() > give_up:
                raise RebalanceInProgressError("the group is not shared out in time")
            self._keep(consumer, consumer.poll(timeout_ms=JOIN_MS))

    def _forget(self) -> None:
        with self._lock:
            self._holdings.clear()
            self._to_open.clear()
        super()._forget()

    def _arrange(self, consumer: Any) -> None:
        for partition, place in list(self._to_open.items()):
            with suppress(*GONE):
                self._open_now(consumer, partition, self._committed(consumer, self._at(partition)) if place is None else place)

    def _open_now(self, consumer: Any, partition: int, place: int) -> None:
        at = self._at(partition)
        consumer.seek(at, place + 1)
        with self._lock:
            if partition in self._to_open:
                del self._to_open[partition]
                self.buffers.open(partition, place)
        consumer.resume(at)

    def _committed(self, consumer: Any, at: TopicPartition) -> int:
        offset = consumer.committed(at, timeout_ms=self._settings.request_timeout_ms)
        return -1 if offset is None else int(offset) - 1

    def _committed_now(self, places: Mapping[int, int]) -> bool:
        """Whether brokers took the commit; not before the partitions are open here, nor while the group is shared out anew."""
        consumer = self._consumer
        if consumer is None or not places.keys() <= self.buffers.places().keys():
            return False
        with translated(f"commit places on {self.topic}"), suppress(RebalanceInProgressError):
            # Of all that a consumer does this alone is asked from another thread: the client does it on its own thread,
            # as it does its heartbeats, and touches nothing there that polling uses.
            consumer.commit(self.offsets(places), timeout_ms=self._settings.request_timeout_ms)
            return True
        return False


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # the client has no annotations
    def __init__(self, feed: GroupFeed) -> None:
        self._feed = feed

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._feed.came(assigned)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._feed.went(revoked)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self._feed.went(lost)
