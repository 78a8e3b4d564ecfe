"""Stage reposts: understood listings -> the same, each with the earliest listing on sale of the same thing, where there is one.

In: events with what their listings mean. Out: the same events; where a listing says what an earlier one says, its quality says so too.

A listing that leaves is forgotten, and what was marked as a repost of it is understood again: it may be the only one left. So is what a
new listing turns out to be earlier than: owners of other partitions may have taken in a repost before its original. Both are a worker's
turn, so that taking in listings waits for it no more than for other statistics. With the index away listings are taken in unmarked, and
counted.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
APART_MS: Final = 60_000
"""So far may owners of two partitions be apart. Who dates a listing further back does not by that make others a repost of it: these are
held against it when they are next understood.
"""

log = logging.getLogger("smallpool.indexer")


class RepostMarker:
    """One thread marks; the same or another takes the turns of `catch_up`."""

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
        self._overtaken: dict[str, None] = {}

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
        together = {one.item_id for one in listings}
        out, marked = [*taken], 0
        for place, listing, others in zip(places, listings, alike, strict=True):
            if listing.item_id not in stored:  # by one that was there already they were marked when they came
                self._overtaken.update(self._overtaken_by(listing, [other for other in others if other.item_id not in together]))
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

    def catch_up(self) -> bool:
        """Forgets some of what left, and has those understood again that this or a new listing says something of; whether more wait.
        Store errors pass through, and the same come again.
        """
        overtaken, left = list(self._overtaken)[:AT_ONCE], list(self._left)[:AT_ONCE]
        again = dict.fromkeys(overtaken)
        if left:
            for gone in self._index.forget(left):
                again.update((other.item_id, None) for other in _later_ones(gone, self._index.alike(gone, MOST_ALIKE), self._settings))
        self._look_again(again)
        for waiting, done in ((self._overtaken, overtaken), (self._left, left)):
            for item_id in done:
                waiting.pop(item_id, None)
        return bool(self._left or self._overtaken)

    def _overtaken_by(self, listing: Listing, others: Sequence[Listing]) -> dict[str, None]:
        """What was taken in before an original of about the same time."""
        later = _later_ones(listing, [other for other in others if other.published_at - listing.published_at <= APART_MS], self._settings)
        return {other.item_id: None for other in later}

    def _look_again(self, item_ids: Collection[str]) -> None:
        """Has listings understood again."""
        now = self._clock.now_ms()
        events = [ItemEvent("enrich", item_id, 0, now, reason="understand") for item_id in item_ids]
        if events:
            self._log.append_now("item-events", [(event.item_id, encode_item_event(event)) for event in events], now)

    def _repost(self, understood: Understood | None, earlier: Sequence[str]) -> Understood | None:
        if understood is None:
            return None
        parts = {**understood.quality_parts, ORIGINAL: 0.0}
        quality = self._understander.quality_of(parts)
        return replace(understood, repost_of=earlier[0], reposts=len(earlier), quality=quality, quality_parts=parts)


def _later_ones(listing: Listing, others: Iterable[Listing], settings: RepostSettings) -> Iterator[Listing]:
    """Those of the others that repeat it."""
    return (other for other in others if listing.age < other.age and is_same_thing(listing, other, settings))


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
