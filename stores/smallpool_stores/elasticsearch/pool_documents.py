"""How pools lie in Elasticsearch: a document a revision, written once, and one a pool that says how far its tag is.

In: revisions and taggings. Out: documents with their ids, and back.

The epoch of a revision is the place of its document in the order of all writes to the one shard, so it is not in the document: it
is filled in where it is read. (Places start at 0 and epochs at 1.) A revision's document is its audit record.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from elasticsearch import Elasticsearch
from msgspec import Struct, convert, to_builtins

from smallpool_core.pools import AuditQuery, Pool, Revision, Tagging
from smallpool_stores.elasticsearch.edge import unavailable
from smallpool_stores.elasticsearch.settings import ElasticsearchSettings
from smallpool_stores.elasticsearch.small_index import KEPT, KEYWORD, LONG, OPAQUE, ensure_small_index

FIELDS: Mapping[str, Any] = {
    "kind": KEYWORD,
    "pool_id": KEYWORD,
    "revision": LONG,
    "pool": OPAQUE,
    "author": KEYWORD,
    "reason": KEPT,
    "at": LONG,
    "change": KEPT,
    "tagged": OPAQUE,
}
MAX_PLAIN_ID = 480
"""Bytes of a pool id that stands in its documents' ids as it is; Elasticsearch takes ids of at most 512 bytes."""


class TaggingDocument(Struct, frozen=True):
    """What a pool's tagging document says, and its own place in the order of writes."""

    pool_id: str
    tagged: dict[int, Tagging]
    epoch: int


def index_of(settings: ElasticsearchSettings) -> str:
    """The name under which the index is known."""
    return f"{settings.prefix}-pools"


def ensure(client: Elasticsearch, settings: ElasticsearchSettings) -> None:
    """Makes the index of the pools, if it is not there."""
    ensure_small_index(client, index_of(settings), FIELDS, settings.replicas)


def revision_id(pool_id: str, revision: int) -> str:
    """The id of a revision's document, which no other pool's or revision's has."""
    return _document_id(pool_id, str(revision))


def tagging_id(pool_id: str) -> str:
    """The id of a pool's tagging document."""
    return _document_id(pool_id, "tagged")


def _document_id(pool_id: str, which: str) -> str:
    """Ends in the revision or in `tagged` where the pool's id stands as it is, and in a name of the digest where it is too long."""
    encoded = pool_id.encode()
    return f"{pool_id}#{which}" if len(encoded) <= MAX_PLAIN_ID else f"{sha256(encoded).hexdigest()}#{which}#sha256"


def revision_document(revision: Revision, change: str) -> dict[str, Any]:
    """What is stored of a revision. `change` is drawn for this one write, so that a writer knows its own again."""
    pool = to_builtins(revision.pool)
    del pool["epoch"]
    return {
        "kind": "revision",
        "pool_id": revision.pool.pool_id,
        "revision": revision.pool.revision,
        "pool": pool,
        "author": revision.author,
        "reason": revision.reason,
        "at": revision.at,
        "change": change,
    }


def revision_of(source: Mapping[str, Any], seq_no: int) -> Revision:
    """The revision of a document."""
    return Revision(convert({**source["pool"], "epoch": seq_no + 1}, Pool), source["author"], source["reason"], source["at"])


def audited(query: AuditQuery) -> dict[str, Any]:
    """The question for revisions, newest first."""
    wanted: list[dict[str, Any]] = [{"term": {"kind": "revision"}}]
    if query.pool_ids is not None:
        wanted.append({"terms": {"pool_id": sorted(query.pool_ids)}})
    if query.author is not None:
        wanted.append({"term": {"author": query.author}})
    if query.since is not None:
        wanted.append({"range": {"at": {"gte": query.since}}})
    if query.before is not None:
        # An epoch is one more than the place.
        wanted.append({"range": {"_seq_no": {"lt": query.before - 1}}})
    return {"query": {"bool": {"filter": wanted}}, "sort": [{"_seq_no": "desc"}], "size": query.limit, "track_total_hits": False}


def tagging_document(pool_id: str, tagged: Mapping[int, Tagging]) -> dict[str, Any]:
    """What is stored of how far a pool's tag is."""
    return {"kind": "tagging", "pool_id": pool_id, "tagged": to_builtins(tagged, str_keys=True)}


def tagging_of(source: Mapping[str, Any], seq_no: int) -> TaggingDocument:
    """The tagging of a document."""
    return TaggingDocument(source["pool_id"], convert(source["tagged"], dict[int, Tagging], strict=False), seq_no + 1)


def documents(client: Elasticsearch, index: str, ids: list[str]) -> list[Any]:
    """The documents of these ids as of now, in their order; `found` says of each whether there is one."""
    answers: list[Any] = client.mget(index=index, ids=ids)["docs"]
    failed = next((answer["error"] for answer in answers if "error" in answer), None)
    if failed is not None:
        raise unavailable("read documents of the pools", f"says {failed.get('reason')}")
    return answers
