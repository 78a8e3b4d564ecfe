"""API keys in SQLite, one row a key, found by digest.

In: keys without their secrets. Out: the same, with the time at which one was revoked.
"""

from msgspec import json

from smallpool_core.access import ApiKey, Role
from smallpool_core.errors import NotFound
from smallpool_stores.sqlite.database import Database, translated

TABLES = """
CREATE TABLE api_keys (
    key_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    roles TEXT NOT NULL,
    pools TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;
"""

_SELECT = "SELECT key_id, name, digest, roles, pools, created_at, revoked_at FROM api_keys"
_decode_roles = json.Decoder(tuple[Role, ...]).decode
_decode_pools = json.Decoder(tuple[str, ...]).decode


class SqliteKeyStore:
    """Keys by digest and by id; both are unique."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, digest: str) -> ApiKey | None:
        return self.known(digest)

    def known(self, digest: str) -> ApiKey | None:
        with translated("look up an API key"):
            row = self._database.connection.execute(f"{_SELECT} WHERE digest = ?", (digest,)).fetchone()
        return _key(row) if row is not None else None

    async def add(self, key: ApiKey) -> None:
        roles, pools = (json.encode(names).decode() for names in (key.roles, key.pools))
        with translated(f"store the API key {key.key_id!r}"), self._database.atomic():
            self._database.connection.execute(
                "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key.key_id, key.name, key.digest, roles, pools, key.created_at, key.revoked_at),
            )

    async def all(self) -> list[ApiKey]:
        with translated("list the API keys"):
            rows = self._database.connection.execute(f"{_SELECT} ORDER BY created_at, key_id").fetchall()
        return [_key(row) for row in rows]

    async def revoke(self, key_id: str, now: int) -> None:
        with translated(f"revoke the API key {key_id!r}"), self._database.atomic():
            found = self._database.connection.execute(
                "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE key_id = ?", (now, key_id)
            )
            if found.rowcount == 0:
                raise NotFound("key", key_id)


def _key(row: tuple[str, str, str, str, str, int, int | None]) -> ApiKey:
    key_id, name, digest, roles, pools, created_at, revoked_at = row
    return ApiKey(key_id, name, digest, _decode_roles(roles), _decode_pools(pools), created_at, revoked_at)
