"""The live pools as whoever judges them knows them: their names, and how far their tags are; no rules, which it would not read.

In: the store of pools. Out: sizes by pool, None where the tag is on its way.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from smallpool_core.catalogue import KnownPool
from smallpool_core.ports import LiveView, PoolStore, WideTail
from smallpool_core.rules import AnyOf, Rule

_NOTHING = Rule.of(AnyOf(()))


class LivePools:
    """Pools by id, as of the last refresh. For one thread."""

    def __init__(self, store: PoolStore, live: LiveView, tail: WideTail) -> None:
        self._store = store
        self._live = live
        self._tail = tail
        self._pools: dict[str, KnownPool] = {}
        self._epoch = 0

    def refresh(self) -> list[str]:
        """Takes in what changed; the ids of all that are live. Raises `StoreError`."""
        epoch = self._store.epoch()
        for change in () if epoch == self._epoch else self._store.changes(self._epoch):
            if change.pool.state == "live":
                self._pools[change.pool.pool_id] = KnownPool(replace(change.pool, rule={}), _NOTHING, change.tagged, change.partitions)
            else:
                self._pools.pop(change.pool.pool_id, None)
        self._epoch = epoch
        return sorted(self._pools)

    def name(self, pool_id: str) -> str:
        """What people call it; its id where it is not live any more."""
        known = self._pools.get(pool_id)
        return pool_id if known is None else known.pool.name

    def sizes(self, pool_ids: Iterable[str], now: int) -> dict[str, int | None]:
        """How many items are in each and on sale."""
        place = self._tail.place()
        return {one: self._live.size(one, now) if self._pools[one].seen_from(place).is_trusted else None for one in pool_ids}
