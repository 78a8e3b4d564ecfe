"""Stage reposts: understood listings -> the same, each with the earliest listing on sale of the same thing, where there is one.

In: events with what their listings mean. Out: the same events; where a listing says what an earlier one says, its quality says so too.

A listing that leaves is forgotten, and what was marked as a repost of it is understood again: it may be the only one left. That is a
worker's turn, so that taking in listings waits for it no more than for other statistics. With the index away listings are taken in
unmarked, and counted.
"""

import logging
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from msgspec.structs import replace

from smallpool_core.errors import StoreError
from smallpool_core.events import encode_item_event
from smallpool_core.items import ORIGINAL, ItemEvent, Understood, WideItem
from smallpool_core.market_ports import RepostIndex, Understander
from smallpool_core.ports import Clock, EventLog
from smallpool_core.reposts import MOST_ALIKE, Listing, RepostSettings, is_same_thing, originals
from smallpool_indexer.parse import Taken
from smallpool_indexer.stage import Staged

MOST_WAITING: Final = 100_000
AT_ONCE: Final = 64

log = logging.getLogger("smallpool.indexer")


class RepostMarker:
    """One thread marks; the same or another forgets what left."""

    def __init__(
        self, *, index: RepostIndex, log: EventLog, clock: Clock, understander: Understander, settings: RepostSettings | None = None
    ) -> None:
        self._index = index
        self._log = log
        self._clock = clock
        self._understander = understander
        self._settings = settings or RepostSettings()
        self._asks_again_at = 0
        self._left: dict[str, None] = {}

    def mark(self, taken: Sequence[Taken], stored: Mapping[str, WideItem], now: int) -> Staged[Taken]:
        """The events in their order."""
        places = _newest(taken)
        listings = [_listing(taken[place], stored.get(taken[place].event.item_id)) for place in places]
        if not listings or now < self._asks_again_at <= now + self._settings.pause_ms:
            return Staged([*taken], counts={"reposts_unknown": len(listings)})
        try:
            alike = self._index.put(listings, now)
        except StoreError as error:
            self._asks_again_at = now + self._settings.pause_ms
            log.warning("%d listings are taken in without a look for reposts: %s", len(listings), error)
            return Staged([*taken], counts={"reposts_unknown": len(listings)})
        for one in listings:
            self._left.pop(one.item_id, None)  # it is back
        out, marked = [*taken], 0
        for place, listing, others in zip(places, listings, alike, strict=True):
            earlier = originals(listing, others, self._settings)
            if earlier:
                out[place] = replace(taken[place], understood=self._repost(taken[place].understood, earlier))
                marked += 1
        return Staged(out, counts={"repost": marked})

    def left(self, item_ids: Sequence[str]) -> None:
        """Notes listings that left; of more than can wait the oldest stay in the index until they are past their time."""
        self._left.update(dict.fromkeys(item_ids))
        for item_id in list(islice(self._left, max(0, len(self._left) - MOST_WAITING))):
            self._left.pop(item_id, None)

    def forget(self) -> bool:
        """Forgets some of them; whether more wait. Store errors pass through, and the same come again."""
        taken = list(self._left)[:AT_ONCE]
        if taken:
            self._look_again(self._index.forget(taken))
            for item_id in taken:
                self._left.pop(item_id, None)
        return bool(self._left)

    def _look_again(self, gone: Sequence[Listing]) -> None:
        """Has later listings of the same things understood again."""
        now = self._clock.now_ms()
        again: dict[str, ItemEvent] = {}
        for one in gone:
            for other in self._index.alike(one, MOST_ALIKE):
                if one.age < other.age and is_same_thing(one, other, self._settings):
                    again[other.item_id] = ItemEvent("enrich", other.item_id, 0, now, reason="understand")
        if again:
            self._log.append_now("item-events", [(event.item_id, encode_item_event(event)) for event in again.values()], now)

    def _repost(self, understood: Understood | None, earlier: Sequence[str]) -> Understood | None:
        if understood is None:
            return None
        parts = {**understood.quality_parts, ORIGINAL: 0.0}
        quality = self._understander.quality_of(parts)
        return replace(understood, repost_of=earlier[0], reposts=len(earlier), quality=quality, quality_parts=parts)


def _newest(taken: Sequence[Taken]) -> list[int]:
    """Places in the batch of listings that were understood, of each item that of the highest version alone."""
    places: dict[str, int] = {}
    for place, one in enumerate(taken):
        if one.understood is None or one.understood.sketch is None:
            continue
        before = places.get(one.event.item_id)
        if before is None or taken[before].event.version < one.event.version:
            places[one.event.item_id] = place
    return sorted(places.values())


def _listing(taken: Taken, item: WideItem | None) -> Listing:
    """What the index is told; a listing that is only understood again was published when its record says."""
    given, understood = taken.given, taken.understood
    if given is None or understood is None or understood.sketch is None:
        raise ValueError(f"item {taken.event.item_id!r}: the stage understand comes before reposts")
    published_at = given.published_at
    if taken.event.given is None and item is not None:
        published_at = item.published_at
    at = taken.event.at if published_at is None else published_at
    return Listing(taken.event.item_id, given.seller_id, at, understood.sketch)
