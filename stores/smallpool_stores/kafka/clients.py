"""The Kafka client's classes, made from the settings: the one module that knows their options.

In: settings. Out: producers, consumers and an admin client; each connects when it is made and raises the client's errors.
The client carries no annotations, so what leaves this package's modules is put into types of ours.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.net.compat import KafkaNetClient

from smallpool_stores.kafka.settings import KafkaSettings

__all__ = ["Record", "TopicPartition", "admin", "consumer", "producer", "records_of"]

_RECONNECT_MOST_MS = 1_000
_RETRY_MS = 100
_RETRY_TRANSACTION_MS = 20
"""A transaction that begins before the last one is written out is told to come again; that takes some ms."""
_HEARTBEAT_MS = 1_000
"""Members learn by a heartbeat that the group is shared out anew, and all wait for the last of them."""
_CONNECTION_LIMITS = ("socket_connection_setup_timeout_ms", "socket_connection_setup_timeout_max_ms")
_BATCH_BYTES = 256 << 10


class Record(NamedTuple):
    """A record as it was read. A key that is no UTF-8, or none, is what is left of it."""

    partition: int
    offset: int
    key: str
    value: bytes
    at: int


class _Consumer(KafkaConsumer):  # type: ignore[misc]  # the client has no annotations
    """The client's consumer, which also hands out what it has kept of a partition that was paused and goes on again."""

    def poll(self, *arguments: Any, **options: Any) -> Any:
        fetcher = self._fetcher
        if not fetcher._next_partition_records:  # noqa: SLF001  there is no other way to it
            # kafka-python 3.0.12 looks for what it has kept only where this is None. After the last record of another partition it is
            # an empty value instead, and as what is kept is not fetched either, the partition would stand still for ever.
            fetcher._next_partition_records = None  # noqa: SLF001
        return super().poll(*arguments, **options)


def records_of(polled: dict[Any, list[Any]]) -> dict[int, list[Record]]:
    """What a consumer of one topic polled, by partition."""
    return {
        where.partition: [
            Record(where.partition, raw.offset, (raw.key or b"").decode("utf-8", "replace"), raw.value or b"", raw.timestamp)
            for raw in raws
        ]
        for where, raws in polled.items()
    }


def admin(settings: KafkaSettings) -> Any:
    """A client for questions and for making topics; safe with many threads."""
    return _made(KafkaAdminClient, settings, retry_backoff_ms=_RETRY_MS)


def producer(settings: KafkaSettings, transactional_id: str | None = None) -> Any:
    """A producer that waits for all copies in sync and writes nothing twice; safe with many threads."""
    options = {} if transactional_id is None else {"transactional_id": transactional_id}
    return _made(
        KafkaProducer,
        settings,
        **options,
        acks="all",
        enable_idempotence=True,
        transaction_timeout_ms=settings.transaction_timeout_ms,
        delivery_timeout_ms=max(settings.delivery_timeout_ms, settings.request_timeout_ms),
        max_block_ms=settings.request_timeout_ms,
        max_request_size=settings.max_message_bytes,
        batch_size=_BATCH_BYTES,
        compression_type=None if settings.compression == "none" else settings.compression,
        retry_backoff_ms=_RETRY_MS if transactional_id is None else _RETRY_TRANSACTION_MS,
        metrics_enabled=False,
        allow_auto_create_topics=False,
    )


def consumer(settings: KafkaSettings, group: str | None) -> Any:
    """A consumer of committed records which commits nothing by itself; for one thread."""
    return _made(
        _Consumer,
        settings,
        group_id=group,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        partition_assignment_strategy=[CooperativeStickyAssignor],
        session_timeout_ms=settings.session_timeout_ms,
        heartbeat_interval_ms=_HEARTBEAT_MS,
        max_poll_records=settings.poll_records,
        retry_backoff_ms=_RETRY_MS,
        metrics_enabled=False,
        allow_auto_create_topics=False,
    )


def _made(kind: Callable[..., Any], settings: KafkaSettings, **options: Any) -> Any:
    """The client; one that cannot connect is taken apart, since by itself it would leave a thread behind that tries for ever."""
    connections: list[Any] = []

    def connection(**configs: Any) -> Any:
        # The clients do not hand these two on, and 10 s for a connection is longer than a question may take.
        limits = dict.fromkeys(_CONNECTION_LIMITS, settings.request_timeout_ms)
        connections.append(KafkaNetClient(**configs, **limits))
        return connections[-1]

    try:
        return kind(**_common(settings), **options, kafka_client=connection)
    except BaseException:
        for made in connections:
            made.close()
        raise


def _common(settings: KafkaSettings) -> dict[str, Any]:
    return {
        "bootstrap_servers": [server.strip() for server in settings.bootstrap.split(",")],
        "client_id": f"{settings.prefix}smallpool",
        "request_timeout_ms": settings.request_timeout_ms,
        "bootstrap_timeout_ms": settings.request_timeout_ms,
        "reconnect_backoff_max_ms": _RECONNECT_MOST_MS,
        "security_protocol": settings.security,
        "sasl_mechanism": settings.sasl_mechanism or None,
        "sasl_plain_username": settings.username or None,
        "sasl_plain_password": settings.password or None,
        "ssl_cafile": settings.ca_file or None,
        "ssl_certfile": settings.certificate_file or None,
        "ssl_keyfile": settings.key_file or None,
    }
