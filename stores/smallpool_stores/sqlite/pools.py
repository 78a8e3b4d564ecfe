"""Pools in SQLite: every revision a row that is never changed, and a head row a pool that says where it stands.

In: drafts as operators send them. Out: revisions, newest first; pools that moved since an epoch.

The epoch is one counter over all pools, moved by each revision and by each tagging, so that one number tells a reader whether
to look again. Revision and audit record are one row; triggers in the file refuse to change or delete it.
"""

from msgspec import json

from smallpool_core.errors import NotFound
from smallpool_core.places import Places
from smallpool_core.pools import AuditQuery, Pool, PoolChange, PoolDraft, Revision, Tagging, revised
from smallpool_stores.sqlite.database import Database, translated
from smallpool_stores.sqlite.event_log import PARTITION

TABLES = """
CREATE TABLE pool_revisions (
    epoch INTEGER PRIMARY KEY,
    pool_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    pool BLOB NOT NULL,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (pool_id, revision)
);
CREATE TRIGGER pool_revisions_stand BEFORE UPDATE ON pool_revisions
BEGIN SELECT raise(ABORT, 'a revision is an audit record and is never changed'); END;
CREATE TRIGGER pool_revisions_stay BEFORE DELETE ON pool_revisions
BEGIN SELECT raise(ABORT, 'a revision is an audit record and is never deleted'); END;
CREATE TABLE pool_heads (
    pool_id TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    tagged_epoch INTEGER NOT NULL,
    tagged_offset INTEGER NOT NULL,
    moved_at_epoch INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX pool_heads_by_move ON pool_heads (moved_at_epoch);
"""

_HEAD = "SELECT pool, author, reason, at FROM pool_revisions WHERE epoch = (SELECT epoch FROM pool_heads WHERE pool_id = ?)"
_REVISIONS = "SELECT pool, author, reason, at FROM pool_revisions WHERE pool_id = ? ORDER BY revision DESC"
_AUDIT = """
SELECT pool, author, reason, at FROM pool_revisions
WHERE (?1 IS NULL OR pool_id IN (SELECT value FROM json_each(?1))) AND (?2 IS NULL OR author = ?2)
AND (?3 IS NULL OR at >= ?3) AND (?4 IS NULL OR epoch < ?4)
ORDER BY epoch DESC LIMIT ?5
"""
_CHANGES = """
SELECT pool, tagged_epoch, tagged_offset FROM pool_heads JOIN pool_revisions USING (epoch)
WHERE moved_at_epoch > ? ORDER BY pool_heads.epoch
"""
_MOVE_HEAD = """
INSERT INTO pool_heads VALUES (?1, ?2, 0, -1, ?2) ON CONFLICT DO UPDATE SET epoch = excluded.epoch, moved_at_epoch = excluded.epoch
"""
_TAG = """
UPDATE pool_heads SET tagged_epoch = ?1, tagged_offset = ?2, moved_at_epoch = ?3
WHERE pool_id = ?4 AND epoch = ?1 AND tagged_epoch < ?1
"""
# The pool with the newest move keeps the counter: its number only ever grows.
_EPOCH = "SELECT coalesce(max(moved_at_epoch), 0) FROM pool_heads"

_encode = json.Encoder().encode
_decode = json.Decoder(Pool).decode


class SqlitePoolStore:
    """Pools and their history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, pool_id: str, draft: PoolDraft, expected: int | None, author: str, reason: str, now: int) -> Revision:
        with translated(f"save pool {pool_id!r}"), self._database.atomic():
            pool = revised(pool_id, draft, self._stored(pool_id), expected, self.epoch() + 1)
            self._database.connection.execute(
                "INSERT INTO pool_revisions VALUES (?, ?, ?, ?, ?, ?, ?)",
                (pool.epoch, pool_id, pool.revision, _encode(pool), author, reason, now),
            )
            self._database.connection.execute(_MOVE_HEAD, (pool_id, pool.epoch))
        return Revision(pool, author, reason, now)

    async def get(self, pool_id: str) -> Revision:
        stored = self._stored(pool_id)
        if stored is None:
            raise NotFound("pool", pool_id)
        return stored

    async def revisions(self, pool_id: str) -> list[Revision]:
        with translated(f"read the revisions of pool {pool_id!r}"):
            rows = self._database.connection.execute(_REVISIONS, (pool_id,)).fetchall()
        if not rows:
            raise NotFound("pool", pool_id)
        return [_revision(row) for row in rows]

    async def audit(self, query: AuditQuery) -> list[Revision]:
        pool_ids = None if query.pool_ids is None else json.encode(sorted(query.pool_ids)).decode()
        with translated("read the audit"):
            asked = (pool_ids, query.author, query.since, query.before, query.limit)
            return [_revision(row) for row in self._database.connection.execute(_AUDIT, asked)]

    def changes(self, after_epoch: int) -> list[PoolChange]:
        with translated("read the changes of pools"):
            rows = self._database.connection.execute(_CHANGES, (after_epoch,)).fetchall()
        return [PoolChange(_decode(pool), {PARTITION: Tagging(*tagging)} if tagging[0] else {}, 1) for pool, *tagging in rows]

    def epoch(self) -> int:
        with translated("read the epoch of the pools"):
            return int(self._database.connection.execute(_EPOCH).fetchone()[0])

    def set_tagged(self, pool_id: str, pool_epoch: int, upto: Places) -> None:
        if PARTITION not in upto:
            return
        with translated(f"record that pool {pool_id!r} is tagged"), self._database.atomic():
            self._database.connection.execute(_TAG, (pool_epoch, upto[PARTITION], self.epoch() + 1, pool_id))

    def _stored(self, pool_id: str) -> Revision | None:
        with translated(f"read pool {pool_id!r}"):
            row = self._database.connection.execute(_HEAD, (pool_id,)).fetchone()
        return _revision(row) if row is not None else None


def _revision(row: tuple[bytes, str, str, int]) -> Revision:
    pool, author, reason, at = row
    return Revision(_decode(pool), author, reason, at)
