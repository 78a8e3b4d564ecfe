"""The write path: event -> understood -> pooled -> recorded -> indexed, a batch at a time.

In: the log `item-events`. Out: the wide table and, from its tail alone, the wide index and the live view. One thread
runs it; no other writes the wide table's records of the items that come this way.
"""

from functools import partial

from smallpool_core.events import INDEXER_GROUP
from smallpool_core.ports import Clock, EventLog, LogRecord, Understander, WideTable
from smallpool_indexer.assign import Assigner
from smallpool_indexer.index import Indexes
from smallpool_indexer.order import order
from smallpool_indexer.parse import parse
from smallpool_indexer.record import Recorder
from smallpool_indexer.settings import IndexerSettings
from smallpool_indexer.stage import StageObserver, Stages, Unobserved
from smallpool_indexer.understand import understand


class Indexer:
    """The consumer of item events. Not safe for threads: one owner."""

    def __init__(
        self,
        *,
        clock: Clock,
        log: EventLog,
        wide: WideTable,
        understander: Understander,
        assigner: Assigner,
        recorder: Recorder,
        indexes: Indexes,
        settings: IndexerSettings | None = None,
        observer: StageObserver | None = None,
    ) -> None:
        self._clock = clock
        self._log = log
        self._wide = wide
        self._understander = understander
        self._assigner = assigner
        self._recorder = recorder
        self._indexes = indexes
        self._settings = settings or IndexerSettings()
        self._observer = observer or Unobserved()

    def run_once(self) -> int:
        """Takes one batch, makes it durable, then recallable; returns how many records it took. Store errors pass through."""
        records = self._log.poll("item-events", INDEXER_GROUP, self._settings.batch_size)
        if records:
            self._take_in(records)
        self._index()
        return len(records)

    def drain(self) -> int:
        """Runs until no event waits and everything recorded is recallable; returns how many records that took."""
        total = 0
        while (taken := self.run_once()) or self._indexes.is_behind(self._wide):
            total += taken
        return total

    def _take_in(self, records: list[LogRecord]) -> None:
        now = self._clock.now_ms()
        stages = Stages(self._observer)
        self._assigner.refresh()
        parsed = stages.run("parse", partial(parse, now=now), records)
        stored = self._wide.get({taken.event.item_id for taken in parsed})
        understood = stages.run("understand", partial(understand, stored=stored, understander=self._understander, now=now), parsed)
        ordered = stages.run("order", partial(order, stored=stored, now=now), understood)
        assigned = stages.run("assign", self._assigner.assign, ordered)
        stages.run("record", partial(self._recorder.record, stored=stored, letters=stages.letters, upto=records[-1]), assigned)

    def _index(self) -> None:
        tail = self._wide.tail(self._indexes.live_view.seq(), self._settings.tail_size)
        if tail:
            Stages(self._observer).run("index", self._indexes.index, tail)
