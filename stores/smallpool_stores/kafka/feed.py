"""Reading in a thread of its own: a consumer that is always polled, however long its records are worked on.

In: what to read. Out: `Buffers` with what was read. Brokers that do not answer are tried again, ever less often.
The thread owns the consumer; what it may be asked from other threads is said where it is done.
"""

import logging
import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from math import inf
from typing import Any

from kafka.errors import IllegalStateError, KafkaError

from smallpool_core.errors import StoreUnavailable
from smallpool_stores.kafka import clients
from smallpool_stores.kafka.buffers import Buffers
from smallpool_stores.kafka.clients import TopicPartition, records_of
from smallpool_stores.kafka.errors import translation
from smallpool_stores.kafka.settings import KafkaSettings

log = logging.getLogger("smallpool.kafka")

POLL_MS = 100
"""How long one poll waits; what is newly opened or resumed waits at most so long."""
RETRY_FIRST_S = 0.1
RETRY_MOST_S = 5.0
LEAVE_MS = 3_000
GONE = (IllegalStateError, KeyError, ValueError)
"""What the client raises when a partition is taken away between two calls about it."""


class Feed(ABC):
    """A reader of one topic. `failure` is what it last stumbled over, None while all is well."""

    def __init__(self, settings: KafkaSettings, topic: str, group: str | None) -> None:
        self.topic = topic
        self.buffers = Buffers(settings.buffer_mb << 20)
        self.failure: str | None = None
        self._settings = settings
        self._group = group
        self._closing = threading.Event()
        self._restarting = False
        self._consumer: Any = None
        self._thread = threading.Thread(target=self._run, name=f"read {topic}", daemon=True)
        self._came_round_s = time.monotonic()

    def start(self) -> None:
        """Begins to read; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ends soon."""
        self._closing.set()

    def join(self) -> None:
        """Waits for the end, some seconds at most."""
        if self._thread.ident is not None:
            self._thread.join((LEAVE_MS + self._settings.request_timeout_ms) / 1000)

    def restart(self) -> None:
        """Lets go of everything and begins anew, soon."""
        self._restarting = True

    def check(self) -> None:
        """Raises `StoreUnavailable` while reading fails."""
        if self.failure is not None:
            raise StoreUnavailable(self.failure)

    def silent_s(self) -> float:
        """For how long the thread has not come round, which it does every few seconds at most while brokers answer, and a little less
        often while they do not; without end if it has died, 0 before it began.
        """
        if self._thread.ident is None or self._closing.is_set():
            return 0.0
        return time.monotonic() - self._came_round_s if self._thread.is_alive() else inf

    @abstractmethod
    def _begin(self, consumer: Any) -> None:
        """Tells a new consumer what to read."""

    @abstractmethod
    def _arrange(self, consumer: Any) -> None:
        """What is to be done before each poll."""

    def _turn(self, consumer: Any) -> None:
        """Reads once."""
        self._arrange(consumer)
        self._hold_back(consumer)
        self._keep(consumer, consumer.poll(timeout_ms=POLL_MS))
        self.failure = None

    def _end(self, consumer: Any) -> None:  # noqa: B027, most feeds have nothing to do here
        """What is to be done before a consumer that works is let go."""

    def _forget(self) -> None:
        """What is to be done when there is no consumer any more."""
        self.buffers.clear()

    @property
    def _is_ending(self) -> bool:
        return self._restarting or self._closing.is_set()

    def _at(self, partition: int) -> Any:
        return TopicPartition(self.topic, partition)

    def _run(self) -> None:
        pause = RETRY_FIRST_S
        while not self._closing.is_set():
            self._came_round_s = time.monotonic()
            try:
                self._read()
                pause = RETRY_FIRST_S
            except Exception as exc:
                self.failure = str(translation(exc, f"read {self.topic}"))
                log.warning("reading waits %.1f s: %s", pause, self.failure, exc_info=None if isinstance(exc, KafkaError) else exc)
                self._closing.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311, spreads out those who come back at once
                pause = min(2 * pause, RETRY_MOST_S)

    def _read(self) -> None:
        self._restarting = False
        consumer = self._consumer = clients.consumer(self._settings, self._group)
        try:
            self._begin(consumer)
            while not self._is_ending:
                self._came_round_s = time.monotonic()
                self._turn(consumer)
            self._end(consumer)
        finally:
            self._forget()
            consumer.close(autocommit=False, timeout_ms=LEAVE_MS)
            self._consumer = None

    def _hold_back(self, consumer: Any) -> None:
        """Stops reading what has enough waiting, and goes on where there is room."""
        full, roomy = self.buffers.crowded()
        paused = {at.partition for at in consumer.paused()}
        for partition in (full - paused) | (roomy & paused):
            with suppress(*GONE):
                (consumer.resume if partition in roomy else consumer.pause)(self._at(partition))

    def _keep(self, consumer: Any, polled: dict[Any, list[Any]]) -> None:
        new = records_of(polled)
        for partition in self.buffers.places():
            at = self._at(partition)
            with suppress(*GONE):
                position, high = consumer.position(at, timeout_ms=0), consumer.highwater(at)
                self.buffers.extend(partition, new.get(partition, []), (position or 0) - 1, (high or 0) - 1)


def silences(feeds: Iterable[Feed]) -> dict[str, float]:
    """For how many seconds each has not come round, by what it does."""
    return {f"reading {feed.topic}": feed.silent_s() for feed in feeds}


def close_all(feeds: Iterable[Feed]) -> None:
    """Ends each after the poll under way, which lets go of its partitions; waits for that some seconds at most."""
    ending = list(feeds)
    for feed in ending:
        feed.stop()
    for feed in ending:
        feed.join()
