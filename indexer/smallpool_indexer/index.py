"""Stage index: a tail of `item-wide`, and only that, into what is recalled from.

In: records in the order of their writes. Out: the same, recallable; a dead letter for each that the wide index will never take.
Whoever wrote the records, this or another process, what is recallable follows from them alone; a crash between two steps
repeats them, and both the wide index and the live view ignore what they have.
"""

from collections.abc import Sequence

import msgspec

from smallpool_core.items import DeadLetter, WideItem, WideRecord
from smallpool_core.ports import Clock, EventLog, ItemWriter, LiveView, LogRecord, WideTail
from smallpool_core.row_reader import Rejection
from smallpool_indexer.dead_letters import dead_letter
from smallpool_indexer.settings import IndexerSettings
from smallpool_indexer.stage import Staged, StageObserver, Stages, Unobserved

_encode = msgspec.json.Encoder().encode


class TailIndexer:
    """Feeds the wide index, a live view or both from one tail. Not safe for threads: one owner."""

    def __init__(
        self,
        tail: WideTail,
        *,
        clock: Clock,
        log: EventLog,
        writer: ItemWriter | None = None,
        live_view: LiveView | None = None,
        settings: IndexerSettings | None = None,
        observer: StageObserver | None = None,
    ) -> None:
        self.tail = tail
        self._clock = clock
        self._log = log
        self._writer = writer
        self._live_view = live_view
        self._settings = settings or IndexerSettings()
        self._observer = observer or Unobserved()

    def run_once(self) -> int:
        """Makes the next records recallable; returns how many. Store errors pass through, and the records come again."""
        records = self.tail.poll(self._settings.tail_size)
        if records:
            stages = Stages(self._observer)
            stages.run("index", self._index, records)
            if stages.letters:
                self._log.dead_letter(stages.letters)
            self.tail.passed(records)
        return len(records)

    def drain(self) -> int:
        """Runs until nothing waits; returns how many records there were."""
        total = 0
        while (taken := self.run_once()) or self.tail.is_behind():
            total += taken
        return total

    def _index(self, records: Sequence[WideRecord]) -> Staged[WideItem]:
        items = [record.item for record in records]
        refused = dict(self._writer.index(items).refused) if self._writer is not None else {}
        if self._live_view is not None:
            self._live_view.apply(items)
        letters = [self._letter(record, refused[record.item.item_id]) for record in records if record.item.item_id in refused]
        return Staged(items, letters)

    def _letter(self, record: WideRecord, reason: str) -> DeadLetter:
        now = self._clock.now_ms()
        raw = LogRecord("item-wide", record.partition, record.offset, record.item.item_id, _encode(record.item), now)
        return dead_letter(raw, Rejection("(item)", record.item.item_id, f"the wide index refuses it: {reason}"), now)
