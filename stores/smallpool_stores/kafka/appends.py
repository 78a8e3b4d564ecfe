"""Appending to the log: many callers, one producer, a bounded queue.

In: (key, value) pairs. Out: a future of the newest offset by partition, done when all copies in sync have the records.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, NamedTuple

from kafka.errors import KafkaError

from smallpool_core.errors import StoreUnavailable
from smallpool_stores.kafka import clients
from smallpool_stores.kafka.errors import translated, translation
from smallpool_stores.kafka.partitioner import partition_of
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.kafka.topics import AnyTopic, topic_name

Pairs = Sequence[tuple[str, bytes]]
_CLOSE_S = 5.0


class _Line:
    """A producer, the sizes of the topics that it knows, and the bytes that brokers have not acknowledged yet."""

    def __init__(self, producer: Any) -> None:
        self.producer = producer
        self.counts: dict[AnyTopic, int] = {}
        self.pending = 0


class Sent(NamedTuple):
    """Records that were handed over: what becomes of them, and the line that has them."""

    done: "Future[dict[int, int]]"
    line: _Line


class Appender:
    """Safe with threads. A producer that once missed its time is not trusted with more: the next append makes a new one."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._line: _Line | None = None
        self._connecting = threading.Lock()
        self._lock = threading.Lock()

    def is_ready(self, topic: AnyTopic) -> bool:
        """Whether `send` would not wait for brokers."""
        line = self._line
        return line is not None and topic in line.counts

    def send(self, topic: AnyTopic, records: Pairs, at: int) -> Sent:
        """Hands the records over; raises `StoreUnavailable` where brokers do not answer or too much waits for them already."""
        line = self._connected(topic)
        batch = _Batch(self, line, topic, len(records))
        with translated(f"append to {topic}"):
            for key, value in records:
                self._admit(line, len(value))
                self._send_one(line, topic, key, value, at, batch)
        return Sent(batch.done, line)

    def append(self, topic: AnyTopic, records: Pairs, at: int) -> dict[int, int]:
        """`send`, waiting for the outcome."""
        if not records:
            return {}
        sent = self.send(topic, records, at)
        try:
            return sent.done.result(self.patience_s)
        except TimeoutError as exc:
            raise self.gave_up(topic, sent) from exc

    @property
    def patience_s(self) -> float:
        """How long an append may take: brokers have their time, and then the producer is given a moment to say so."""
        return self._settings.delivery_timeout_ms / 1000 + 1

    def gave_up(self, topic: AnyTopic, sent: Sent) -> StoreUnavailable:
        """What to raise after `patience_s`."""
        self.distrust(sent.line)
        return StoreUnavailable(
            f"could not append to {topic}: no broker of {self._settings.bootstrap} acknowledged it within {self.patience_s:g} s;"
            " send it again, what arrived twice counts once"
        )

    def distrust(self, line: _Line) -> None:
        """Parts with a producer whose records went astray: the client may not recover it."""
        with self._lock:
            if self._line is not line:
                return
            self._line = None
        threading.Thread(target=_close, args=(line.producer,), name="close a producer", daemon=True).start()

    def close(self) -> None:
        """Sends what waits, some seconds at most."""
        with self._lock:
            line, self._line = self._line, None
        if line is not None:
            _close(line.producer)

    def release(self, line: _Line, size: int) -> None:
        """Brokers have answered for so many bytes."""
        with self._lock:
            line.pending -= size

    def _connected(self, topic: AnyTopic) -> _Line:
        with translated(f"append to {topic} at {self._settings.bootstrap}"), self._connecting:
            line = self._line
            if line is None:
                line = self._line = _Line(clients.producer(self._settings))
            if topic not in line.counts:
                line.counts[topic] = len(line.producer.partitions_for(topic_name(self._settings, topic)))
            return line

    def _admit(self, line: _Line, size: int) -> None:
        with self._lock:
            if line.pending and line.pending + size > self._settings.pending_mb << 20:
                raise StoreUnavailable(
                    f"could not append: {line.pending >> 20} MB already wait for the brokers of {self._settings.bootstrap};"
                    " send less at once, later, or raise kafka.pending_mb"
                )
            line.pending += size

    def _send_one(self, line: _Line, topic: AnyTopic, key: str, value: bytes, at: int, batch: "_Batch") -> None:
        try:
            sent = line.producer.send(
                topic_name(self._settings, topic),
                value,
                key=key.encode(),
                partition=partition_of(key, line.counts[topic]),
                timestamp_ms=at,
            )
        except BaseException:
            self.release(line, len(value))
            raise
        sent.add_callback(batch.acknowledged, len(value))
        sent.add_errback(batch.failed, len(value))


class _Batch:
    """The records of one append, until brokers have answered for each. Told so on the producer's thread, or at once."""

    def __init__(self, appender: Appender, line: _Line, topic: AnyTopic, count: int) -> None:
        self.done: Future[dict[int, int]] = Future()
        self._appender = appender
        self._line = line
        self._topic = topic
        self._left = count
        self._newest: dict[int, int] = {}
        self._lock = threading.Lock()

    def acknowledged(self, size: int, where: Any) -> None:
        self._appender.release(self._line, size)
        with self._lock:
            self._newest[where.partition] = max(where.offset, self._newest.get(where.partition, -1))
            self._left -= 1
            is_done = not self._left
        if is_done:
            with suppress(InvalidStateError):  # a caller that was cancelled waits no more
                self.done.set_result(dict(sorted(self._newest.items())))

    def failed(self, size: int, exc: Exception) -> None:
        self._appender.release(self._line, size)
        if getattr(exc, "retriable", False):
            self._appender.distrust(self._line)
        with suppress(InvalidStateError):
            self.done.set_exception(translation(exc, f"append to {self._topic}"))


def _close(producer: Any) -> None:
    with suppress(KafkaError):
        producer.close(timeout=_CLOSE_S)
