"""Where every pool stands, held in memory and brought up to date from the order of writes to the index of the pools.

In: the index. Out: newest revision and tagging of every pool, as of an epoch.

Up to date means up to the checkpoint: the last write before which all are on every copy that counts. A write beyond it may yet be
overtaken by an earlier one, or be lost with its node, and is left for the next time.
"""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.pools import Revision, Tagging
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.edge import translated
from smallpool_stores.elasticsearch.pool_documents import index_of, revision_of, tagging_of
from smallpool_stores.elasticsearch.small_index import checkpoint_of

COUNTED = 5_000
FETCHED = 1_000
READ = "read the pools"


class Head(Struct, frozen=True):
    """One pool: its newest revision, how far its tag is, and the epoch at which either moved last."""

    newest: Revision
    tagged: Mapping[int, Tagging]
    moved_at: int


class Standing(Struct, frozen=True):
    """Every pool by id, as of `epoch`; 0 before the first write."""

    epoch: int
    heads: Mapping[str, Head]


class PoolHeads:
    """The standing as this process knows it. Any thread may read `standing`, which is replaced as a whole."""

    def __init__(self, connection: Connection) -> None:
        self._client = connection.sync.options(request_timeout=connection.settings.read_timeout_ms / 1000)
        self._index = index_of(connection.settings)
        self._one_at_a_time = threading.Lock()
        self.standing = Standing(0, {})

    def advance(self) -> None:
        """Takes in what was written since the last time; one cheap question where nothing was."""
        with self._one_at_a_time, translated(READ):
            checkpoint = checkpoint_of(self._client, self._index, READ)
            # A node that has just become the primary may know of an older checkpoint than its forerunner.
            if checkpoint >= self.standing.epoch:
                self.standing = self._taken_in(checkpoint)

    def _taken_in(self, checkpoint: int) -> Standing:
        self._client.indices.refresh(index=self._index)
        places = list(self._moved(self.standing.epoch, checkpoint))
        hits = [hit for at in range(0, len(places), FETCHED) for hit in self._fetched(places[at : at + FETCHED])]
        heads = dict(self.standing.heads)
        for hit in hits:
            if hit["_source"]["kind"] == "revision":
                revision = revision_of(hit["_source"], hit["sort"][0])
                known = heads.get(revision.pool.pool_id)
                heads[revision.pool.pool_id] = Head(revision, {} if known is None else known.tagged, revision.pool.epoch)
        for hit in hits:
            if hit["_source"]["kind"] == "tagging":
                tagging = tagging_of(hit["_source"], hit["sort"][0])
                known = heads[tagging.pool_id]
                heads[tagging.pool_id] = replace(known, tagged=tagging.tagged, moved_at=max(known.moved_at, tagging.epoch))
        return Standing(checkpoint + 1, heads)

    def _moved(self, first: int, last: int) -> Iterator[int]:
        """Places of the newest revision and of the tagging of every pool that was written to. A tagging that is written again while this
        is read has left its place, and is found at its new one the next time.
        """
        after: dict[str, Any] = {}
        while True:
            answer = self._client.search(
                index=self._index,
                query={"range": {"_seq_no": {"gte": first, "lte": last}}},
                aggregations={
                    "parts": {
                        "composite": {
                            "size": COUNTED,
                            "sources": [{"pool_id": {"terms": {"field": "pool_id"}}}, {"kind": {"terms": {"field": "kind"}}}],
                            **after,
                        },
                        "aggregations": {"newest": {"max": {"field": "_seq_no"}}},
                    }
                },
                size=0,
                track_total_hits=False,
                allow_partial_search_results=False,
            )
            parts = answer["aggregations"]["parts"]
            yield from (int(part["newest"]["value"]) for part in parts["buckets"])
            if len(parts["buckets"]) < COUNTED:
                return
            after = {"after": parts["after_key"]}

    def _fetched(self, places: list[int]) -> Any:
        answer = self._client.search(
            index=self._index,
            query={"terms": {"_seq_no": places}},
            sort=[{"_seq_no": "asc"}],
            size=len(places),
            track_total_hits=False,
            allow_partial_search_results=False,
        )
        return answer["hits"]["hits"]
