"""Records how far a pool's tag is on stored items: one document a pool, which the owners of all partitions write.

In: a revision, and places by partition. Out: the epoch of the write, 0 where there was nothing to write.
"""

from collections.abc import Mapping
from typing import Any

from elasticsearch import ConflictError, Elasticsearch

from smallpool_core.places import Places
from smallpool_core.pools import Pool, Tagging
from smallpool_stores.elasticsearch.edge import translated, unavailable
from smallpool_stores.elasticsearch.pool_documents import documents, revision_id, tagging_document, tagging_id, tagging_of

TRIES = 20
"""How often a tagging is written again that another owner was quicker with."""


def record_tagging(client: Elasticsearch, index: str, pool: Pool, upto: Places) -> int:
    """Records it unless the pool has a newer revision; what has come as far already never moves."""
    operation = f"record that pool {pool.pool_id!r} is tagged"
    with translated(operation):
        for _ in range(TRIES):
            epoch = _recorded(client, index, pool, upto)
            if epoch is not None:
                return epoch
    raise unavailable(operation, f"had it written by others {TRIES} times meanwhile")


def _recorded(client: Elasticsearch, index: str, pool: Pool, upto: Places) -> int | None:
    """One try; None where another owner was quicker, so that it is to be looked at again."""
    ids = [tagging_id(pool.pool_id), revision_id(pool.pool_id, pool.revision + 1)]
    stored, newer = documents(client, index, ids)
    known = tagging_of(stored["_source"], stored["_seq_no"]).tagged if stored["found"] else {}
    tagged = _moved(known, pool.epoch, upto)
    if newer["found"] or tagged == known:
        return 0
    order: dict[str, Any] = {"op_type": "create"}
    if stored["found"]:
        order = {"if_seq_no": stored["_seq_no"], "if_primary_term": stored["_primary_term"]}
    document = tagging_document(pool.pool_id, tagged)
    try:
        written = client.index(index=index, id=ids[0], document=document, require_alias=True, **order)
    except ConflictError:
        return None
    return int(written["_seq_no"]) + 1


def _moved(known: Mapping[int, Tagging], epoch: int, upto: Places) -> dict[int, Tagging]:
    """The taggings with those places, but for partitions that carry this revision's tag already, or a newer one's."""
    new = {partition: Tagging(epoch, offset) for partition, offset in upto.items()}
    return {**known, **{partition: new[partition] for partition in new if partition not in known or known[partition].epoch < epoch}}
