"""Brings what people do into the static score: items whose popularity moved are scored again by their one writer.

In: the ranking of popular items, a page a minute, read where behaviour is taken in. Out: `enrich rescore` events, sent where listings
are, which therefore wait for no store of statistics.
"""

from smallpool_core.events import INDEXER_GROUP, encode_item_event
from smallpool_core.items import ItemEvent
from smallpool_core.places import Places, has_reached
from smallpool_core.ports import EventLog, ItemStats, WideTable
from smallpool_core.versions import MAX_ENRICH
from smallpool_indexer.settings import IndexerSettings
from smallpool_indexer.terms import popularity_of

READ_EVERY_MS = 60_000
MOVED = 100
"""By so much (in thousandths) must an item's popularity differ from the one in its static score to be worth a record: 8 of 511."""


class Rescorer:
    """One thread reads, another sends; a page lies between them. After the last page of the ranking comes the first again."""

    def __init__(self, *, log: EventLog, wide: WideTable, stats: ItemStats, settings: IndexerSettings | None = None) -> None:
        self._log = log
        self._wide = wide
        self._stats = stats
        self._size = (settings or IndexerSettings()).rescore_size
        self._page: list[tuple[str, float]] | None = None
        self._next = 0
        self._read_at: int | None = None
        self._awaited: Places = {}

    def read(self, now: int) -> bool:
        """Takes the next page where one is due and the last was sent; whether it did. Store errors pass through."""
        is_early = self._read_at is not None and 0 <= now - self._read_at < READ_EVERY_MS
        if is_early or self._page is not None:
            return False
        self._read_at = now
        page = self._stats.ranked(self._next, self._size, now)
        self._next = self._next + self._size if len(page) == self._size else 0
        self._page = page or None
        return bool(page)

    def send(self, now: int) -> bool:
        """Appends an event for each item of the page whose score has another popularity; whether there was one.

        The events that were sent before are taken in first, so that a slow pipeline is not handed the same work again.
        """
        page = self._page
        if page is None or not has_reached(self._log.committed("item-events", INDEXER_GROUP), self._awaited):
            return False
        events = self._moved(page, now)
        if events:
            self._awaited = self._log.append_now("item-events", [(event.item_id, encode_item_event(event)) for event in events], now)
        self._page = None
        return bool(events)

    def _moved(self, page: list[tuple[str, float]], now: int) -> list[ItemEvent]:
        items = self._wide.get([item_id for item_id, _ in page])
        popularity = {item_id: popularity_of(weight) for item_id, weight in page if item_id in items}
        return [
            ItemEvent("enrich", item_id, items[item_id].version, now, reason="rescore", popularity=moved)
            for item_id, moved in popularity.items()
            if items[item_id].state == "on_sale" and items[item_id].enrich < MAX_ENRICH and abs(moved - items[item_id].popularity) >= MOVED
        ]
