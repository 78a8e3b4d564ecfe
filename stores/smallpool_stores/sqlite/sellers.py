"""What is known of sellers, in SQLite: a row a seller, with when the score moved last.

In: records as the consumer of seller events made them. Out: the same; sellers that moved. A seller of whom nothing was heard for as long
as is to be kept goes with the next that come.
"""

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import json, msgpack

from smallpool_core.errors import StoreUnavailable
from smallpool_core.sellers import SellerRecord
from smallpool_stores.sqlite.database import Database, translated

TABLES: Final = """
CREATE TABLE sellers (
    seller_id TEXT PRIMARY KEY,
    saved_at INTEGER NOT NULL,
    moved_at INTEGER,
    record BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX sellers_by_move ON sellers (moved_at, seller_id) WHERE moved_at IS NOT NULL;
CREATE INDEX sellers_by_save ON sellers (saved_at);
"""

_READ = "SELECT seller_id, record FROM sellers WHERE seller_id IN (SELECT value FROM json_each(?))"
_WRITE = """
INSERT INTO sellers VALUES (?1, ?2, iif(?3, ?2, NULL), ?4) ON CONFLICT DO UPDATE
SET saved_at = ?2, moved_at = iif(?3, ?2, moved_at), record = ?4
"""
_OLD = "SELECT seller_id FROM sellers WHERE saved_at < ? ORDER BY saved_at LIMIT ?"
_DROP = "DELETE FROM sellers WHERE seller_id = ?"
_MOVED = "SELECT seller_id, moved_at FROM sellers WHERE moved_at >= ? ORDER BY moved_at, seller_id LIMIT ?"

_encode_json = json.Encoder().encode
_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(SellerRecord).decode


class SqliteSellerRecords:
    """Records as msgpack by seller."""

    def __init__(self, database: Database, *, kept_s: int) -> None:
        self._database = database
        self._kept_ms = kept_s * 1000

    def load(self, seller_ids: Collection[str]) -> dict[str, SellerRecord]:
        with translated(f"read what is known of {len(seller_ids)} sellers"):
            rows = self._database.connection.execute(_READ, (_encode_json(list(seller_ids)),)).fetchall()
        return {seller_id: _decode(record) for seller_id, record in rows}

    def save(self, before: Mapping[str, SellerRecord], after: Mapping[str, SellerRecord], moved: Collection[str], now: int) -> None:
        with self._database.atomic(), translated(f"write what is known of {len(after)} sellers"):
            connection = self._database.connection
            stored = self.load(after)
            changed = [seller_id for seller_id in after if stored.get(seller_id) != before.get(seller_id)]
            if changed:
                raise StoreUnavailable(
                    f"could not write what is known of the seller {changed[0]!r}: another consumer has written since it was read;"
                    " nothing was written, take the batch again"
                )
            connection.executemany(_DROP, connection.execute(_OLD, (now - self._kept_ms, len(after) + 4)).fetchall())
            rows = [(seller_id, now, seller_id in moved, _encode(record)) for seller_id, record in after.items()]
            connection.executemany(_WRITE, rows)

    def moved(self, since: int, limit: int) -> list[tuple[str, int]]:
        with translated("read which sellers moved"):
            return self._database.connection.execute(_MOVED, (since, limit)).fetchall()
