"""Relates items: all of it anew once a day, and what is new every hour, while what serves goes on serving.

In: the log `user-events`, or files of events. Out: a generation of lists of related items, or lists of the one that serves with more in
them. Both count the same pairs; what the hour cannot see (pairs further apart than it looks back, entries that a full list has dropped,
the counts of items that nobody touched since) the day puts right.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from glob import glob
from itertools import islice
from typing import Final

from msgspec.structs import replace

from smallpool_core.errors import Problem, Refused, StoreUnavailable
from smallpool_core.events import parse_user_event
from smallpool_core.items import WideItem
from smallpool_core.ports import Clock, EventLog, ItemLookup, LogRecord
from smallpool_core.relation_ports import CoVisits, Relations
from smallpool_core.relations import RELATED_TERM_KINDS, Additions, Generation, Key, RelationList, RelationSettings, added
from smallpool_core.terms import kind_of
from smallpool_core.users import UserEvent

READ: Final = 64_000
"""Records that one question to the log asks for."""
WHOLE_SHARE: Final = 1_000
"""Fewer than these of each partition, and none was cut off by its share of what was asked for, be there up to 64 partitions."""
FIRST_STRETCH_MS: Final = 3_600_000
LONGEST_STRETCH_MS: Final = 86_400_000
WRITTEN: Final = 500
"""Lists that are written in one step, beside which others write."""
SETTLED_MS: Final = 5_000
"""What was appended this long ago is on the log for every reader, whichever clock appended it."""
LOOK_EVERY_MS: Final = 30_000
RETRY_MS: Final = 600_000
"""How long what failed rests: it may have taken minutes."""
MERGED_MS: Final = 7_200_000
"""What one merge takes of the log, at most: what it adds is held in memory."""
TURN_MS: Final = 3_600_000
"""A turn whose owner died is over after this; one who goes on keeps it."""
KEPT_EVERY_MS: Final = 300_000

Progress = Callable[[str, int, int], None]
"""Told what goes on, how much of it is done, and of how much, 0 where that is not known."""


class NothingToRelate(Refused):
    """The log holds no event that relates items."""


def untold(_what: str, _done: int, _total: int) -> None:
    """For those who do not look."""


class Relater:
    """The one writer of relations at a time; a process that has the turn computes, the others' turns come and go. Not safe for threads."""

    def __init__(
        self,
        *,
        clock: Clock,
        log: EventLog,
        items: ItemLookup,
        relations: Relations,
        counting: Callable[[], AbstractContextManager[CoVisits]],
        settings: RelationSettings,
        pools: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._clock = clock
        self._log = log
        self._items = items
        self._relations = relations
        self._counting = counting
        self._settings = settings
        self._pools = pools
        self._looks_at = 0
        self._is_behind = False
        self._held: str | None = None
        self._kept_at = 0

    def is_awake(self) -> bool:
        """Whether it is time to look what is due; asks nobody."""
        return not 0 < self._looks_at - self._clock.now_ms() <= RETRY_MS

    def step(self) -> bool:
        """Does what is due, unless another process is at it; never more to do at once. Errors pass through: it is tried again ten minutes
        later, as is a log without events, which is no error.
        """
        now = self._clock.now_ms()
        if not self.is_awake():
            return False
        self._looks_at = now + LOOK_EVERY_MS
        serving = self._relations.current()
        due = self._rebuild_is_due(serving, now), self._refresh_is_due(serving, now)
        if any(due):
            with self._turn() as is_ours:
                if is_ours:
                    self._looks_at = now + RETRY_MS
                    self._do(*due)
        return False

    def rebuild(self, files: Sequence[str] = (), progress: Progress = untold, upto: int | None = None) -> tuple[Generation, int]:
        """Everything anew, from these files or from the log; returns what serves then, and how many rows of the files were no events.
        Of the log it reads what was appended before `upto` (ms), by default some seconds ago, when nobody appends any more.

        Raises `Refused` for files that are not there or cannot be read, and where there are no events: what serves then goes on serving.
        Raises `StoreUnavailable` where another process is at it.
        """
        with self._turn() as is_ours:
            _check(is_ours=is_ours)
            return self._rebuilt(files, progress, upto)

    def refresh(self, progress: Progress = untold) -> Generation | None:
        """Adds what is new on the log to the generation that serves, some hours of it at a time; returns it as it is then. None where
        there is none yet. Raises `StoreUnavailable` where another process is at it.
        """
        with self._turn() as is_ours:
            _check(is_ours=is_ours)
            upto = self._clock.now_ms() - SETTLED_MS
            merged = self._refreshed(progress)
            while merged is not None and merged.merged_upto < upto:
                merged = self._refreshed(progress)
            return merged

    def _do(self, rebuild: bool, refresh: bool) -> None:  # noqa: FBT001, both at once
        # The hours first: a day that cannot be computed keeps no hour from being added.
        if refresh:
            self._refreshed(untold)
        try:
            if rebuild:
                self._rebuilt(self._settings.event_files.split(",") if self._settings.event_files else (), untold)
        except NothingToRelate:
            return
        self._looks_at = self._clock.now_ms() + LOOK_EVERY_MS

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """Takes the turn, unless somebody has it, and says whether; it is given back after."""
        self._kept_at = self._clock.now_ms()
        self._held = self._relations.take_turn(self._kept_at, TURN_MS)
        try:
            yield self._held is not None
        finally:
            if self._held is not None:
                self._relations.end_turn(self._held)

    def _keep(self, *, surely: bool = False) -> None:
        """Keeps the turn, if it was not kept just now. Raises `StoreUnavailable` where it was lost: another process may write by now what
        this one would write over.
        """
        now = self._clock.now_ms()
        if not surely and 0 <= now - self._kept_at < KEPT_EVERY_MS:
            return
        self._held = None if self._held is None else self._relations.keep_turn(self._held, now, TURN_MS)
        if self._held is None:
            raise StoreUnavailable("could not go on relating items: it took so long that another process may be at it; what serves goes on")
        self._kept_at = now

    def _rebuilt(self, files: Sequence[str], progress: Progress, upto: int | None = None) -> tuple[Generation, int]:
        now = self._clock.now_ms()
        read_upto = now - SETTLED_MS if upto is None else upto
        with self._counting() as counting:
            if files:
                taken, skipped = counting.read(_found(files))
            else:
                events = self._events(read_upto - self._settings.log_s * 1000, read_upto)
                taken, skipped = counting.take(_told(events, progress)), 0
            if not taken:
                raise (Refused if files else NothingToRelate)(
                    [Problem("events", f"none, and {skipped} rows that are no events", "views, clicks, purchases of items are wanted")]
                )
            self._tell_items(counting, progress)
            covers = min(counting.last_at(), now)
            # What the log has and files do not is added by the next refresh, to lists that are as of where they end.
            merged_upto = min(covers, read_upto) if files else read_upto
            number = self._relations.begin(now, "files" if files else "log")
            written = self._fill(number, counting.lists(merged_upto), progress)
        if files:
            made = Generation(number, now, covers, merged_upto, source="files", events=taken, lists=written)
        else:
            made = Generation(number, now, 0, merged_upto, events=taken, lists=written)
        self._keep(surely=True)
        self._relations.switch(made)
        return made, skipped

    def _refreshed(self, progress: Progress) -> Generation | None:
        """One merge."""
        serving, now = self._relations.current(), self._clock.now_ms()
        if serving is None:
            return None
        merging = _next_merge(serving, now, self._settings.log_s * 1000)
        self._is_behind = merging.merging_upto < now - SETTLED_MS
        since, upto = merging.merged_upto, merging.merging_upto
        if upto <= since:
            return serving
        if merging != serving:
            # Noted before any list is written: lists that were, when this is broken off, are known by this time alone.
            self._relations.merge({}, merging)
        with self._counting() as counting:
            counting.take(self._events(since - self._settings.context_s * 1000, since), fresh=False)
            new = (event for event in self._events(since, upto) if event.at > serving.covers)
            taken = counting.take(_told(new, progress))
            gone = self._tell_items(counting, progress) if taken else set()
            additions = counting.additions(upto) if taken else Additions(upto)
        self._merge(additions, gone, merging, progress)
        merged = replace(merging, merged_upto=upto, merging_upto=0, events=serving.events + taken)
        self._keep(surely=True)
        self._relations.merge({}, merged)
        return merged

    def _rebuild_is_due(self, serving: Generation | None, now: int) -> bool:
        every_ms = self._settings.rebuild_every_s * 1000
        if not every_ms:
            return False
        if serving is None:
            return bool(self._settings.event_files or self._log.end("user-events"))
        if serving.source == "files" and not self._settings.event_files:
            return False
        return not 0 <= now - serving.computed_at < every_ms

    def _refresh_is_due(self, serving: Generation | None, now: int) -> bool:
        every_ms = self._settings.refresh_every_s * 1000
        return bool(every_ms) and serving is not None and (self._is_behind or not 0 <= now - serving.merged_upto < every_ms)

    def _tell_items(self, counting: CoVisits, progress: Progress) -> set[str]:
        """Tells what is known of all items that were touched; returns those that left."""
        pools, gone, done = frozenset(self._pools()), set[str](), 0
        for item_ids in counting.items():
            known = self._items.get(item_ids)
            gone |= {item_id for item_id, item in known.items() if item.state != "on_sale"}
            counting.know([_known(item, pools) for item in known.values()])
            done += len(item_ids)
            self._keep()
            progress("looking items up", done, 0)
        return gone

    def _fill(self, number: int, lists: Iterator[tuple[Key, RelationList]], progress: Progress) -> int:
        written = 0
        while some := dict(islice(lists, WRITTEN)):
            self._keep()
            self._relations.fill(number, some)
            written += len(some)
            progress("writing lists", written, 0)
        return written

    def _merge(self, additions: Additions, gone: set[str], merging: Generation, progress: Progress) -> None:
        keys = list({*additions.pairs, *(Key(kind, item_id) for kind, counted in additions.counts.items() for item_id in counted)})
        for start in range(0, len(keys), WRITTEN):
            some = keys[start : start + WRITTEN]
            self._keep()
            stored = self._relations.load({*some, *_ends(some, additions)})
            self._relations.merge({key: added(key, stored, additions, gone, self._settings) for key in some}, merging)
            progress("adding to lists", start + len(some), len(keys))

    def _events(self, since: int, until: int) -> Iterator[UserEvent]:
        for record in _records(self._log, since, until):
            self._keep()
            event = parse_user_event(record.value, record.at)
            if isinstance(event, UserEvent):
                yield event


def _check(*, is_ours: bool) -> None:
    if not is_ours:
        raise StoreUnavailable("could not relate items: another process is at it; look again with `smallpool relations status`")


def _next_merge(serving: Generation, now: int, log_ms: int) -> Generation:
    """The generation with what is to be merged next, from `merged_upto` until before `merging_upto`; it begins where the log does, if that
    is later than what was merged. What was broken off is done again to the letter: lists that have it already know by its time.
    """
    if serving.merging_upto > serving.merged_upto:
        return serving
    upto = now - SETTLED_MS
    since = max(serving.merged_upto, upto - log_ms)
    return replace(serving, merged_upto=since, merging_upto=min(upto, since + MERGED_MS))


def _records(log: EventLog, since: int, until: int) -> Iterator[LogRecord]:
    """What was appended from `since` until before `until`, in stretches short enough that none is cut off."""
    stretch = FIRST_STRETCH_MS
    while since < until:
        end = min(until, since + stretch)
        records = asyncio.run(log.between("user-events", since, end, READ))
        by_partition: dict[int, int] = {}
        for record in records:
            by_partition[record.partition] = by_partition.get(record.partition, 0) + 1
        if max(by_partition.values(), default=0) >= WHOLE_SHARE and end - since > 1:
            stretch = max(1, (end - since) // 4)
            continue
        yield from records
        since, stretch = end, min(LONGEST_STRETCH_MS, 2 * stretch)


def _told(events: Iterator[UserEvent], progress: Progress) -> Iterator[UserEvent]:
    for done, event in enumerate(events, start=1):
        yield event
        if done % WRITTEN == 0:
            progress("reading the log", done, 0)


def _found(files: Sequence[str]) -> list[str]:
    found = [name for pattern in files for name in sorted(glob(pattern.strip()))]  # noqa: PTH207, a pattern may be absolute
    if not found:
        raise Refused([Problem("event files", ", ".join(files), "no such file; name JSONL or Parquet files of user events")])
    return found


def _known(item: WideItem, pools: frozenset[str]) -> tuple[str, bool, Sequence[str], Sequence[str]]:
    terms = [term for term in item.terms if kind_of(term) in RELATED_TERM_KINDS]
    return item.item_id, item.state != "on_sale", terms, [pool_id for pool_id in item.pools if pool_id in pools]


def _ends(keys: Iterable[Key], additions: Additions) -> set[Key]:
    """The site's own lists of both ends of every pair that is added to these, by which their counts are known."""
    ends = set[Key]()
    for key in keys:
        if key.kind != "term":
            ends.add(Key(key.kind, key.key))
            ends |= {Key(key.kind, other) for other in additions.pairs.get(key, ())}
    return ends
