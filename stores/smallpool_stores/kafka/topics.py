"""The topics: what each is for brokers, made once, and held against what brokers have.

In: settings. Out: topics that are there; or, in sentences, what is wrong with them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Literal, get_args

from kafka.admin import ConfigResource
from kafka.errors import TopicAlreadyExistsError
from msgspec import Struct, field

from smallpool_core.errors import StoreError
from smallpool_stores.kafka import clients
from smallpool_stores.kafka.errors import translated
from smallpool_stores.kafka.settings import KafkaSettings

AnyTopic = Literal["item-events", "user-events", "seller-events", "item-wide", "served", "dead-letters"]
CO_PARTITIONED: tuple[AnyTopic, AnyTopic] = ("item-events", "item-wide")

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000


class _Topic(Struct, frozen=True):
    """What brokers are told of a topic; `partitions` None means as many as the settings say."""

    configs: Mapping[str, str] = field(default_factory=dict)
    partitions: int | None = None


_TOPICS: Mapping[AnyTopic, _Topic] = {
    "item-events": _Topic({"retention.ms": str(7 * _DAY_MS)}),
    "user-events": _Topic({"retention.ms": str(7 * _DAY_MS)}),
    "seller-events": _Topic({"retention.ms": str(7 * _DAY_MS)}),
    # Segments of a day, so that what was written over goes within a day or two; a quarter of stale records is worth a pass.
    "item-wide": _Topic({"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.25", "segment.ms": str(_DAY_MS)}),
    "served": _Topic({"retention.ms": str(7 * _DAY_MS)}),
    # One partition, so that a letter is named by one number.
    "dead-letters": _Topic({"retention.ms": str(30 * _DAY_MS)}, partitions=1),
}


def topic_name(settings: KafkaSettings, topic: AnyTopic) -> str:
    """The topic's name in the cluster."""
    return f"{settings.prefix}{topic}"


def group_name(settings: KafkaSettings, topic: AnyTopic, group: str) -> str:
    """The group's name in the cluster; one a topic, since members that read different topics disturb each other."""
    return f"{settings.prefix}{topic}.{group}"


def ensure(settings: KafkaSettings) -> list[str]:
    """Makes the topics that are missing and returns their names; raises `StoreError` if others are not as they must be."""
    with _admin(settings, "make topics") as client:
        known = set(client.list_topics())
        missing = [topic for topic in get_args(AnyTopic) if topic_name(settings, topic) not in known]
        for topic in missing:
            _make(client, settings, topic)
        wrong = list(_wrong_counts(settings, _described(client, settings)))
        if wrong:
            raise StoreError(f"could not make topics: {'; '.join(wrong)}")
    return [topic_name(settings, topic) for topic in missing]


def missing(settings: KafkaSettings) -> list[str]:
    """Names of the topics that are not there."""
    with _admin(settings, "look for topics") as client:
        described = _described(client, settings)
        return [topic_name(settings, topic) for topic in _TOPICS if topic not in described]


def differences(settings: KafkaSettings) -> list[str]:
    """What is wrong with the topics, each with what to do; empty when nothing is."""
    with _admin(settings, "look at topics") as client:
        described = _described(client, settings)
        missing = [
            f"topic {topic_name(settings, topic)} is missing: run `smallpool stack init`" for topic in _TOPICS if topic not in described
        ]
        return [*missing, *_wrong_counts(settings, described), *_wrong_configs(client, settings, list(described))]


def remove(settings: KafkaSettings) -> None:
    """Deletes the topics and all that is in them."""
    with _admin(settings, "delete topics") as client:
        names = [topic_name(settings, topic) for topic in _described(client, settings)]
        if names:
            client.delete_topics(names)


@contextmanager
def _admin(settings: KafkaSettings, operation: str) -> Iterator[Any]:
    with translated(f"{operation} at {settings.bootstrap}"), closing(clients.admin(settings)) as client:
        yield client


def _make(client: Any, settings: KafkaSettings, topic: AnyTopic) -> None:
    form = {
        "num_partitions": _partitions(settings, topic),
        "replication_factor": settings.replication,
        "configs": dict(_configs(settings, topic)),
    }
    with suppress(TopicAlreadyExistsError):  # another process makes them at the same time
        client.create_topics({topic_name(settings, topic): form})
    client.wait_for_topics([topic_name(settings, topic)], timeout_ms=settings.request_timeout_ms)


def _partitions(settings: KafkaSettings, topic: AnyTopic) -> int:
    return _TOPICS[topic].partitions or settings.partitions


def _configs(settings: KafkaSettings, topic: AnyTopic) -> Mapping[str, str]:
    in_sync = 2 if settings.replication > 2 else 1
    return {**_TOPICS[topic].configs, "max.message.bytes": str(settings.max_message_bytes), "min.insync.replicas": str(in_sync)}


def _described(client: Any, settings: KafkaSettings) -> dict[AnyTopic, list[Any]]:
    """The partitions of each of our topics that is there."""
    names = {topic_name(settings, topic): topic for topic in _TOPICS}
    known = sorted(names.keys() & set(client.list_topics()))
    return {names[about["name"]]: about["partitions"] for about in client.describe_topics(known)} if known else {}


def _wrong_counts(settings: KafkaSettings, described: Mapping[AnyTopic, Sequence[Any]]) -> Iterator[str]:
    for topic, partitions in described.items():
        name, wanted = topic_name(settings, topic), _partitions(settings, topic)
        if len(partitions) != wanted:
            yield (
                f"topic {name} has {len(partitions)} partitions, not {wanted}: the count is fixed once there are items, because it decides"
                f" where each item's records lie; set kafka.partitions to {len(partitions)}, or choose another prefix and publish again"
            )
        copies = min((len(partition["replica_nodes"]) for partition in partitions), default=settings.replication)
        if copies < settings.replication:
            yield f"topic {name} has {copies} copies, not {settings.replication}: reassign its partitions, or lower kafka.replication"


def _wrong_configs(client: Any, settings: KafkaSettings, topics: Sequence[AnyTopic]) -> Iterator[str]:
    if not topics:
        return
    asked = [ConfigResource("TOPIC", topic_name(settings, topic)) for topic in topics]
    answers = client.describe_configs(asked, config_filter="all")["topic"]
    for topic in topics:
        found = answers[topic_name(settings, topic)]
        for key, wanted in _configs(settings, topic).items():
            value = str(found[key]["value"])
            if value != wanted:
                yield f"topic {topic_name(settings, topic)} has {key} = {value}, not {wanted}: set it with your cluster's tools"
