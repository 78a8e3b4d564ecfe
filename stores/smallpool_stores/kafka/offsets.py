"""Questions to brokers: how far a topic goes, how far a group has come and who is in it, which topic it is.

In: topics and groups. Out: places as the ports count them, the newest offset and not the next. Safe with threads; each question
waits for an answer, some ms as a rule and the request timeout at most.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from kafka.admin import OffsetSpec
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError, for_code
from msgspec import Struct

from smallpool_stores.kafka import clients
from smallpool_stores.kafka.clients import TopicPartition
from smallpool_stores.kafka.errors import translated
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.kafka.topics import AnyTopic, group_name, topic_name

T = TypeVar("T")
_ELSEWHERE = (NotCoordinatorError, CoordinatorNotAvailableError, CoordinatorLoadInProgressError)
"""A group's coordinator is being chosen, as for the first group that a cluster ever has, or is another broker now."""
_AGAIN_S = 0.1


class Identity(Struct, frozen=True):
    """Which topic of which cluster this is; one that was deleted and made again is another."""

    cluster: str
    topic: str


class Offsets:
    """One client, which connects with the first question."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._client: Any = None
        self._counts: dict[AnyTopic, int] = {}
        self._lock = threading.Lock()

    def partitions(self, topic: AnyTopic) -> int:
        """How many partitions the topic has; asked once."""
        if topic not in self._counts:
            self._counts[topic] = len(self._about(topic)["partitions"])
        return self._counts[topic]

    def identity(self, topic: AnyTopic) -> Identity:
        """Which topic this is."""
        about = self._about(topic)
        with translated(f"ask {self._settings.bootstrap} which cluster it is"):
            cluster = self._connected().describe_cluster()["cluster_id"]
        return Identity(str(cluster), str(about["topic_id"]))

    def ends(self, topic: AnyTopic, partitions: Iterable[int] | None = None) -> dict[int, int]:
        """The last place that a reader of committed records can come to now, by partition; -1 where there is none."""
        asked = range(self.partitions(topic)) if partitions is None else partitions
        specs = {self._at(topic, partition): OffsetSpec.LATEST for partition in asked}
        if not specs:
            return {}
        with translated(f"ask for the end of {topic_name(self._settings, topic)}"):
            found = self._connected().list_partition_offsets(specs, isolation_level="read_committed")
        return {at.partition: end.offset - 1 for at, end in found.items()}

    def since(self, topic: AnyTopic, at: int) -> dict[int, int]:
        """The first place, by partition, at which a record was appended at `at` (ms) or later; the next one to come where there is none."""
        specs = {self._at(topic, partition): at for partition in range(self.partitions(topic))}
        with translated(f"ask where {topic_name(self._settings, topic)} was at a time"):
            found = self._connected().list_partition_offsets(specs, isolation_level="read_committed")
        ends = self.ends(topic)
        return {at.partition: place.offset if place.offset >= 0 else ends[at.partition] + 1 for at, place in found.items()}

    def committed(self, topic: AnyTopic, group: str) -> dict[int, int]:
        """How far the group has come, by partition; one without a commit is left out."""
        asked = [self._at(topic, partition) for partition in range(self.partitions(topic))]
        name = group_name(self._settings, topic, group)
        with translated(f"ask how far group {name} has come on {topic_name(self._settings, topic)}"):
            found = self._of_group(lambda client: client.list_group_offsets({name: asked}).get(name, {}))
        return {at.partition: place.offset - 1 for at, place in found.items() if place.offset >= 0}

    def has_members(self, topic: AnyTopic, group: str) -> bool:
        """Whether a process reads the topic as a member of the group."""
        name = group_name(self._settings, topic, group)
        with translated(f"look who is in group {name}"):
            found = self._of_group(lambda client: client.describe_groups([name]))
        return any(bool(described["members"]) for described in found.values())

    def close(self) -> None:
        """Lets go of the connections."""
        self._part_with(self._client)

    def _of_group(self, question: Callable[[Any], T]) -> T:
        """The answer of the group's coordinator, who is looked for again while it is not found, up to the request timeout."""
        give_up = time.monotonic() + self._settings.request_timeout_ms / 1000
        while True:
            client = self._connected()
            try:
                return question(client)
            except _ELSEWHERE:
                self._part_with(client)  # it remembers for good who was the coordinator once
                if time.monotonic() > give_up:
                    raise
            time.sleep(_AGAIN_S)

    def _part_with(self, client: Any) -> None:
        with self._lock:
            if client is None or self._client is not client:
                return
            self._client = None
        client.close()

    def _about(self, topic: AnyTopic) -> Any:
        name = topic_name(self._settings, topic)
        with translated(f"look at topic {name}"):
            [about] = self._connected().describe_topics([name])
            if about["error_code"]:
                raise for_code(about["error_code"])
        return about

    def _at(self, topic: AnyTopic, partition: int) -> Any:
        return TopicPartition(topic_name(self._settings, topic), partition)

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = clients.admin(self._settings)
            return self._client
