"""Listings on sale by what they say, in SQLite: a row a listing, and a row for each of its bands.

In: listings with their sketches. Out: those that share most bands. A listing that was not taken in again for as long as it is to be kept
goes, a few at each call and always more than the call adds.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from sqlite3 import Connection
from typing import Final

from msgspec import json, msgpack

from smallpool_core.reposts import MOST_ALIKE, MOST_COMPARED, Listing, nearest
from smallpool_stores.sqlite.database import Database, translated

TABLES: Final = """
CREATE TABLE listings_said (
    number INTEGER PRIMARY KEY,
    item_id TEXT NOT NULL UNIQUE,
    kept_until INTEGER NOT NULL,
    listing BLOB NOT NULL
);
CREATE INDEX listings_said_until ON listings_said (kept_until);
CREATE TABLE listing_bands (
    band INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (band, published_at, number)
) WITHOUT ROWID;
"""

_STORED = "SELECT number, listing FROM listings_said WHERE item_id IN (SELECT value FROM json_each(?))"
_OLD = "SELECT number, listing FROM listings_said WHERE kept_until <= ? ORDER BY kept_until LIMIT ?"
_DROP = "DELETE FROM listings_said WHERE number = ?"
_DROP_BAND = "DELETE FROM listing_bands WHERE (band, published_at, number) = (?, ?, ?)"
_LAST = "SELECT coalesce(max(number), 0) FROM listings_said"
_KEEP = "INSERT INTO listings_said VALUES (?, ?, ?, ?)"
_KEEP_BAND = "INSERT INTO listing_bands VALUES (?, ?, ?)"
_OF_BANDS = """SELECT value, (SELECT json_group_array(number) FROM
    (SELECT number FROM listing_bands WHERE band = value ORDER BY published_at, number LIMIT ?)) FROM json_each(?)"""
_LISTINGS = "SELECT number, listing FROM listings_said WHERE number IN (SELECT value FROM json_each(?))"

MOST_DECODED: Final = 4_096
"""Listings that are kept decoded, since what is alike is looked at again and again: some 25 MB."""

_encode_json = json.Encoder().encode
_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Listing).decode
_decode_numbers = json.Decoder(list[int]).decode


class SqliteRepostIndex:
    """Every call is one transaction, or joins the one of `Database.atomic`."""

    def __init__(self, database: Database, *, kept_s: int) -> None:
        self._database = database
        self._kept_ms = kept_s * 1000
        # By what is stored and not by number, so that no other writer and no undone transaction can make it wrong.
        self._decoded = lru_cache(MOST_DECODED)(_decode)

    def put(self, listings: Sequence[Listing], now: int) -> list[list[Listing]]:
        with self._database.atomic(), translated(f"remember what {len(listings)} listings say"):
            connection = self._database.connection
            _drop(connection, connection.execute(_OLD, (now, len(listings) + 4)).fetchall())
            _drop(connection, connection.execute(_STORED, (_encode_json([one.item_id for one in listings]),)).fetchall())
            numbered = list(enumerate(listings, connection.execute(_LAST).fetchone()[0] + 1))
            until = now + self._kept_ms
            connection.executemany(_KEEP, [(number, one.item_id, until, _encode(one)) for number, one in numbered])
            connection.executemany(_KEEP_BAND, [(band, one.published_at, number) for number, one in numbered for band in one.sketch.bands])
            return self._alike(connection, listings, dict(numbered), MOST_COMPARED)

    def alike(self, listing: Listing, most: int = MOST_COMPARED) -> list[Listing]:
        with translated(f"look for listings that say what {listing.item_id!r} says"):
            return self._alike(self._database.connection, [listing], {}, most)[0]

    def forget(self, item_ids: Sequence[str]) -> list[Listing]:
        with self._database.atomic(), translated(f"forget what {len(item_ids)} listings say"):
            connection = self._database.connection
            return _drop(connection, connection.execute(_STORED, (_encode_json(list(item_ids)),)).fetchall())

    def _alike(self, connection: Connection, listings: Sequence[Listing], known: Mapping[int, Listing], most: int) -> list[list[Listing]]:
        """For each listing the others that share most of its bands; `known` are those that need not be read."""
        bands = sorted({band for one in listings for band in one.sketch.bands})
        members = {band: _decode_numbers(numbers) for band, numbers in connection.execute(_OF_BANDS, (MOST_ALIKE, _encode_json(bands)))}
        # One more than are compared: a listing that is stored shares all bands with itself.
        found = [nearest((members[band] for band in one.sketch.bands), most + 1) for one in listings]
        asked = _encode_json(sorted({number for numbers in found for number in numbers}.difference(known)))
        stored = {**known, **{number: self._decoded(listing) for number, listing in connection.execute(_LISTINGS, (asked,))}}
        return [
            [stored[number] for number in numbers if stored[number].item_id != one.item_id][:most]
            for one, numbers in zip(listings, found, strict=True)
        ]


def _drop(connection: Connection, rows: Sequence[tuple[int, bytes]]) -> list[Listing]:
    dropped = [(number, _decode(listing)) for number, listing in rows]
    connection.executemany(_DROP, [(number,) for number, _ in dropped])
    connection.executemany(_DROP_BAND, [(band, one.published_at, number) for number, one in dropped for band in one.sketch.bands])
    return [one for _, one in dropped]
