"""Writes to the index that serves and, while one is filled to serve next, to that one as well.

In: documents with their ids and versions. Out: what became of them in the index that serves. The aliases are looked up after each
write: if they are as they were known before it, the documents are in both; if not, they are written again, which changes nothing
where they are. So what was written is in whichever index serves afterwards, and a swap loses nothing that anyone has passed.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from smallpool_core.errors import StoreError
from smallpool_core.items import Indexed
from smallpool_stores.elasticsearch.bulk import Bulk, Write
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.edge import translated
from smallpool_stores.elasticsearch.names import items_alias, next_items_alias


class Living(NamedTuple):
    """The index that serves, and the one that is filled to serve next."""

    serving: str | None
    filled: str | None


class GenerationWrites:
    """What the writer of an index that is not named writes by."""

    def __init__(self, connection: Connection, pause: Callable[[float], None]) -> None:
        prefix = connection.settings.prefix
        self._client = connection
        self._aliases = items_alias(prefix), next_items_alias(prefix)
        self._serving, self._filled = (Bulk(connection, alias, pause, is_alias=True) for alias in self._aliases)
        self._known: Living | None = None

    def write(self, writes: Sequence[Write]) -> Indexed:
        """Writes all; raises as `Bulk.write` does."""
        if not writes:
            return Indexed(0)
        known = self._known or self.living()
        first = None
        while True:
            written = self._write(writes, known)
            first = first or written
            self._known = self.living()
            if self._known == known:
                return Indexed(first.newer, written.refused)
            known = self._known

    def living(self) -> Living:
        """Which indices the aliases point at now."""
        with translated(f"look up the alias {self._aliases[0]!r}"):
            # An alias that is not there makes the answer a 404, which tells of the other one all the same.
            reply = self._client.sync.options(ignore_status=404).indices.get_alias(name=list(self._aliases))
        found = {alias: name for name, about in reply.body.items() if isinstance(about, dict) for alias in about.get("aliases", {})}
        serving, filled = map(found.get, self._aliases)
        return Living(serving, filled)

    def _write(self, writes: Sequence[Write], living: Living) -> Indexed:
        written = self._serving.write(writes)
        if living.filled is None:
            return written
        try:
            refused = self._filled.write(writes).refused
        except StoreError:
            if self.living() == living:
                raise
            return written  # it was dropped meanwhile, or serves by now
        return Indexed(written.newer, tuple({**dict(refused), **dict(written.refused)}.items()))
