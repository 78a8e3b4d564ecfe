"""Stage assign: wide items -> the same items with the pools whose rules hold for them, as of an epoch of the rules.

For a pool whose rule depends on time the intervals of now in which it holds ride along; an empty list of them says never. What the
reserved pool `banned` holds is in that pool alone, whatever other rules hold for it.
"""

from collections.abc import Sequence
from contextlib import suppress

from msgspec.structs import replace

from smallpool_core.catalogue import Catalogue, KnownPool
from smallpool_core.errors import StoreUnavailable
from smallpool_core.items import WideItem
from smallpool_core.pools import BANNED
from smallpool_core.rules import Rule, RuleIndex, intervals
from smallpool_indexer.stage import Staged


class Assigner:
    """The selection engine: every live pool's rule, filed so that an item is checked only against those that could hold."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._index = RuleIndex()
        self._timed: dict[str, Rule] = {}
        self._epoch = 0

    def refresh(self) -> None:
        """Takes in what changed in the pools since the last time; cheap where nothing did."""
        refreshed_by_others = self._catalogue.epoch != self._epoch
        changed = self._catalogue.refresh()
        for known in self._catalogue.all() if refreshed_by_others else changed:
            self._take_in(known)
        self._epoch = self._catalogue.epoch

    def knows(self, pool_id: str) -> bool:
        """Whether there is such a pool, in any state."""
        return pool_id in self._catalogue

    def refresh_if_possible(self) -> None:
        """The same; while the store of the pools does not answer the last copy serves. Raises `StoreUnavailable` where there is none.

        An item that is assigned by a copy which lacks a change is looked at again when that change is taken in: see `Backfill`.
        """
        if not self._catalogue.is_read:
            self.refresh()
            return
        with suppress(StoreUnavailable):
            self.refresh()

    def assign(self, items: Sequence[WideItem]) -> Staged[WideItem]:
        """The items on sale with pools sorted by UTF-8 bytes; removed items pass as they are, in no pool."""
        matched = iter(self._index.match_many([item for item in items if item.state == "on_sale"]))
        return Staged([self._assigned(item, tuple(next(matched))) if item.state == "on_sale" else item for item in items])

    def _assigned(self, item: WideItem, matched: tuple[str, ...]) -> WideItem:
        pools = (BANNED,) if BANNED in matched else matched
        timed = {pool_id: intervals(self._timed[pool_id], item) for pool_id in pools if pool_id in self._timed}
        return replace(item, pools=pools, intervals=timed, epoch=self._catalogue.epoch)

    def _take_in(self, known: KnownPool) -> None:
        pool_id, rule = known.pool.pool_id, known.rule
        self._timed.pop(pool_id, None)
        if known.pool.state != "live":
            self._index.remove(pool_id)
            return
        self._index.put(pool_id, rule)
        if rule.is_timed:
            self._timed[pool_id] = rule
