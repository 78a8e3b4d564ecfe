"""Small indices of one shard, pools and keys: made on purpose and once, never by a write that finds none.

In: a name and a mapping. Out: an index behind an alias of that name, made or found to have that mapping. Writes ask for an alias, since
a server would make an index of any other name by itself.
"""

from collections.abc import Mapping
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch

from smallpool_core.errors import StoreError
from smallpool_stores.elasticsearch.edge import translated, unavailable

KEYWORD = {"type": "keyword"}
LONG = {"type": "long"}
KEPT = {"type": "keyword", "index": False, "doc_values": False}
"""A text that is stored and given back; nobody searches for it."""
OPAQUE = {"type": "object", "enabled": False}
"""JSON that is stored and given back as it is."""


def ensure_small_index(client: Elasticsearch, alias: str, fields: Mapping[str, Any], replicas: int) -> None:
    """Makes the index, if it is not there; processes that meet here make it once.

    Raises `StoreError` for one with other fields: the index of another version, or of somebody else.
    """
    index = f"{alias}-1"
    with translated(f"make the index {index!r}"):
        try:
            client.indices.create(
                index=index,
                settings={
                    "number_of_shards": 1,
                    "number_of_replicas": replicas,
                    # An answer to an operator means that the change is on the disk.
                    "translog": {"durability": "request"},
                },
                mappings={"dynamic": "strict", "properties": dict(fields)},
                aliases={alias: {}},
            )
        except BadRequestError as exc:
            if exc.message != "resource_already_exists_exception":
                raise
            _check(client, index, fields)


def checkpoint_of(client: Elasticsearch, index: str, doing: str) -> int:
    """The place of the last write before which none is missing; -1 before the first. A write beyond it may yet be overtaken by an
    earlier one, or be lost with its node. `doing` reads after "could not" where the index has no copy that can be read.
    """
    answer = client.indices.stats(index=index, metric="docs", level="shards")
    copies = [copy for found in answer["indices"].values() for shard in found["shards"].values() for copy in shard]
    primary = next((copy for copy in copies if copy["routing"]["primary"]), None)
    if primary is None:
        raise unavailable(doing, f"has no copy of {index!r} that can be read")
    return max(-1, int(primary["seq_no"]["global_checkpoint"]))


def _check(client: Elasticsearch, index: str, fields: Mapping[str, Any]) -> None:
    found = {name for answer in client.indices.get_mapping(index=index).values() for name in answer["mappings"].get("properties", {})}
    if found != set(fields):
        raise StoreError(
            f"could not use the index {index!r}: it has the fields {', '.join(sorted(found)) or '(none)'} and this version makes"
            f" {', '.join(sorted(fields))}; run the smallpool that made it, or set another `prefix`"
        )
