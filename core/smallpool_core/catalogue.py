"""The pools as one process knows them: parsed rules in memory, refreshed from the store by its epoch.

With the store down the last copy serves. Not safe for threads: each thread of a process holds its own.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from smallpool_core.adjustments import KINDS, Adjustments, check_adjustments
from smallpool_core.cuts import Cut
from smallpool_core.errors import NotFound, PoolClosed, PoolNotLive, Problem, Refused
from smallpool_core.fields import Attributes
from smallpool_core.pages import Scope
from smallpool_core.places import Places, has_reached
from smallpool_core.pools import BANNED, HOME, Ordering, Pool, PoolChange, PoolDraft, PoolSettings, Tagging
from smallpool_core.ports import PoolStore
from smallpool_core.quotas import check_quotas
from smallpool_core.rules import Rule, parse_rule
from smallpool_core.schedule import check_schedule, is_open, next_opening
from smallpool_core.selection import check_selection, effective_rule, without

log = logging.getLogger("smallpool.pools")
NOTHING: dict[str, Any] = {"any": []}
EVERYTHING: dict[str, Any] = {"all": []}


class KnownPool(Struct, frozen=True):
    """A pool with its effective rule, parsed, and how far its tag is on stored items, by partition of `item-wide`.

    `refused` says why the stored rule cannot be read, as after an attribute that it names was taken out of the knowledge base: the pool
    then holds nothing until it is saved again, and every other pool goes on. `cut` is up to where a pool of a largest size holds items, as
    whoever asks about it has found. `adjustments` are the ordering's, parsed.
    """

    pool: Pool
    rule: Rule
    tagged: Mapping[int, Tagging]
    partitions: int
    refused: str | None = None
    cut: Cut | None = None
    adjustments: Adjustments = Adjustments()

    def is_tagged(self, partitions: Iterable[int]) -> bool:
        """Whether the tag on the stored items of these partitions is what this revision's rule says."""
        return all(partition in self.tagged and self.tagged[partition].epoch >= self.pool.epoch for partition in partitions)

    @property
    def is_trusted(self) -> bool:
        """Whether that holds for every stored item."""
        return self.is_tagged(range(self.partitions))

    @property
    def tagged_upto(self) -> Places:
        """How far in `item-wide` a reader must be for the tag to be what it knows of every item."""
        return {partition: tagging.offset for partition, tagging in self.tagged.items()}

    def seen_from(self, place: Places) -> "KnownPool":
        """The pool as a reader of `item-wide` who has come as far as `place` may trust its tag."""
        if not self.is_trusted or has_reached(place, self.tagged_upto):
            return self
        return replace(self, tagged={})

    @property
    def scope(self) -> Scope:
        """Where recall in this pool looks."""
        return Scope(self.pool.pool_id, self.rule, self.is_trusted, self.pool.pool_id == HOME, self.cut)


class Catalogue:
    """All pools by id, as of `epoch`; none before the store was read once, which `is_read` says. Any thread may refresh it."""

    def __init__(self, store: PoolStore, attributes: Attributes, *, split_words: Callable[[str], Sequence[str]] | None = None) -> None:
        self._store = store
        self._attributes = attributes
        self._split_words = split_words
        self._pools: dict[str, KnownPool] = {}
        self._refreshing = Lock()
        self.epoch = 0
        self.is_read = False
        everything = parse_rule(EVERYTHING, attributes)
        self._nothing = parse_rule(NOTHING, attributes)
        home = Pool(HOME, HOME, EVERYTHING, 0, "live", PoolSettings(), Ordering(), 0)
        self._pools[HOME] = KnownPool(home, everything, {}, 0)

    def parse(self, rule: object) -> Rule:
        """Checks a rule as an operator wrote it, with the words of this catalogue's language; raises `RuleRefused`."""
        return parse_rule(rule, self._attributes, split_words=self._split_words)

    def check(self, draft: PoolDraft) -> list[Problem]:
        """Every mistake of the lists, the schedule and the conditions of the ordering of a draft, with the words of this catalogue's
        language.
        """
        problems = [] if draft.selection is UNSET else check_selection(draft.selection, self._attributes, self._split_words)
        problems += [] if draft.schedule is UNSET else check_schedule(draft.schedule)
        if draft.ordering is not UNSET:
            for kind in KINDS:
                problems += check_adjustments(kind, getattr(draft.ordering, kind), self._attributes, self._split_words)
            problems += check_quotas(draft.ordering.quotas, self._attributes, self._split_words)
        return problems

    def adjustments(self, ordering: Ordering) -> Adjustments:
        """What an ordering multiplies scores by, and counts; raises `RuleRefused` where a condition cannot be read any more."""
        return Adjustments.parsed((*ordering.boost, *ordering.bury), self._attributes, ordering.quotas)

    def effective(self, pool: Pool) -> Rule:
        """What the pool says that it holds; raises `RuleRefused` where that cannot be read any more."""
        return effective_rule(parse_rule(pool.rule, self._attributes), pool.selection, self._attributes)

    def refresh(self) -> list[KnownPool]:
        """Takes in what changed since the last refresh and returns it; one cheap read where nothing did."""
        with self._refreshing:  # else the slower of two would put back what the faster took in
            epoch = self._store.epoch()
            changed = [] if epoch == self.epoch else [self._known(change) for change in self._store.changes(self.epoch)]
            self._pools |= {known.pool.pool_id: known for known in changed}
            self.epoch = epoch
            self.is_read = True
        return changed

    def _known(self, change: PoolChange) -> KnownPool:
        """The pool after the change; a rule that is known already is not parsed again."""
        before = self._pools.get(change.pool.pool_id)
        if before is not None and before.pool.epoch == change.pool.epoch and before.refused is None:
            return KnownPool(change.pool, before.rule, change.tagged, change.partitions, adjustments=before.adjustments)
        try:
            rule, adjustments = self._read(change.pool), self.adjustments(change.pool.ordering)
        except Refused as error:
            log.error("the pool %r holds nothing until it is saved again: it cannot be read: %s", change.pool.pool_id, error)  # noqa: TRY400, the pool is at fault
            return KnownPool(change.pool, self._nothing, {}, change.partitions, str(error))
        return KnownPool(change.pool, rule, change.tagged, change.partitions, adjustments=adjustments)

    def _read(self, pool: Pool) -> Rule:
        """The effective rule of a pool of which everything can be read; raises `Refused`."""
        if problems := check_schedule(pool.schedule):
            raise Refused(problems)
        return self.effective(pool)

    def tag_rule(self, known: KnownPool) -> Rule:
        """The rule that tags are made by: the pool's effective one while it is live, less what is banned; else one that matches nothing."""
        if known.pool.state != "live":
            return self._nothing
        return known.rule if known.pool.pool_id == BANNED else without(known.rule, self.banned_rule)

    @property
    def banned_rule(self) -> Rule:
        """What is served nowhere."""
        known = self._pools.get(BANNED)
        return self._nothing if known is None or known.pool.state != "live" else known.rule

    def served_rule(self, pool_id: str | None, rule: Rule) -> Rule:
        """What would be served of a rule, a saved pool's or another: all but what is banned, of which the pool of that says all."""
        return rule if pool_id == BANNED else without(rule, self.banned_rule)

    def pending_bans(self, place: Places) -> Rule | None:
        """The rule of what is banned while a reader who has come as far as `place` may not trust the tag for it; None once they may."""
        known = self._pools.get(BANNED)
        if known is None or known.pool.state != "live" or known.seen_from(place).is_trusted:
            return None
        return known.rule

    def __contains__(self, pool_id: str) -> bool:
        """Whether there is such a pool, in any state."""
        return pool_id in self._pools

    def get(self, pool_id: str) -> KnownPool:
        """The pool; raises `NotFound`."""
        try:
            return self._pools[pool_id]
        except KeyError:
            raise NotFound("pool", pool_id) from None

    def live(self, pool_id: str) -> KnownPool:
        """The pool, if it is live; raises `NotFound` or `PoolNotLive`, and `Refused` for the pool of what is served nowhere."""
        if pool_id == BANNED:
            raise Refused([Problem("pool_id", repr(BANNED), "what is banned is served nowhere; another pool is allowed")])
        known = self.get(pool_id)
        if known.pool.state != "live":
            raise PoolNotLive(pool_id, known.pool.state)
        return known

    def open(self, pool_id: str, now: int) -> KnownPool:
        """The pool, if it can be recalled from at `now` (ms); raises what `live` does, and `PoolClosed` outside of its schedule."""
        known = self.live(pool_id)
        if not is_open(known.pool.schedule, now):
            opening = next_opening(known.pool.schedule, now)
            raise PoolClosed(pool_id, None if opening is None else opening.written)
        return known

    def all(self) -> list[KnownPool]:
        """Every pool but home, by pool_id."""
        return [self._pools[pool_id] for pool_id in sorted(self._pools) if pool_id != HOME]

    def by_priority(self) -> list[KnownPool]:
        """The same by priority, then by pool_id."""
        return sorted(self.all(), key=lambda known: (known.pool.priority, known.pool.pool_id))

    def untagged(self, partitions: Iterable[int] | None = None) -> list[KnownPool]:
        """Pools whose tag does not yet say what their rule says on all items, or on those of some partitions: what a backfill
        has to do. A rule that cannot be read says nothing of any item, so its tag stays as it is.
        """
        readable = [known for known in self.all() if known.refused is None]
        if partitions is None:
            return [known for known in readable if not known.is_trusted]
        asked = tuple(partitions)
        return [known for known in readable if not known.is_tagged(asked)]

    def refused(self) -> list[KnownPool]:
        """Pools whose rule cannot be read."""
        return [known for known in self.all() if known.refused is not None]
