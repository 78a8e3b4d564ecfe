"""Backfill: brings the tags of items already stored in line with new and changed pools.

In: pools whose tag is not trusted yet. Out: `retag` events of the items whose tag is wrong, which the pipeline takes
like any other event; when they have passed, the pools are marked as tagged. What is left to do is seen in the stored
items themselves, so a crash loses nothing but the count.

One pool is looked up by its compiled rule, a scan of all items; many pools together by one survey, which holds each
item against the rule index once, whatever their number (figures in docs/design.md, section 9).

Items are taken in also while the store of the pools is away, by the pools that were read last. So when a changed pool becomes known
here, all that is stored is held against it, even where an earlier owner of these partitions has marked the pool as tagged: what this
process recorded since then was assigned by the older rule.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from smallpool_core.catalogue import Catalogue, KnownPool
from smallpool_core.events import INDEXER_GROUP, encode_item_event
from smallpool_core.items import ItemEvent
from smallpool_core.places import Places, has_reached
from smallpool_core.pools import BANNED
from smallpool_core.ports import Clock, EventLog, ItemWriter, PoolStore, WideTable, WideTail
from smallpool_indexer.assign import Assigner
from smallpool_indexer.settings import IndexerSettings

_Key = tuple[str, int]


class Progress(Struct, frozen=True):
    """How far the backfill of some pools is: items re-tagged so far, and whether that was all of them."""

    pool_ids: tuple[str, ...]
    retagged: int
    is_done: bool


class _Job(Struct):
    """Pools being tagged: the last item looked at, the last events appended, where the table ended after the last page."""

    pools: list[KnownPool]
    after: str = ""
    sent: Places = {}
    awaited: Places | None = None
    retagged: int = 0

    @property
    def pool_ids(self) -> tuple[str, ...]:
        return tuple(known.pool.pool_id for known in self.pools)


class _Ripe(NamedTuple):
    """Pools whose stored items all carry their tag up to these places, to be marked so."""

    pools: deque[KnownPool]
    upto: Places
    retagged: int


class Backfill:
    """Works through the untagged pools in bounded steps, to be taken in turn with the pipeline's batches, in its thread.

    Pools that are done are handed over to `mark`, which waits for the wide index and the store of the pools and may have another thread.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        catalogue: Catalogue,
        assigner: Assigner,
        log: EventLog,
        wide: WideTable,
        tail: WideTail,
        writer: ItemWriter,
        pools: PoolStore,
        settings: IndexerSettings | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._clock = clock
        self._catalogue = catalogue
        self._assigner = assigner
        self._log = log
        self._wide = wide
        self._tail = tail
        self._writer = writer
        self._pools = pools
        self._settings = settings or IndexerSettings()
        self._progress = progress or (lambda _progress: None)
        self._job: _Job | None = None
        self._waiting: list[KnownPool] = []
        self._ripe: deque[_Ripe] = deque()
        self._changed: set[_Key] = set()
        self._asked: tuple[int, frozenset[int]] = (-1, frozenset())

    def step(self) -> bool:
        """Does one bounded piece of work, or waits for the pipeline to pass the last one; returns whether more is left.

        The rules are in force in `assign` before the first item is looked at, so an item written meanwhile needs no second look.
        """
        self._assigner.refresh()
        job = self._job = self._current()
        if job is None:
            return bool(self._ripe)
        if not has_reached(self._log.committed("item-events", INDEXER_GROUP), job.sent):
            return True
        if job.awaited is None:
            self._retag_page(job)
        elif has_reached(self._tail.place(), job.awaited):
            self._changed.difference_update(map(_key, job.pools))
            self._ripe.append(_Ripe(deque(job.pools), job.awaited, job.retagged))
            self._job = None
        return True

    def mark(self) -> bool:
        """Marks some of the pools that are done, each of which is a write; returns whether more are left. Asks the wide index first to
        show what the tags are trusted for. Store errors pass through, and the same pools come again.
        """
        if not self._ripe:
            return False
        ripe = self._ripe[0]
        self._writer.refresh()
        marked = [ripe.pools[place] for place in range(min(len(ripe.pools), self._settings.backfill_page))]
        for known in marked:
            self._pools.set_tagged(known.pool.pool_id, known.pool.epoch, ripe.upto)
        self._pools.epoch()  # the other thread finds them tagged before they are no longer here
        for _ in marked:
            ripe.pools.popleft()
        if not ripe.pools:
            self._ripe.popleft()
        self._progress(Progress(tuple(known.pool.pool_id for known in marked), ripe.retagged, is_done=True))
        return bool(self._ripe)

    def _current(self) -> _Job | None:
        """The job under way, without pools that have changed since it began; else the next one."""
        self._ask(frozenset(self._wide.end()))
        if self._job is not None:
            self._job.pools = [known for known in self._job.pools if self._is_due(known)]
            if self._job.pools:
                return self._job
        self._waiting = [known for known in self._waiting if self._is_due(known)]
        if not self._waiting:
            return None
        taken = len(self._waiting) if len(self._waiting) >= self._settings.survey_from else 1
        pools, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return _Job(pools)

    def _ask(self, owned: frozenset[int]) -> None:
        """Takes up pools that became untagged, or changed, since the last time; begins anew where other partitions are owned than then."""
        if (self._catalogue.epoch, owned) == self._asked:
            return
        (before, held), self._asked = self._asked, (self._catalogue.epoch, owned)
        pools = [pool for pool in self._catalogue.all() if pool.refused is None]
        if before >= 0:  # before the first time nothing was recorded here
            self._changed |= {_key(pool) for pool in pools if pool.pool.epoch > before}
        self._changed &= set(map(_key, pools))
        if owned == held:
            ripe = [pool for ripe in self._ripe.copy() for pool in ripe.pools.copy()]
            known = set(map(_key, [*self._waiting, *(self._job.pools if self._job else ()), *ripe]))
        else:
            self._waiting, self._job, known = [], None, set()
        self._waiting += [pool for pool in pools if self._is_due(pool) and _key(pool) not in known]
        self._waiting.sort(key=_turn)

    def _is_due(self, known: KnownPool) -> bool:
        now = self._catalogue.get(known.pool.pool_id)
        return now.pool.epoch == known.pool.epoch and (_key(known) in self._changed or not now.is_tagged(self._asked[1]))

    def _retag_page(self, job: _Job) -> None:
        now = self._clock.now_ms()
        wrong, job.after = self._looked_up(job, now) if len(job.pools) == 1 else self._surveyed(job)
        if wrong:
            events = [(item_id, encode_item_event(ItemEvent("enrich", item_id, 0, now, reason="retag"))) for item_id in wrong]
            job.sent = self._log.append_now("item-events", events, now)
            job.retagged += len(wrong)
            self._progress(Progress(job.pool_ids, job.retagged, is_done=False))
        if not job.after:
            job.awaited = self._wide.end()

    def _looked_up(self, job: _Job, now: int) -> tuple[list[str], str]:
        """Ids whose tag of the one pool is wrong, and where the next page goes on ("" after the last)."""
        known = job.pools[0]
        rule = self._catalogue.tag_rule(known)
        wrong = self._wide.misplaced(known.pool.pool_id, rule, now, job.after, self._settings.backfill_page)
        return wrong, wrong[-1] if wrong else ""

    def _surveyed(self, job: _Job) -> tuple[list[str], str]:
        """The same for all pools at once: a page of items as they are stored, held against what assign makes of them now."""
        items = self._wide.listed(job.after, self._settings.survey_page)
        assigned = self._assigner.assign(items).out
        wrong = [
            item.item_id for item, now in zip(items, assigned, strict=True) if (item.pools, item.intervals) != (now.pools, now.intervals)
        ]
        return wrong, items[-1].item_id if items else ""


def _turn(known: KnownPool) -> tuple[bool, int]:
    """When a pool has its turn: what is banned first, since pages look it up item by item until then; then by priority."""
    return known.pool.pool_id != BANNED, known.pool.priority


def _key(known: KnownPool) -> _Key:
    """One revision of one pool."""
    return known.pool.pool_id, known.pool.epoch
