"""A right that one process holds at a time, and loses by itself soon after it was killed.

In: what the right is to. Out: a block that no other process is in. The holder writes a document again every second; who wants the
right and finds one looks for a while whether it is written, so no clock of one machine is compared with that of another.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple
from uuid import uuid4

from elasticsearch import ConflictError, NotFoundError

from smallpool_core.errors import Conflict, StoreError
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.edge import translated
from smallpool_stores.elasticsearch.small_index import KEPT, ensure_small_index

BEAT_S = 1.0
SILENT_S = 6.0
"""A holder that wrote nothing for so long is believed dead. One that is not may not rely on the right alone."""
_LOOK_EVERY_S = 0.25
_FIELDS = {"holder": KEPT}


class _Written(NamedTuple):
    """Who wrote the document last, and where that stands in the order of writes."""

    holder: str
    seq_no: int
    primary_term: int


class Lease:
    """One right under the prefix of the connection. A new object for each holder."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._index = f"{connection.settings.prefix}-leases"
        self._holder = uuid4().hex
        self._written: _Written | None = None
        self._over = threading.Event()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the right while the block lasts; raises `Conflict` while another process holds it."""
        ensure_small_index(self._connection.sync, self._index, _FIELDS, self._connection.settings.replicas)
        self._take()
        beats = threading.Thread(target=self._beat, name=f"lease {self._name}", daemon=True)
        beats.start()
        try:
            yield
        finally:
            self._over.set()
            beats.join()
            self._give_back()

    def _take(self) -> None:
        found = self._look()
        give_up = time.monotonic() + SILENT_S
        while found is not None and time.monotonic() < give_up:
            time.sleep(_LOOK_EVERY_S)
            before, found = found, self._look()
            if found is not None and found != before:
                raise self._taken()
        if not self._write(found):
            raise self._taken()

    def _taken(self) -> Conflict:
        return Conflict(f"could not begin the {self._name}: another process is at it; wait until it has ended, then try again")

    def _look(self) -> _Written | None:
        with translated(f"look who is at the {self._name}"):
            try:
                found = self._connection.sync.get(index=self._index, id=self._name)
            except NotFoundError as exc:
                if isinstance(exc.body, dict) and exc.body.get("found") is False:
                    return None
                raise
        return _Written(found["_source"]["holder"], found["_seq_no"], found["_primary_term"])

    def _write(self, over: _Written | None) -> bool:
        """Writes over what is there as it was found, or what is not there; whether it was so, or an answer of our own was lost."""
        order: dict[str, Any] = {"op_type": "create"} if over is None else {"if_seq_no": over.seq_no, "if_primary_term": over.primary_term}
        with translated(f"say who is at the {self._name}"):
            try:
                reply = self._connection.sync.index(
                    index=self._index, id=self._name, document={"holder": self._holder}, require_alias=True, **order
                )
            except ConflictError:
                self._written = self._look()
                return self._written is not None and self._written.holder == self._holder
        self._written = _Written(self._holder, reply["_seq_no"], reply["_primary_term"])
        return True

    def _beat(self) -> None:
        is_ours = True
        while is_ours and not self._over.wait(BEAT_S):
            with suppress(StoreError):
                is_ours = self._write(self._written)

    def _give_back(self) -> None:
        ours = self._written
        if ours is not None and ours.holder == self._holder:
            with suppress(StoreError), translated(f"say that the {self._name} has ended"):
                self._connection.sync.delete(index=self._index, id=self._name, if_seq_no=ours.seq_no, if_primary_term=ours.primary_term)
