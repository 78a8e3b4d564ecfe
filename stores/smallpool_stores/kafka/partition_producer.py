"""The one producer that may write for a partition's owner: making it shuts out whoever had it before.

In: records and places. Out: transactions, whole or not at all. The client waits without end for brokers that are away; here
every wait has one.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Any

from kafka.errors import KafkaError

from smallpool_core.errors import StoreUnavailable
from smallpool_stores.kafka import clients
from smallpool_stores.kafka.errors import translated
from smallpool_stores.kafka.settings import KafkaSettings


class PartitionProducer:
    """Connects and fences when it is made: a transaction under way is undone or finished, and its producer can write no more."""

    def __init__(self, settings: KafkaSettings, transactional_id: str) -> None:
        self._settings = settings
        self._name = transactional_id
        with translated(f"take over {transactional_id} at {settings.bootstrap}"):
            self._producer = clients.producer(settings, transactional_id)
            try:
                self._producer.init_transactions()
            except BaseException:
                self.close()
                raise

    def begin(self) -> None:
        """Begins a transaction."""
        with translated(f"begin a transaction of {self._name}"):
            self._producer.begin_transaction()

    def send(self, topic: str, partition: int, key: str, value: bytes, at: int) -> Any:
        """Adds a record; returns the client's future of where it lies, done at `commit` at the latest."""
        with translated(f"write to {topic} as {self._name}"):
            return self._producer.send(topic, value, key=key.encode(), partition=partition, timestamp_ms=at)

    def commit(self, offsets: Mapping[Any, Any], membership: Any) -> None:
        """Makes the transaction's records and the group's places visible, in one step. After an error nobody knows which it is."""

        def finish() -> None:
            if offsets:
                self._producer.send_offsets_to_transaction(offsets, membership)
            self._producer.commit_transaction()

        self._within_time(finish, f"commit a transaction of {self._name}")

    def abort(self) -> None:
        """Undoes the transaction; raises `StoreUnavailable` where brokers do not say that it is undone."""
        self._within_time(self._producer.abort_transaction, f"undo a transaction of {self._name}")

    def close(self) -> None:
        """Lets go of it, in the background: a producer whose brokers are away takes its time."""
        Thread(target=self._close, name=f"close {self._name}", daemon=True).start()

    def _close(self) -> None:
        with suppress(KafkaError):
            self._producer.close(timeout=self._settings.request_timeout_ms / 1000)

    def _within_time(self, call: Callable[[], None], operation: str) -> None:
        patience_s = max(self._settings.transaction_timeout_ms, self._settings.request_timeout_ms) / 1000
        outcome: Future[None] = Future()
        Thread(target=_settle, args=(call, outcome), name=operation, daemon=True).start()
        with translated(operation):
            try:
                outcome.result(patience_s)
            except TimeoutError as exc:
                raise StoreUnavailable(
                    f"could not {operation} within {patience_s:g} s: the brokers do not answer; what it held is looked for when they do"
                ) from exc


def _settle(call: Callable[[], None], outcome: "Future[None]") -> None:
    try:
        call()
    except BaseException as exc:  # noqa: BLE001, it is raised where the outcome is waited for
        outcome.set_exception(exc)
    else:
        outcome.set_result(None)
