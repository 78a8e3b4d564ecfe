"""Listings on sale by what they say, in Redis: a string a listing, and a sorted set for each band.

In: listings with their sketches. Out: those that share most bands. Redis and not the wide index, since a repost often comes within the
second in which an index does not yet show the original, and from the owner of another partition; and since taking in listings waits for
no index.

The bands of one place share a slot, so that a batch is one call for each of the places. What a listing said before stays in its old
bands until these end; nobody is misled, because listings are compared as they are now.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import msgpack

from smallpool_core.reposts import MOST_ALIKE, MOST_COMPARED, Listing, nearest
from smallpool_stores.redis.commands import Call, Command
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.scripts import load_script

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Listing).decode

Bands = list[tuple[str, list[str]]]
"""Keys of bands, and who is in each."""


class RedisRepostIndex:
    """A call that fails may have had its effect, and bears repeating. Every key ends by itself."""

    def __init__(self, connection: RedisConnection, *, kept_s: int) -> None:
        self._connection = connection
        self._kept_ms = kept_s * 1000
        self._alike = load_script("alike")

    def put(self, listings: Sequence[Listing], now: int) -> list[list[Listing]]:
        keys = self._connection.keys
        kept: list[Command] = [("SET", keys.listing(one.item_id), _encode(one), "PX", self._kept_ms) for one in listings]
        by_place = list(_by_place(listings))
        with self._connection.translated(f"remember what {len(listings)} listings say"):
            self._connection.write_now(*kept)  # before they are in bands: a member without its string counts as ended
            replies = self._connection.write_now(*(self._call(place, some) for place, some in by_place))
            bands: dict[str, Bands] = {one.item_id: [] for one in listings}
            for (place, some), members in zip(by_place, replies, strict=True):
                for (one, band), others in zip(some, members, strict=True):
                    bands[one.item_id].append((keys.band(place, band), _names(others, one)))
            found = self._living(bands, MOST_COMPARED)
        return [found[one.item_id] for one in listings]

    def alike(self, listing: Listing, most: int = MOST_COMPARED) -> list[Listing]:
        named = [self._connection.keys.band(place, band) for place, band in enumerate(listing.sketch.bands)]
        with self._connection.translated(f"look for listings that say what {listing.item_id!r} says"):
            members = self._connection.read_now(*[("ZRANGE", key, 0, -1) for key in named])
            bands = [(key, _names(some, listing)) for key, some in zip(named, members, strict=True)]
            return self._living({listing.item_id: bands}, most)[listing.item_id]

    def forget(self, item_ids: Sequence[str]) -> list[Listing]:
        keys = self._connection.keys
        with self._connection.translated(f"forget what {len(item_ids)} listings say"):
            dropped = list(self._stored(item_ids).values())
            removals: list[Command] = [
                ("ZREM", keys.band(place, band), one.item_id) for one in dropped for place, band in enumerate(one.sketch.bands)
            ]
            self._connection.write_now(*removals)
            # Only now, so that a call that fails halfway still knows where to look.
            self._connection.write_now(*[("UNLINK", keys.listing(one.item_id)) for one in dropped])
        return dropped

    def _living(self, bands: Mapping[str, Bands], most: int) -> dict[str, list[Listing]]:
        """For each item the listings that are nearest by its bands. Members that ended by themselves make room in the bands."""
        stored: dict[str, Listing] = {}
        while True:
            found = {item_id: nearest((some for _, some in its), most) for item_id, its in bands.items()}
            asked = {other for others in found.values() for other in others} - stored.keys()
            stored |= self._stored(sorted(asked))
            ended = asked - stored.keys()
            if not ended:
                return {item_id: [stored[other] for other in others] for item_id, others in found.items()}
            emptied = {key: sorted(ended.intersection(some)) for its in bands.values() for key, some in its}
            self._connection.write_now(*[("ZREM", key, *some) for key, some in emptied.items() if some])
            bands = {item_id: [(key, [one for one in some if one not in ended]) for key, some in its] for item_id, its in bands.items()}

    def _call(self, place: int, some: Sequence[tuple[Listing, int]]) -> Call:
        keys = [self._connection.keys.band(place, band) for _, band in some]
        members: list[Any] = [part for one, _ in some for part in (one.published_at, one.item_id)]
        return Call(self._alike, keys, (self._kept_ms, MOST_ALIKE, *members))

    def _stored(self, item_ids: Sequence[str]) -> dict[str, Listing]:
        packed = self._connection.read_now(*[("GET", self._connection.keys.listing(item_id)) for item_id in item_ids])
        return {item_id: _decode(listing) for item_id, listing in zip(item_ids, packed, strict=True) if listing is not None}


def _names(members: Sequence[bytes], listing: Listing) -> list[str]:
    """The others of a band."""
    return [name for member in members if (name := member.decode()) != listing.item_id]


def _by_place(listings: Sequence[Listing]) -> Iterator[tuple[int, list[tuple[Listing, int]]]]:
    """For each place of a band the listings that have one there, with the band."""
    for place in range(max((len(one.sketch.bands) for one in listings), default=0)):
        yield place, [(one, one.sketch.bands[place]) for one in listings if place < len(one.sketch.bands)]
