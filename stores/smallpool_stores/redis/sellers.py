"""What is known of sellers, in Redis: a string a seller, and one sorted set of those whose score moved.

In: records as the consumer of seller events made them. Out: the same; sellers that moved. Moves are noted before the records are written:
who looks too early finds nothing to do, and where the write fails the batch comes again and notes them anew.
"""

from collections.abc import Collection, Mapping
from hashlib import sha1

from msgspec import msgpack

from smallpool_core.errors import StoreUnavailable
from smallpool_core.sellers import SellerRecord
from smallpool_stores.redis.commands import Call
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.scripts import load_script

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(SellerRecord).decode


class RedisSellerRecords:
    """Each record is one atomic step, and knows which events are in it, so that a batch taken again counts once."""

    def __init__(self, connection: RedisConnection, *, kept_s: int, watched_s: int) -> None:
        self._connection = connection
        self._kept_ms = kept_s * 1000
        self._watched_ms = watched_s * 1000
        self._save, self._moved = load_script("seller"), load_script("moved")

    def load(self, seller_ids: Collection[str]) -> dict[str, SellerRecord]:
        asked = list(seller_ids)
        with self._connection.translated(f"read what is known of {len(asked)} sellers"):
            packed = self._connection.read_now(*[("GET", self._connection.keys.seller(seller_id)) for seller_id in asked])
        return {seller_id: _decode(record) for seller_id, record in zip(asked, packed, strict=True) if record is not None}

    def save(self, before: Mapping[str, SellerRecord], after: Mapping[str, SellerRecord], moved: Collection[str], now: int) -> None:
        keys = self._connection.keys
        with self._connection.translated(f"write what is known of {len(after)} sellers"):
            if moved:
                self._connection.write_now(Call(self._moved, (keys.moved_sellers,), (self._watched_ms, now, *sorted(moved))))
            calls = [
                Call(self._save, (keys.seller(seller_id),), (_version(before.get(seller_id)), _encode(record), self._kept_ms))
                for seller_id, record in after.items()
            ]
            written = self._connection.write_now(*calls)
        for seller_id, is_written in zip(after, written, strict=True):
            if not is_written:
                raise StoreUnavailable(
                    f"could not write what is known of the seller {seller_id!r}: another consumer has written since it was read;"
                    " take the batch again"
                )

    def moved(self, since: int, limit: int) -> list[tuple[str, int]]:
        with self._connection.translated("read which sellers moved"):
            [found] = self._connection.read_now(
                ("ZRANGE", self._connection.keys.moved_sellers, since, "+inf", "BYSCORE", "LIMIT", 0, limit, "WITHSCORES")
            )
        return [(seller_id.decode(), int(float(at))) for seller_id, at in zip(found[::2], found[1::2], strict=True)]


def _version(record: SellerRecord | None) -> str:
    """The digest of the record as it is stored, of nothing where there is none."""
    return sha1(b"" if record is None else _encode(record), usedforsecurity=False).hexdigest()
