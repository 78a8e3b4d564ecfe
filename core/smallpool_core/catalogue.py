"""The pools as one process knows them: parsed rules in memory, refreshed from the store by its epoch.

With the store down the last copy serves. Not safe for threads: each thread of a process holds its own.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.errors import NotFound, PoolNotLive, RuleRefused
from smallpool_core.fields import Attributes
from smallpool_core.pages import Scope
from smallpool_core.places import Places, has_reached
from smallpool_core.pools import HOME, Ordering, Pool, PoolChange, PoolSettings, Tagging
from smallpool_core.ports import PoolStore
from smallpool_core.rules import Rule, parse_rule

log = logging.getLogger("smallpool.pools")
NOTHING: dict[str, Any] = {"any": []}
EVERYTHING: dict[str, Any] = {"all": []}


class KnownPool(Struct, frozen=True):
    """A pool with its parsed rule, and how far its tag is on stored items, by partition of `item-wide`.

    `refused` says why the stored rule cannot be read, as after an attribute that it names was taken out of the knowledge base: the pool
    then holds nothing until it is saved again, and every other pool goes on.
    """

    pool: Pool
    rule: Rule
    tagged: Mapping[int, Tagging]
    partitions: int
    refused: str | None = None

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
        return Scope(self.pool.pool_id, self.rule, self.is_trusted, self.pool.pool_id == HOME)


class Catalogue:
    """All pools by id, as of `epoch`; none before the store was read once, which `is_read` says."""

    def __init__(self, store: PoolStore, attributes: Attributes, *, split_words: Callable[[str], Sequence[str]] | None = None) -> None:
        self._store = store
        self._attributes = attributes
        self._split_words = split_words
        self._pools: dict[str, KnownPool] = {}
        self.epoch = 0
        self.is_read = False
        everything = parse_rule(EVERYTHING, attributes)
        self._nothing = parse_rule(NOTHING, attributes)
        home = Pool(HOME, HOME, EVERYTHING, 0, "live", PoolSettings(), Ordering(), 0)
        self._pools[HOME] = KnownPool(home, everything, {}, 0)

    def parse(self, rule: object) -> Rule:
        """Checks a rule as an operator wrote it, with the words of this catalogue's language; raises `RuleRefused`."""
        return parse_rule(rule, self._attributes, split_words=self._split_words)

    def refresh(self) -> list[KnownPool]:
        """Takes in what changed since the last refresh and returns it; one cheap read where nothing did."""
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
            return KnownPool(change.pool, before.rule, change.tagged, change.partitions)
        try:
            rule = parse_rule(change.pool.rule, self._attributes)
        except RuleRefused as error:
            log.error("the pool %r holds nothing until it is saved again: its rule cannot be read: %s", change.pool.pool_id, error)  # noqa: TRY400, the rule is at fault
            return KnownPool(change.pool, self._nothing, {}, change.partitions, str(error))
        return KnownPool(change.pool, rule, change.tagged, change.partitions)

    def tag_rule(self, known: KnownPool) -> Rule:
        """The rule that tags are made by: the pool's own while it is live, else one that matches nothing."""
        return known.rule if known.pool.state == "live" else self._nothing

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
        """The pool, if it can be recalled from; raises `NotFound` or `PoolNotLive`."""
        known = self.get(pool_id)
        if known.pool.state != "live":
            raise PoolNotLive(pool_id, known.pool.state)
        return known

    def all(self) -> list[KnownPool]:
        """Every pool but home, by pool_id."""
        return [self._pools[pool_id] for pool_id in sorted(self._pools) if pool_id != HOME]

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
