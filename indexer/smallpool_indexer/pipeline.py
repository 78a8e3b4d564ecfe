"""The write path up to its record: event -> understood -> pooled -> recorded, a batch at a time.

In: the log `item-events`. Out: the wide table, from whose tail alone `index` makes things recallable. One thread runs it;
no other writes the wide table's records of the items that come this way. A sale is recorded while the store of the pools is away:
the pools that were read last serve, and a process that never read them takes in nothing.
"""

from collections.abc import Collection, Mapping
from functools import partial

from smallpool_core.events import INDEXER_GROUP
from smallpool_core.items import WideItem
from smallpool_core.market_ports import Understander
from smallpool_core.pool_counts import PoolCounter
from smallpool_core.ports import Clock, EventLog, LogRecord, WideTable
from smallpool_indexer.assign import Assigner
from smallpool_indexer.order import order
from smallpool_indexer.parse import parse
from smallpool_indexer.record import Recorder
from smallpool_indexer.reposts import RepostMarker
from smallpool_indexer.sellers import SellerScorer
from smallpool_indexer.stage import StageObserver, Stages, Unobserved
from smallpool_indexer.understand import understand


class Indexer:
    """The consumer of item events, at most `batch_size` at a time. Not safe for threads: one owner."""

    def __init__(
        self,
        *,
        clock: Clock,
        log: EventLog,
        wide: WideTable,
        understander: Understander,
        reposts: RepostMarker,
        sellers: SellerScorer,
        assigner: Assigner,
        recorder: Recorder,
        batch_size: int,
        observer: StageObserver | None = None,
        counter: PoolCounter | None = None,
    ) -> None:
        self._clock = clock
        self._log = log
        self._wide = wide
        self._understander = understander
        self._reposts = reposts
        self._sellers = sellers
        self._assigner = assigner
        self._recorder = recorder
        self.batch_size = batch_size
        self._observer = observer or Unobserved()
        self._counter = counter or PoolCounter()

    def run_once(self) -> int:
        """Takes one batch and makes it durable; returns how many records it took. Store errors pass through."""
        records = self._log.poll("item-events", INDEXER_GROUP, self.batch_size)
        if records:
            self._take_in(records)
        return len(records)

    def drain(self) -> int:
        """Runs until no event waits; returns how many records that took."""
        total = 0
        while taken := self.run_once():
            total += taken
        return total

    def _take_in(self, records: list[LogRecord]) -> None:
        now = self._clock.now_ms()
        stages = Stages(self._observer)
        self._assigner.refresh_if_possible()
        parsed = stages.run("parse", partial(parse, now=now), records)
        stored = self._wide.get({taken.event.item_id for taken in parsed})
        understood = stages.run("understand", partial(understand, stored=stored, understander=self._understander, now=now), parsed)
        marked = stages.run("reposts", partial(self._reposts.mark, stored=stored, now=now), understood)
        judged = stages.run("sellers", partial(self._sellers.judge, stored=stored, now=now), marked)
        ordered = stages.run("order", partial(order, stored=stored, now=now), judged)
        assigned = stages.run("assign", self._assigner.assign, ordered)
        record = partial(self._recorder.record, stored=stored, letters=stages.letters, upto=records[-1])
        recorded = stages.run("record", record, assigned)
        self._reposts.left([item.item_id for item in recorded if item.state != "on_sale"])
        self._count(recorded, stored, now)

    def _count(self, recorded: Collection[WideItem], stored: Mapping[str, WideItem], now: int) -> None:
        """Inflow: only what sellers did, since a pool that is tagged anew has got no listing by it."""
        for item in recorded:
            before = stored.get(item.item_id)
            if item.state == "on_sale" and (before is None or before.version < item.version):
                was_in = before.pools if before is not None else ()
                self._counter.listed([pool_id for pool_id in item.pools if pool_id not in was_in], now)
