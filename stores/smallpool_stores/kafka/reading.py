"""Reads a stretch of a topic once, outside any group.

In: where to begin and to end in each partition. Out: the records between. A client is made for the question, which takes some tens of ms.
"""

import time
from collections.abc import Mapping
from typing import Any

from smallpool_stores.kafka import clients
from smallpool_stores.kafka.clients import Record, TopicPartition, records_of
from smallpool_stores.kafka.feed import POLL_MS
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.kafka.topics import AnyTopic, topic_name


def read(settings: KafkaSettings, topic: AnyTopic, starts: Mapping[int, int], ends: Mapping[int, int], limit: int) -> list[Record]:
    """Records of each partition from its start up to its end, both included, at most `limit` in all; as far as brokers answer within
    the request timeout. To be called with vendors' errors translated.
    """
    places = {TopicPartition(topic_name(settings, topic), partition): end for partition, end in ends.items()}
    consumer = clients.consumer(settings, None)
    try:
        consumer.assign(list(places))
        for where in places:
            consumer.seek(where, starts[where.partition])
        found: list[Record] = []
        give_up = time.monotonic() + settings.request_timeout_ms / 1000
        while len(found) < limit and time.monotonic() < give_up and _is_short_of(consumer, places):
            polled = records_of(consumer.poll(timeout_ms=POLL_MS, max_records=limit - len(found)))
            found += [record for records in polled.values() for record in records if record.offset <= ends[record.partition]]
            # A partition goes on after its end, and would take the room of the others.
            consumer.pause(*(where for where, end in places.items() if consumer.position(where, timeout_ms=0) > end))
        return found
    finally:
        consumer.close(autocommit=False)


def _is_short_of(consumer: Any, places: Mapping[Any, int]) -> bool:
    return any(consumer.position(where, timeout_ms=0) <= end for where, end in places.items())
