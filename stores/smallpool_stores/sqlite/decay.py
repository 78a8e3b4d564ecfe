"""Weights that decay exponentially, stored so that time never changes their order and a ranking is an index scan.

In: increments with their time. Out: the heaviest keys, and each key's weight as of a given time. See `forward_decay` for the arithmetic.
"""

from collections.abc import Iterable, Mapping
from sqlite3 import Connection

from msgspec import json

from smallpool_stores.forward_decay import log_sum

TABLES = """
CREATE TABLE decayed_weights (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    log_score REAL NOT NULL,
    PRIMARY KEY (kind, key, pool_id)
) WITHOUT ROWID;
CREATE INDEX decayed_weights_by_score ON decayed_weights (kind, pool_id, log_score DESC, key);
"""

_READ = """
SELECT key, log_score FROM decayed_weights WHERE kind = ? AND pool_id = ? AND key IN (SELECT value FROM json_each(?))
"""
_WRITE = "INSERT INTO decayed_weights VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET log_score = excluded.log_score"
_RANK = "SELECT key, log_score FROM decayed_weights WHERE kind = ? AND pool_id = ? ORDER BY log_score DESC, key LIMIT ? OFFSET ?"
_FORGET = "DELETE FROM decayed_weights WHERE kind = ? AND key = ?"
_PRUNE = """
DELETE FROM decayed_weights WHERE kind = ?1 AND pool_id = ?2 AND key IN (
    SELECT key FROM decayed_weights WHERE kind = ?1 AND pool_id = ?2 AND log_score < ?3 LIMIT ?4
)
"""

_encode_json = json.Encoder().encode


class DecayedWeights:
    """The weights of one kind of key, by pool. Every method runs in the caller's transaction and translation of errors."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def add(self, connection: Connection, pool_id: str, shares: Mapping[str, float]) -> None:
        """Adds log2 shares by key to the pool's sums."""
        stored = self.read(connection, pool_id, shares)
        sums = {key: log_sum(share, stored[key]) if key in stored else share for key, share in shares.items()}
        connection.executemany(_WRITE, [(self._kind, key, pool_id, log_score) for key, log_score in sums.items()])

    def read(self, connection: Connection, pool_id: str, keys: Iterable[str]) -> dict[str, float]:
        """The stored log2 sums of those keys that have one."""
        return dict(connection.execute(_READ, (self._kind, pool_id, _encode_json(list(keys)))).fetchall())

    def rank(self, connection: Connection, pool_id: str, limit: int, skip: int = 0) -> list[tuple[str, float]]:
        """The pool's heaviest keys after the first `skip`, with their log2 sums; equal sums by key, as UTF-8 bytes."""
        return connection.execute(_RANK, (self._kind, pool_id, limit, skip)).fetchall()

    def forget(self, connection: Connection, keys: Iterable[str]) -> None:
        """Drops keys in every pool."""
        connection.executemany(_FORGET, [(self._kind, key) for key in keys])

    def prune(self, connection: Connection, pool_id: str, below: float, limit: int) -> None:
        """Drops up to `limit` of the pool's keys whose log2 sum is under `below`."""
        connection.execute(_PRUNE, (self._kind, pool_id, below, limit))


def shift(connection: Connection, bits: float) -> None:
    """Adds `bits` to every sum of every kind."""
    connection.execute("UPDATE decayed_weights SET log_score = log_score + ?", (bits,))
