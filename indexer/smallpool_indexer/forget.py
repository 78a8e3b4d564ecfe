"""Drops the popularity of items that left, apart from item intake, which waits for no store of statistics.

In: ids of items, from the thread that records. Out: statistics without them. What waits when the process dies keeps its popularity,
which decays, and shows on no page, since a page holds only what is on sale.
"""

from collections import deque
from collections.abc import Sequence

from smallpool_core.errors import StoreUnavailable
from smallpool_core.ports import ItemStats

MOST_WAITING = 100_000
AT_ONCE = 256


class Forgetter:
    """One thread hands over, another turns."""

    def __init__(self, stats: ItemStats) -> None:
        self._stats = stats
        self._waiting: deque[str] = deque()

    def forget(self, item_ids: Sequence[str]) -> None:
        """Notes them; raises `StoreUnavailable` where too many wait."""
        if len(self._waiting) + len(item_ids) > MOST_WAITING:
            raise StoreUnavailable(f"could not forget {len(item_ids)} items: {len(self._waiting)} wait for the statistics already")
        self._waiting.extend(item_ids)

    def run_once(self) -> bool:
        """Forgets some; whether more wait. Store errors pass through, and the same come again."""
        taken = [self._waiting[place] for place in range(min(AT_ONCE, len(self._waiting)))]
        if taken:
            self._stats.forget(taken)
            for _ in taken:
                self._waiting.popleft()
        return bool(self._waiting)
