"""API keys in Elasticsearch: a document a key under its digest, and one under its id that names the digest.

In: keys without their secrets. Out: the same, with the time at which one was revoked.
"""

from collections.abc import Mapping
from typing import Any

from elasticsearch import AsyncElasticsearch, ConflictError, Elasticsearch, NotFoundError
from msgspec import convert, to_builtins
from msgspec.structs import replace

from smallpool_core.access import ApiKey
from smallpool_core.errors import NotFound, StoreError
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.edge import translated, unavailable
from smallpool_stores.elasticsearch.key_copy import KeyCopy
from smallpool_stores.elasticsearch.settings import ElasticsearchSettings
from smallpool_stores.elasticsearch.small_index import KEYWORD, LONG, ensure_small_index

FIELDS: Mapping[str, Any] = {
    "key_id": KEYWORD,
    "name": KEYWORD,
    "digest": KEYWORD,
    "roles": KEYWORD,
    "pools": KEYWORD,
    "created_at": LONG,
    "revoked_at": LONG,
}
PAGE = 1_000
TRIES = 20
"""How often a revocation is written again that another process was quicker with."""


def index_of(settings: ElasticsearchSettings) -> str:
    """The name under which the index is known."""
    return f"{settings.prefix}-keys"


def ensure(client: Elasticsearch, settings: ElasticsearchSettings) -> None:
    """Makes the index of the keys, if it is not there."""
    ensure_small_index(client, index_of(settings), FIELDS, settings.replicas)


class ElasticsearchKeyStore:
    """Keys by digest and by id; both are unique. `find`, `all` and what writes ask the store, and see every write that was answered,
    in any process; `known` answers from memory. The index is there already, by `ensure`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._index = index_of(connection.settings)
        self._copy = KeyCopy(connection.sync.options(request_timeout=connection.settings.read_timeout_ms / 1000), self._index)

    def begin(self) -> None:
        """Reads every key into memory and keeps them there; raises `StoreUnavailable` where they cannot be read."""
        self._copy.begin()

    def known(self, digest: str) -> ApiKey | None:
        return self._copy.find(digest)

    def close(self) -> None:
        """Ends the thread that keeps the copy in memory."""
        self._copy.close()

    async def find(self, digest: str) -> ApiKey | None:
        with translated("look up an API key"):
            found = await self._get(await self._connection.asynchronous(), digest)
        return None if found is None or "created_at" not in found["_source"] else convert(found["_source"], ApiKey)

    async def add(self, key: ApiKey) -> None:
        with translated(f"store the API key {key.key_id!r}"):
            client = await self._connection.asynchronous()
            if not await self._create(client, _name(key.key_id), {"key_id": key.key_id, "digest": key.digest}):
                raise StoreError(f"could not store the API key {key.key_id!r}: there is another key of this id; make a new one")
            if not await self._create(client, key.digest, to_builtins(key)):
                await client.delete(index=self._index, id=_name(key.key_id))
                raise StoreError(f"could not store the API key {key.key_id!r}: another key has its secret; make a new one")
        self._copy.note(key)

    async def all(self) -> list[ApiKey]:
        keys: list[ApiKey] = []
        after: dict[str, Any] = {}
        with translated("list the API keys"):
            client = await self._connection.asynchronous()
            await client.indices.refresh(index=self._index)
            while True:
                answer = await client.search(
                    index=self._index,
                    query={"exists": {"field": "created_at"}},
                    sort=[{"created_at": "asc"}, {"key_id": "asc"}],
                    size=PAGE,
                    track_total_hits=False,
                    allow_partial_search_results=False,
                    **after,
                )
                hits = answer["hits"]["hits"]
                keys += [convert(hit["_source"], ApiKey) for hit in hits]
                if len(hits) < PAGE:
                    return keys
                after = {"search_after": hits[-1]["sort"]}

    async def revoke(self, key_id: str, now: int) -> None:
        with translated(f"revoke the API key {key_id!r}"):
            client = await self._connection.asynchronous()
            named = await self._get(client, _name(key_id))
            for _ in range(TRIES):
                if await self._revoked(client, key_id, named, now):
                    return
        raise unavailable(f"revoke the API key {key_id!r}", f"was written to by others {TRIES} times meanwhile")

    async def _revoked(self, client: AsyncElasticsearch, key_id: str, named: Any, now: int) -> bool:
        """One try; false where another process was quicker."""
        stored = None if named is None else await self._get(client, named["_source"]["digest"])
        if stored is None:
            raise NotFound("key", key_id)
        key = convert(stored["_source"], ApiKey)
        if key.revoked_at is not None:
            self._copy.note(key)
            return True
        revoked = replace(key, revoked_at=now)
        try:
            await client.index(
                index=self._index,
                id=key.digest,
                document=to_builtins(revoked),
                if_seq_no=stored["_seq_no"],
                if_primary_term=stored["_primary_term"],
                require_alias=True,
            )
        except ConflictError:
            return False
        self._copy.note(revoked)
        return True

    async def _create(self, client: AsyncElasticsearch, document_id: str, document: Mapping[str, Any]) -> bool:
        """Whether the document stands there now: written here, perhaps by a first try whose answer was lost on its way."""
        try:
            await client.create(index=self._index, id=document_id, document=document, require_alias=True)
        except ConflictError:
            stored = await self._get(client, document_id)
            return stored is not None and stored["_source"] == document
        return True

    async def _get(self, client: AsyncElasticsearch, document_id: str) -> Any:
        try:
            return await client.get(index=self._index, id=document_id)
        except NotFoundError as exc:
            if isinstance(exc.body, dict) and exc.body.get("found") is False:
                return None
            raise


def _name(key_id: str) -> str:
    """The id of the document that says which digest a key has; no digest looks like it."""
    return f"key#{key_id}"
