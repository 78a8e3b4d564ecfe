"""The port `ItemWriter` on Elasticsearch, and `ItemLookup`.

In: wide items. Out: what was newer, and what the index will never take. An item's (version, enrich) is its document's external
version, so that Elasticsearch itself keeps the newest record, whatever the order of writes.
"""

import time
from collections.abc import Callable, Collection, Sequence

from smallpool_core.errors import StoreUnavailable
from smallpool_core.fields import Attributes
from smallpool_core.items import Indexed, WideItem
from smallpool_core.versions import packed
from smallpool_stores.elasticsearch.bulk import Bulk, Write
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.documents import Documents, records_of
from smallpool_stores.elasticsearch.edge import translated
from smallpool_stores.elasticsearch.generation_writes import GenerationWrites
from smallpool_stores.elasticsearch.names import items_alias

_ASKED_AT_ONCE = 1_000


class ElasticsearchItemWriter:
    """Writes to the index that serves and to the one that is to serve next, or to the one that is named, `is_alias` where it is named
    by an alias. `attributes` are those that its mapping declares.

    Blocks until everything is written, trying again for at most `retry_ms` what the cluster is too busy for.
    """

    def __init__(
        self,
        connection: Connection,
        attributes: Attributes,
        index: str | None = None,
        pause: Callable[[float], None] = time.sleep,
        *,
        is_alias: bool = False,
    ) -> None:
        self._client = connection
        self._index = index or items_alias(connection.settings.prefix)
        self._documents = Documents(attributes, connection.settings.vector_dimensions)
        self._writes: Bulk | GenerationWrites
        if index is None:
            self._writes = GenerationWrites(connection, pause)
        else:
            self._writes = Bulk(connection, index, pause, is_alias=is_alias)

    def index(self, items: Sequence[WideItem]) -> Indexed:
        writes: list[Write] = []
        refused: list[tuple[str, str]] = []
        for item in _newest(items):
            try:
                writes.append(Write(item.item_id, packed(item.version, item.enrich), self._documents.of(item)))
            except ValueError as exc:
                refused.append((item.item_id, str(exc)))
        written = self._writes.write(writes)
        return Indexed(written.newer, (*refused, *written.refused))

    def refresh(self) -> None:
        with translated("refresh the index of items"):
            # Whichever of them serves from now on shows what was written.
            filled = self._writes.living().filled if isinstance(self._writes, GenerationWrites) else None
            reply = self._client.sync.indices.refresh(index=self._index)
            if filled is not None:
                self._client.sync.indices.refresh(index=filled, ignore_unavailable=True)
        if reply["_shards"]["failed"]:
            raise StoreUnavailable("could not refresh the index of items: some of its shards did not answer; try again")

    def get(self, item_ids: Collection[str]) -> dict[str, WideItem]:
        asked, found = list(item_ids), dict[str, WideItem]()
        for start in range(0, len(asked), _ASKED_AT_ONCE):
            with translated("read items by id"):
                reply = self._client.sync.mget(index=self._index, ids=asked[start : start + _ASKED_AT_ONCE])
            found |= records_of(reply.body)
        return found


def _newest(items: Sequence[WideItem]) -> list[WideItem]:
    """Of each item the newest record, of equals the first."""
    newest: dict[str, WideItem] = {}
    for item in items:
        known = newest.get(item.item_id)
        if known is None or item.order > known.order:
            newest[item.item_id] = item
    return list(newest.values())
