"""Loads a marketplace straight into the servers: what the write path would leave there, without the write path.

In: wide items and pools' rules. Out: items in Elasticsearch and on `item-wide`, pools whose tag is trusted.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from typing import Any

from msgspec import Struct

from smallpool_config.wiring.distributed import Distributed
from smallpool_core.errors import StoreError
from smallpool_core.items import Indexed, WideItem
from smallpool_core.places import Places
from smallpool_core.pools import PoolDraft, Revision, Tagging, revised
from smallpool_stores.elasticsearch import pool_documents
from smallpool_stores.elasticsearch.edge import translated
from smallpool_stores.elasticsearch.names import items_alias
from smallpool_stores.kafka.appends import Appender
from smallpool_stores.kafka.state import encode_item

AT_ONCE = 1_000
WRITERS = 2
UNDER_WAY = 4
"""Batches that may wait for the servers at a time."""


class _Batch(Struct, frozen=True):
    """Items on their way to both servers."""

    items: Sequence[WideItem]
    indexed: "Future[Indexed]"
    appended: "Future[dict[int, int]]"

    def settle(self, appender: Appender) -> None:
        """Waits for both; raises `StoreError` where Elasticsearch refuses an item."""
        refused = self.indexed.result().refused
        if refused:
            raise StoreError(f"could not load {len(refused)} of {len(self.items)} items: Elasticsearch refuses {refused[0]}")
        self.appended.result(appender.patience_s)


def load_items(system: Distributed, items: Iterable[WideItem], now: int) -> None:
    """Writes the items to `item-wide` and to the index that serves; they are recallable when it returns."""
    alias, client = items_alias(system.settings.elasticsearch.prefix), system.connection.sync
    writer, under_way = system.writer, deque[_Batch]()
    with translated("stop refreshing"):
        client.indices.put_settings(index=alias, settings={"refresh_interval": "-1"})
    with closing(Appender(system.settings.kafka)) as appender, ThreadPoolExecutor(WRITERS, "load") as threads:
        for batch in _batches(items):
            sent = appender.send("item-wide", [(item.item_id, encode_item(item)) for item in batch], now)
            under_way.append(_Batch(batch, threads.submit(writer.index, batch), sent.done))
            if len(under_way) > UNDER_WAY:
                under_way.popleft().settle(appender)
        for left in under_way:
            left.settle(appender)
    with translated("refresh again"):
        client.indices.put_settings(index=alias, settings={"refresh_interval": f"{system.settings.elasticsearch.refresh_interval_ms}ms"})
    writer.refresh()


def load_pools(system: Distributed, rules: Iterable[tuple[str, dict[str, Any]]], now: int) -> None:
    """Writes a first revision of each pool, by id, and that all items there are carry its tag."""
    upto = system.log.offsets.ends("item-wide")
    for batch in _batches(rules):
        drafts = [revised(pool_id, PoolDraft(rule=rule), None, None, 0) for pool_id, rule in batch]
        documents = [pool_documents.revision_document(Revision(pool, "bench", "made", now), "bench") for pool in drafts]
        places = _created(system, [pool_documents.revision_id(pool.pool_id, 1) for pool in drafts], documents)
        tagged = [
            pool_documents.tagging_document(pool.pool_id, _tagged(place + 1, upto)) for pool, place in zip(drafts, places, strict=True)
        ]
        _created(system, [pool_documents.tagging_id(pool.pool_id) for pool in drafts], tagged)


def _tagged(epoch: int, upto: Places) -> dict[int, Tagging]:
    return {partition: Tagging(epoch, offset) for partition, offset in upto.items()}


def _created(system: Distributed, ids: Sequence[str], documents: Sequence[dict[str, Any]]) -> list[int]:
    """The places of new documents in the order of writes to the index of the pools."""
    lines = [line for one, document in zip(ids, documents, strict=True) for line in ({"create": {"_id": one}}, document)]
    with translated(f"write {len(ids)} documents of pools"):
        reply = system.connection.sync.bulk(index=pool_documents.index_of(system.settings.elasticsearch), operations=lines)
    if reply["errors"]:
        failed = next(row["create"]["error"] for row in reply["items"] if "error" in row["create"])
        raise StoreError(f"could not write {len(ids)} documents of pools: Elasticsearch says {failed}; load under another name")
    return [row["create"]["_seq_no"] for row in reply["items"]]


def _batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(values)
    while batch := list(islice(iterator, AT_ONCE)):
        yield batch
