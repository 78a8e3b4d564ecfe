"""The ports: everything that a pipeline asks of the world, on one page, with what each promises.

Ports that the service calls are async (an embedded adapter computes inline); ports of the write path are sync.
Adapters raise `StoreUnavailable` or `StoreFull` for a store that fails, never a vendor's exception. Each port
says whether its caller fails open (goes on, says so in `degraded`) or closed (refuses). What is asked of other listings and of sellers
stands in `market_ports.py`, what sources of candidates ask besides the wide index in `source_ports.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from msgspec import Struct

from smallpool_core.access import ApiKey
from smallpool_core.alerts import Alert
from smallpool_core.cuts import Cut, CutBy
from smallpool_core.items import DeadLetter, Indexed, WideItem, WideRecord
from smallpool_core.pages import Answer, Claimed, ClaimRequest, LiveItem, Opening, Query
from smallpool_core.places import Places
from smallpool_core.pool_hours import Counted, HourCount
from smallpool_core.pools import AuditQuery, PoolChange, PoolDraft, Revision
from smallpool_core.rule_counts import Breakdown, Exclusion
from smallpool_core.rules import Rule
from smallpool_core.statistics import Responses, StatDelta
from smallpool_core.terms import Trigger
from smallpool_core.users import Profile, TriggerState, UserEvent

Topic = Literal["item-events", "user-events", "seller-events", "served", "dead-letters"]


class LogRecord(Struct, frozen=True):
    """One record of the log. Offsets rise within (topic, partition); embedded there is the one partition 0."""

    topic: Topic | Literal["item-wide"]
    partition: int
    offset: int
    key: str
    value: bytes
    at: int


class Clock(Protocol):
    """Time, injected everywhere so that no test sleeps."""

    def now_ms(self) -> int:
        """UTC epoch milliseconds."""
        ...


class Atomic(Protocol):
    """Joins the writes of adapters that share a store into one transaction; nothing more where they do not.
    Every write inside is idempotent by itself, so a caller is right with either.
    """

    def atomic(self) -> AbstractContextManager[None]:
        """All writes inside the block happen, or none; reentrant use joins the outer block."""
        ...


class EventLog(Protocol):
    """At least once, in order per key. The caller of `append` fails closed: no acknowledgement without a durable write.
    `item-wide` is not read or written here: that is the wide table's.
    """

    async def append(self, topic: Topic, records: Sequence[tuple[str, bytes]], at: int) -> Places:
        """Appends (key, value) pairs durably, those of one key in this order; returns the newest offset by partition."""

    def append_now(self, topic: Topic, records: Sequence[tuple[str, bytes]], at: int) -> Places:
        """The same for the write path; inside `Atomic.atomic` it joins the block."""

    def poll(self, topic: Topic, group: str, limit: int) -> list[LogRecord]:
        """The next records that the group has not passed, of one partition, oldest first; partitions take turns. Does not block."""

    async def recent(self, topic: Topic, limit: int) -> list[LogRecord]:
        """The newest records, those of one partition newest first; moves no group. A partition gives no more than its share."""

    async def between(self, topic: Topic, since: int, until: int, limit: int, after: Places | None = None) -> list[LogRecord]:
        """The first records that were appended from `since` until before `until` (ms), oldest first; moves no group. A partition gives
        no more than its share. Those up to the places `after` are left out, so that who goes on from where a call ended misses none.
        """

    def commit(self, topic: Topic, group: str, upto: Places) -> None:
        """Moves the group past these places; never backwards. Inside `Atomic.atomic` it joins the block."""

    def committed(self, topic: Topic, group: str) -> Places:
        """How far the group has come."""

    def end(self, topic: Topic) -> Places:
        """The newest offset of each partition that has records."""

    async def has_passed(self, topic: Topic, group: str, places: Places) -> bool:
        """Whether the group has come as far as these places; cheap enough to ask every few milliseconds."""

    def lag(self, topic: Topic, group: str) -> int | None:
        """Records that the group has not passed, as of at most some seconds ago; never blocks. None while that is not known: before
        the log was first asked, and while it does not answer. Who can wait asks for `end` and `committed`.
        """

    def dead_letter(self, letters: Sequence[DeadLetter]) -> None:
        """Appends to `dead-letters`; inside `Atomic.atomic` it joins the block."""

    def dead_letters(self, after: int, limit: int) -> list[tuple[int, DeadLetter]]:
        """Dead letters with their offsets, oldest first."""

    def prune(self, topic: Topic, before: int) -> int:
        """Forgets records appended before `before` (ms) that every group has passed; returns how many."""


class ItemLookup(Protocol):
    """Wide items by id, for the write path."""

    def get(self, item_ids: Collection[str]) -> dict[str, WideItem]:
        """The stored records of those ids that have one."""
        ...


class WideTable(ItemLookup, Protocol):
    """`item-wide`, the truth: one record an item, the one with the largest (version, enrich). One writer an item, which
    knows the items of the partitions that it owns and no others. The write path fails closed: an event is committed only
    with its record.
    """

    def append(self, items: Sequence[WideItem]) -> list[bool]:
        """Stores each item that is newer by (version, enrich) than what is stored; says for each whether it was.

        At most one record an item in a call. An equal pair is not newer: the first wins.
        """

    def end(self) -> Places:
        """The newest place of each partition that is owned; -1 where it is empty."""

    def misplaced(self, pool_id: str, rule: Rule, now: int, after: str, limit: int) -> list[str]:
        """Ids (rising by UTF-8 bytes, after `after`) of listed items whose tag of this pool is not what `rule` (time leaves
        true) says, or which carry intervals made by an older rule. `rule` with nothing to match empties the tag.
        """

    def listed(self, after: str, limit: int) -> list[WideItem]:
        """Listed items by id (rising by UTF-8 bytes) after `after`."""

    def understood_otherwise(self, versions: Mapping[str, str], after: str, limit: int) -> list[str]:
        """Ids, likewise, of listed items that can be understood anew and were understood by other `versions` than these."""

    def of_seller(self, seller_id: str, after: str, limit: int) -> list[WideItem]:
        """Listed items of one seller, likewise."""

    def overdue(self, now: int, limit: int) -> list[str]:
        """Ids of listed items that expired an hour or more before `now`."""

    def strippable(self, before: int, limit: int) -> list[str]:
        """Ids of removed, not yet stripped items whose last record is older than `before` (ms)."""


class WideTail(Protocol):
    """`item-wide` in the order of its writes, for one reader who goes through all of it. One thread polls; any may ask."""

    def poll(self, limit: int) -> list[WideRecord]:
        """The next records after those that were passed, the same again until they are; empty at the end. Does not block. An
        older record of an item may be left out where a newer one follows.
        """

    def passed(self, records: Sequence[WideRecord]) -> None:
        """These records have had their effect."""

    def place(self) -> Places:
        """How far was passed, by partition; the partitions that are read are all there, at -1 before the first record."""

    def is_behind(self) -> bool:
        """Whether records wait that were not passed."""


class ItemWriter(Protocol):
    """The wide index, writing side. Idempotent and ordered by (version, enrich); a tail of `item-wide` feeds it."""

    def index(self, items: Sequence[WideItem]) -> Indexed:
        """Makes the items recallable, or no longer so; older pairs are ignored. What the index refuses for good costs no neighbour."""
        ...

    def refresh(self) -> None:
        """Returns once every question sees all that was indexed before."""
        ...


class ItemReader(Protocol):
    """The wide index, reading side. Callers fail open: a source that fails is named in the reply."""

    async def recall(self, query: Query, weights: Mapping[str, int]) -> Answer:
        """Term recall, exact: rows with at least one of the terms, by `512·Σweight + static_score` descending, then
        item_id by UTF-8 bytes. `weights` has at most 20 terms, each 1 … 1024. One round trip, seldom more.
        """

    async def browse(self, query: Query, by: Literal["newest", "static"]) -> Answer:
        """Rows by `published_at` or `static_score` descending, then item_id; exact like `recall`."""

    async def pick(self, query: Query, item_ids: Sequence[str]) -> Answer:
        """Of the given ids those that the query allows, in the order given; the cap applies."""

    async def get(self, item_ids: Collection[str]) -> dict[str, WideItem]:
        """Whole wide items by id, removed ones included; unknown ids are left out."""

    async def preview(self, rule: Rule, now: int, sample: int) -> tuple[int, list[str]]:
        """How many items on sale at `now` a rule matches, and the first `sample` of their ids by item_id."""

    async def breakdown(self, rule: Rule, now: int, limit: int) -> Breakdown:
        """The same items, counted by what they are: the `limit` most frequent values of each kind."""

    async def exclusions(self, parts: Sequence[Rule], now: int) -> list[Exclusion]:
        """Of each of at most `MAX_PARTS` conditions, in their order: how many items on sale at `now` fail it and none of the
        others, and how many fail it at all.
        """

    async def cut_off(self, rule: Rule, by: CutBy, size: int, now: int) -> Cut | None:
        """Up to where the first `size` of the items on sale that a rule matches go, by a field; None where it matches no more."""


class LiveView(Protocol):
    """State of every item on sale, in process. At most 2 s behind at p99; the tail that feeds it says how far."""

    def apply(self, items: Sequence[WideItem]) -> None:
        """Takes in records of `item-wide`; older pairs are ignored."""
        ...

    def look(self, item_ids: Sequence[str], pool_id: str, now: int, cut: Cut | None = None) -> list[LiveItem | None]:
        """What is known of each item as seen from the pool, None for an item never seen."""
        ...

    def size(self, pool_id: str, now: int, cut: Cut | None = None) -> int:
        """How many items are in the pool, within the cut-off, and on sale."""
        ...

    def cut_off(self, pool_id: str, by: CutBy, size: int, now: int) -> Cut | None:
        """Up to where the first `size` of the items in the pool and on sale go, by a field; None where there are no more."""
        ...

    def sample(self, query: Query, seed: int) -> Answer:
        """Rows that the query allows, in an order that the seed (below 2^63) and what is stored of each item decide alone. The scope is
        one that tags tell of.
        """
        ...


class SeenList(Protocol):
    """What was served to whom in which pool, and the atomic claim of a page. Callers fail open: `degraded` says so."""

    async def open(self, identity: str, pool_id: str, request_id: str, now: int) -> Opening:
        """The seen list and the stored page of this request_id, in one read. An open page past deadline + 2 s is as none."""

    async def claim(self, request: ClaimRequest) -> Claimed:
        """One atomic step. Round r applies only if r rounds are stored, else what is stored returns unchanged.

        Appends what is unseen (or `allow_seen`), not on the page, unexpired at `now` and under the cap over the whole
        page; puts it on the seen list in page order with its time; trims that to `seen_size`; closes at n or when
        `final`. A closed page is kept 600 s and never changes. Raises `RequestIdReused` on another fingerprint.
        """

    async def erase(self, identity: str, pool_id: str | None) -> None:
        """Forgets the person's seen lists and pages, of one pool or of all."""


class TriggerStore(Protocol):
    """What a person's behaviour adds up to. Read-your-writes once the user-event consumer has passed the event."""

    async def get(self, identity: str) -> TriggerState:
        """The stored state; an empty one for a stranger. Weights are as of their own time."""

    def load(self, identity: str) -> TriggerState:
        """The same state for the write path; inside `Atomic.atomic` it sees the block's writes."""

    def erased(self, identity: str) -> Places:
        """Up to where in `user-events` this person was erased. An erasure between this and `save` makes `save` fail, or takes it back."""

    def save(self, identity: str, state: TriggerState, now: int) -> None:
        """Replaces the state, and stores this person's marks with it, in one step; one writer an identity."""

    def mark(self, identity: str, event: UserEvent, offset: int) -> bool:
        """Whether this event is to be applied: false when (identity, type, object, at) is marked already, at whatever offset. The
        mark stands once `save` of this person, or the block it is in, is done; one of a block that fails never was.
        """


class UserProfiles(Protocol):
    """What the app tells us of a person."""

    async def get(self, identity: str) -> Profile | None:
        """The profile, None for a stranger."""

    async def put(self, identity: str, profile: Profile) -> None:
        """Replaces the profile."""


class People(Protocol):
    """Everything that is kept of one person, as one unit. Callers fail closed."""

    async def erase(self, identity: str, upto: Places, now: int) -> None:
        """Forgets state, marks, profile, seen lists and pages, and notes, for the seven days of `user-events` at least, that nothing
        counts which these hold of the person up to these places. All of it or nothing; of two notes the later places hold.
        """
        ...


class ItemStats(Protocol):
    """Counters per item, pool and hour; popularity and exposures with exponential decay; the pool `""` is the whole site."""

    def add(self, deltas: Sequence[StatDelta], partition: int, offset: int) -> None:
        """Adds deltas of one log record; what a pool has of a record at or below the last one added to it is ignored."""

    def forget(self, item_ids: Sequence[str]) -> None:
        """Drops popularity and exposures of items that left, so that popular lists stay short."""

    def ranked(self, skip: int, limit: int, now: int) -> list[tuple[str, float]]:
        """Items with their decayed weight on the whole site as of `now`, heaviest first, after the first `skip`; for the write path."""

    async def popular(self, pool_id: str, limit: int) -> list[str]:
        """Item ids by decayed weight descending."""

    async def responses(self, pool_id: str, item_ids: Sequence[str], now: int) -> Responses:
        """Decayed weights and exposures of the items as of `now`, and those of the pool; in one step."""

    async def ignored(self, pool_id: str, item_ids: Collection[str], exposures: int, now: int) -> frozenset[str]:
        """Of the items those whose decayed exposures in the pool are `exposures`·(1 + popularity there) or more."""

    async def exposures(self, pool_id: str, item_ids: Collection[str], now: int) -> dict[str, float]:
        """How often each item was shown in the pool, decayed as of `now`; items that were not are left out."""

    async def top_terms(self, pool_id: str, limit: int, now: int) -> list[Trigger]:
        """The pool's terms by decayed weight: the trigger prior of a person of whom nothing is known."""


class PoolFigures(Protocol):
    """What happened in pools hour by hour, listings kept for eight days and pages for one, and the alerts about them. Callers wait in
    threads of their own, and fail open: what could not be added is added later.
    """

    def add(self, counts: Sequence[HourCount]) -> None:
        """Adds to what was counted. A call that fails may have had its effect: these are figures for people, not money."""

    def read(self, pool_ids: Sequence[str], wanted: Sequence[tuple[Counted, int]]) -> dict[str, dict[tuple[Counted, int], int]]:
        """By pool what was counted of each kind in each hour that is wanted; zeros and pools without anything are left out."""

    def take_turn(self, now: int, lasts_ms: int) -> bool:
        """Whether the caller is to judge: true for the first who asks, of all processes, and for nobody else until it is over."""

    def alerts(self) -> list[Alert]:
        """All alerts as they were put last."""

    def put_alerts(self, alerts: Sequence[Alert]) -> None:
        """Replaces all alerts; for whoever has the turn."""


class PoolStore(Protocol):
    """Pools as revisions; a revision *is* the audit record. Operators' writes fail closed; serving uses the last copy."""

    async def put(self, pool_id: str, draft: PoolDraft, expected: int | None, author: str, reason: str, now: int) -> Revision:
        """Writes the next revision: of a new pool when `expected` is None (an existing one raises `RevisionStale`), else
        only if `expected` is the newest (`RevisionStale` otherwise, `NotFound` for no such pool). The rule is already checked.
        """

    async def get(self, pool_id: str) -> Revision:
        """The newest revision; raises `NotFound`."""

    async def revisions(self, pool_id: str) -> list[Revision]:
        """All revisions, newest first; raises `NotFound`."""

    async def audit(self, query: AuditQuery) -> list[Revision]:
        """Revisions of all pools by epoch falling, which is newest first; every one that was put before is among them."""

    def changes(self, after_epoch: int) -> list[PoolChange]:
        """Newest revision of every pool whose epoch, or whose tagging, moved past `after_epoch`; by epoch rising."""

    def epoch(self) -> int:
        """A number that rises with every revision and every tagging; cheap, asked before each batch."""

    def set_tagged(self, pool_id: str, pool_epoch: int, upto: Places) -> None:
        """Records that what `item-wide` holds up to these places carries the tag of the revision with this epoch, unless a newer exists."""


class KeyStore(Protocol):
    """API keys by digest; secrets are never stored. Callers fail closed."""

    async def find(self, digest: str) -> ApiKey | None:
        """The key with this digest as it is stored, revoked ones included."""

    def known(self, digest: str) -> ApiKey | None:
        """The same as this process knows it, for every request to be let in by: waits for no other machine. A write of this process is
        seen at once, one of another within a second; while the store is down, as it was last.
        """

    async def add(self, key: ApiKey) -> None:
        """Stores a new key."""

    async def all(self) -> list[ApiKey]:
        """Every key, oldest first."""

    async def revoke(self, key_id: str, now: int) -> None:
        """Revokes; raises `NotFound`. A second time changes nothing."""
