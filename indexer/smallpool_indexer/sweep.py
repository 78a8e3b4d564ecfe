"""The sweeper: turns the passing of time into events and forgets what is past its time.

In: the wide table. Out: `sweep` events of items that expired an hour ago or were removed long ago, for the one writer of
each item to act on; logs without what everyone has read and is a week old.
"""

from smallpool_core.events import INDEXER_GROUP, encode_item_event
from smallpool_core.items import ItemEvent
from smallpool_core.places import Places, has_reached
from smallpool_core.ports import EventLog, WideTable
from smallpool_indexer.settings import IndexerSettings


class Sweeper:
    """Remembers only its last event, so that a slow pipeline is not handed the same work again."""

    def __init__(self, *, log: EventLog, wide: WideTable, settings: IndexerSettings | None = None) -> None:
        self._log = log
        self._wide = wide
        self._settings = settings or IndexerSettings()
        self._awaited: Places = {}

    def sweep(self, now: int) -> int:
        """Appends the events that are due at `now`, a bounded number; returns how many."""
        for topic in ("item-events", "user-events", "seller-events", "served"):
            self._log.prune(topic, now - self._settings.log_keep_s * 1000)
        if not has_reached(self._log.committed("item-events", INDEXER_GROUP), self._awaited):
            return 0
        size = self._settings.sweep_size
        events = [_encoded(ItemEvent("sweep", item_id, 0, now, reason="expired")) for item_id in self._wide.overdue(now, size)]
        removed = self._wide.get(self._wide.strippable(now - self._settings.tombstone_keep_s * 1000, size))
        events += [_encoded(ItemEvent("sweep", item.item_id, item.version, now, reason="strip")) for item in removed.values()]
        if events:
            self._awaited = self._log.append_now("item-events", events, now)
        return len(events)


def _encoded(event: ItemEvent) -> tuple[str, bytes]:
    return event.item_id, encode_item_event(event)
