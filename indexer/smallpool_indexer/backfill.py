"""Backfill: brings the tags of items already stored in line with new and changed pools.

In: pools whose tag is not trusted yet. Out: `retag` events of the items whose tag is wrong, which the pipeline takes
like any other event; when they have passed, the pool is marked as tagged. What is left to do is seen in the stored items
themselves, so a crash loses nothing but the count.
"""

from collections.abc import Callable

from msgspec import Struct

from smallpool_core.catalogue import Catalogue, KnownPool
from smallpool_core.events import INDEXER_GROUP, encode_item_event
from smallpool_core.items import ItemEvent
from smallpool_core.ports import Clock, EventLog, LiveView, PoolStore, WideTable
from smallpool_indexer.assign import Assigner
from smallpool_indexer.settings import IndexerSettings


class Progress(Struct, frozen=True):
    """How far the backfill of one pool is: items re-tagged so far, and whether that was all of them."""

    pool_id: str
    retagged: int
    is_done: bool


class _Job(Struct):
    """One pool being tagged: the last item looked at, the last event appended, where the table ended after the last page."""

    known: KnownPool
    after: str = ""
    awaited_offset: int = -1
    awaited_seq: int | None = None
    retagged: int = 0


class Backfill:
    """Works through the untagged pools in bounded steps, to be taken in turn with the pipeline's batches, in its thread."""

    def __init__(
        self,
        *,
        clock: Clock,
        catalogue: Catalogue,
        assigner: Assigner,
        log: EventLog,
        wide: WideTable,
        live_view: LiveView,
        pools: PoolStore,
        settings: IndexerSettings | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._clock = clock
        self._catalogue = catalogue
        self._assigner = assigner
        self._log = log
        self._wide = wide
        self._live_view = live_view
        self._pools = pools
        self._settings = settings or IndexerSettings()
        self._progress = progress or (lambda _progress: None)
        self._job: _Job | None = None
        self._queue: list[str] = []
        self._asked_epoch = -1

    def step(self) -> bool:
        """Does one bounded piece of work, or waits for the pipeline to pass the last one; returns whether more is left.

        The rule is in force in `assign` before the first item is looked at, so an item written meanwhile needs no second look.
        """
        self._assigner.refresh()
        job = self._job = self._current()
        if job is None:
            return False
        if self._log.committed("item-events", INDEXER_GROUP) < job.awaited_offset:
            return True
        if job.awaited_seq is None:
            self._retag_page(job)
        elif self._live_view.seq() >= job.awaited_seq:
            self._pools.set_tagged(job.known.pool.pool_id, job.known.pool.epoch)
            self._progress(Progress(job.known.pool.pool_id, job.retagged, is_done=True))
            self._job = None
        return True

    def _current(self) -> _Job | None:
        """The job under way, begun anew if its pool has changed; else the next one."""
        if self._job is not None:
            known = self._catalogue.get(self._job.known.pool.pool_id)
            if not known.is_trusted:
                return self._job if known.pool.epoch == self._job.known.pool.epoch else _Job(known)
        if not self._queue and self._catalogue.epoch != self._asked_epoch:
            self._asked_epoch = self._catalogue.epoch
            self._queue = [known.pool.pool_id for known in reversed(self._catalogue.untagged())]
        while self._queue:
            known = self._catalogue.get(self._queue.pop())
            if not known.is_trusted:
                return _Job(known)
        return None

    def _retag_page(self, job: _Job) -> None:
        pool_id, now = job.known.pool.pool_id, self._clock.now_ms()
        ids = self._wide.misplaced(pool_id, self._catalogue.tag_rule(job.known), now, job.after, self._settings.backfill_page)
        if not ids:
            job.awaited_seq = self._wide.end()
            return
        events = [(item_id, encode_item_event(ItemEvent("enrich", item_id, 0, now, reason="retag"))) for item_id in ids]
        job.awaited_offset = self._log.append_now("item-events", events, now)[-1]
        job.after = ids[-1]
        job.retagged += len(ids)
        self._progress(Progress(pool_id, job.retagged, is_done=False))
