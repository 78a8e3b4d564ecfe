"""Stage record: new records, dead letters and the place in the log, written in one short transaction.

In: assigned items and what is stored of them. Out: the items that were newer; everything else is dropped and counted.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from smallpool_core.errors import StoreError
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.items import DeadLetter, WideItem
from smallpool_core.ports import Atomic, EventLog, LogRecord, WideTable
from smallpool_core.versions import MAX_ENRICH
from smallpool_indexer.stage import Staged

log = logging.getLogger("smallpool.indexer")


class Forgets(Protocol):
    """The statistics, or what passes it on to them without waiting."""

    def forget(self, item_ids: Sequence[str]) -> None:
        """Drops the popularity of items that left."""
        ...


class Recorder:
    """The stores that one batch is written to."""

    def __init__(self, atomic: Atomic, log: EventLog, wide: WideTable, stats: Forgets) -> None:
        self._atomic = atomic
        self._log = log
        self._wide = wide
        self._stats = stats

    def record(
        self, items: Sequence[WideItem], stored: Mapping[str, WideItem], letters: Sequence[DeadLetter], upto: LogRecord
    ) -> Staged[WideItem]:
        """Writes all or nothing; a crash before the end leaves the batch to be taken again, to no further effect."""
        news = [item for item in items if says_more(item, stored.get(item.item_id))]
        with self._atomic.atomic():
            newer = self._wide.append(news)
            kept = self._forget([item.item_id for item in news if item.state != "on_sale"])
            if letters:
                self._log.dead_letter(letters)
            self._log.commit("item-events", INDEXER_GROUP, {upto.partition: upto.offset})
        out = [item for item, is_newer in zip(news, newer, strict=True) if is_newer]
        return Staged(out, counts={"unchanged": len(items) - len(news), "stale": len(news) - len(out), "not_forgotten": kept})

    def _forget(self, removed: Sequence[str]) -> int:
        """How many items that left keep their popularity for now: listings do not wait for a store of statistics that fails."""
        if not removed:
            return 0
        try:
            self._stats.forget(removed)
        except StoreError as error:
            log.warning("%d items that left keep their popularity: %s", len(removed), error)
            return len(removed)
        return 0


def says_more(item: WideItem, stored: WideItem | None) -> bool:
    """Whether a record holds anything but a later count: a re-enrichment that found nothing new is not worth a write."""
    if stored is None or item.version != stored.version:
        return True
    if item.enrich > MAX_ENRICH and item.enrich != stored.enrich:
        return True  # a removal, or that it was stripped: there the count is what the record says
    return replace(item, enrich=stored.enrich, epoch=stored.epoch) != stored
