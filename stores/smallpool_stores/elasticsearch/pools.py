"""Pools in Elasticsearch: every revision a document that is written once, so that of two operators at once one is refused.

In: drafts as operators send them. Out: revisions, newest first; pools that moved since an epoch.

Operators write to the store and read from it; whoever serves reads the copy in memory.
"""

import asyncio
from secrets import token_hex

from elasticsearch import ConflictError

from smallpool_core.errors import NotFound, RevisionStale
from smallpool_core.places import Places
from smallpool_core.pools import AuditQuery, PoolChange, PoolDraft, Revision, revised
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.edge import translated
from smallpool_stores.elasticsearch.pool_documents import audited, documents, index_of, revision_document, revision_id, revision_of
from smallpool_stores.elasticsearch.pool_follower import PoolFollower
from smallpool_stores.elasticsearch.pool_heads import Head, PoolHeads
from smallpool_stores.elasticsearch.pool_tagging import record_tagging

HISTORY_PAGE = 500


class ElasticsearchPoolStore:
    """Pools and their history; `partitions` is how many `item-wide` has. The index is there already, by `ensure`."""

    def __init__(self, connection: Connection, partitions: int) -> None:
        self._client = connection.sync
        self._index = index_of(connection.settings)
        self._partitions = partitions
        self._follower = PoolFollower(PoolHeads(connection))

    async def put(self, pool_id: str, draft: PoolDraft, expected: int | None, author: str, reason: str, now: int) -> Revision:
        return await asyncio.to_thread(self._put, pool_id, draft, expected, author, reason, now)

    async def get(self, pool_id: str) -> Revision:
        return (await asyncio.to_thread(self._stored, pool_id)).newest

    async def revisions(self, pool_id: str) -> list[Revision]:
        return await asyncio.to_thread(self._history, pool_id)

    async def audit(self, query: AuditQuery) -> list[Revision]:
        return await asyncio.to_thread(self._audit, query)

    def changes(self, after_epoch: int) -> list[PoolChange]:
        moved = [head for head in self._follower.standing().heads.values() if head.moved_at > after_epoch]
        moved.sort(key=lambda head: head.newest.pool.epoch)
        return [PoolChange(head.newest.pool, head.tagged, self._partitions) for head in moved]

    def epoch(self) -> int:
        return self._follower.standing().epoch

    def set_tagged(self, pool_id: str, pool_epoch: int, upto: Places) -> None:
        head = self._follower.last_known(pool_id)
        if head is None or head.newest.pool.epoch < pool_epoch:
            head = self._follower.newest(pool_id)
        if head is not None and head.newest.pool.epoch == pool_epoch:
            self._follower.note_written(record_tagging(self._client, self._index, head.newest.pool, upto))

    def close(self) -> None:
        """Ends the thread that keeps the copy in memory."""
        self._follower.close()

    def _stored(self, pool_id: str) -> Head:
        head = self._follower.newest(pool_id)
        if head is None:
            raise NotFound("pool", pool_id)
        return head

    def _put(self, pool_id: str, draft: PoolDraft, expected: int | None, author: str, reason: str, now: int) -> Revision:
        head = self._follower.newest(pool_id)
        pool = revised(pool_id, draft, None if head is None else head.newest, expected, 0)
        with translated(f"save pool {pool_id!r}"):
            revision = self._create(Revision(pool, author, reason, now))
        if revision is None:
            raise RevisionStale(pool_id, expected or 0, pool.revision)
        self._follower.note_written(revision.pool.epoch)
        self._follower.try_to_advance()
        return revision

    def _create(self, revision: Revision) -> Revision | None:
        """The revision as it is stored; None where another one of this number was quicker."""
        document_id, document = revision_id(revision.pool.pool_id, revision.pool.revision), revision_document(revision, token_hex(8))
        try:
            place = self._client.create(index=self._index, id=document_id, document=document, require_alias=True)["_seq_no"]
        except ConflictError:
            stored = self._client.get(index=self._index, id=document_id)
            if stored["_source"]["change"] != document["change"]:
                return None
            place = stored["_seq_no"]  # ours: written by a first try whose answer was lost on its way
        return revision_of(document, place)

    def _audit(self, query: AuditQuery) -> list[Revision]:
        with translated("read the audit"):
            self._client.indices.refresh(index=self._index)
            answer = self._client.search(index=self._index, allow_partial_search_results=False, **audited(query))
        return [revision_of(hit["_source"], hit["sort"][0]) for hit in answer["hits"]["hits"]]

    def _history(self, pool_id: str) -> list[Revision]:
        newest = self._stored(pool_id).newest.pool.revision
        found: list[Revision] = []
        with translated(f"read the revisions of pool {pool_id!r}"):
            while len(found) < newest:
                numbers = range(newest - len(found), max(0, newest - len(found) - HISTORY_PAGE), -1)
                page = documents(self._client, self._index, [revision_id(pool_id, number) for number in numbers])
                found += [revision_of(one["_source"], one["_seq_no"]) for one in page]
        return found
