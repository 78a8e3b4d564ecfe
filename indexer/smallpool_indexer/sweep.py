"""The sweeper: turns the passing of time and what people do into events, and forgets what is past its time.

In: the wide table, the popularity of items. Out: `sweep` events of items that expired an hour ago or were removed long ago and
`enrich` events of items whose popularity moved, for the one writer of each item to act on; logs without what everyone has read
and is a week old.
"""

import logging
from collections.abc import Iterator

from smallpool_core.errors import StoreError
from smallpool_core.events import INDEXER_GROUP, encode_item_event
from smallpool_core.items import ItemEvent
from smallpool_core.places import Places, has_reached
from smallpool_core.ports import EventLog, ItemStats, WideTable
from smallpool_core.versions import MAX_ENRICH
from smallpool_indexer.settings import IndexerSettings
from smallpool_indexer.terms import popularity_of

MOVED = 100
"""By so much (in thousandths) must an item's popularity differ from the one in its static score to be worth a record: 8 of 511."""

log = logging.getLogger("smallpool.indexer")


class Sweeper:
    """Remembers its last event, so that a slow pipeline is not handed the same work again, and how far it is in the ranking."""

    def __init__(self, *, log: EventLog, wide: WideTable, stats: ItemStats, settings: IndexerSettings | None = None) -> None:
        self._log = log
        self._wide = wide
        self._stats = stats
        self._settings = settings or IndexerSettings()
        self._awaited: Places = {}
        self._ranked = 0

    def sweep(self, now: int) -> int:
        """Appends the events that are due at `now`, a bounded number; returns how many."""
        for topic in ("item-events", "user-events", "served"):
            self._log.prune(topic, now - self._settings.log_keep_s * 1000)
        if not has_reached(self._log.committed("item-events", INDEXER_GROUP), self._awaited):
            return 0
        events = [(event.item_id, encode_item_event(event)) for event in (*self._timed(now), *self._moved(now))]
        if events:
            self._awaited = self._log.append_now("item-events", events, now)
        return len(events)

    def _timed(self, now: int) -> Iterator[ItemEvent]:
        size = self._settings.sweep_size
        for item_id in self._wide.overdue(now, size):
            yield ItemEvent("sweep", item_id, 0, now, reason="expired")
        removed = self._wide.get(self._wide.strippable(now - self._settings.tombstone_keep_s * 1000, size))
        for item in removed.values():
            yield ItemEvent("sweep", item.item_id, item.version, now, reason="strip")

    def _moved(self, now: int) -> Iterator[ItemEvent]:
        """Of the next places in the ranking, items whose popularity is not what their score says; after the last one it begins anew.

        What is due by time does not wait for a store of statistics that fails.
        """
        size = self._settings.rescore_size
        try:
            ranked = self._stats.ranked(self._ranked, size, now)
        except StoreError as error:
            log.warning("static scores keep the popularity that they have: %s", error)
            return
        self._ranked = self._ranked + size if len(ranked) == size else 0
        items = self._wide.get([item_id for item_id, _ in ranked])
        for item_id, weight in ranked:
            item, popularity = items.get(item_id), popularity_of(weight)
            if item is None or item.state != "on_sale" or item.enrich >= MAX_ENRICH:
                continue
            if abs(popularity - item.popularity) >= MOVED:
                yield ItemEvent("enrich", item_id, item.version, now, reason="rescore", popularity=popularity)
