"""Lets everything that waits take effect in this process, for those who cannot go on before.

In: a system whose write path this process turns. Out: every event that was on the logs taken in, recallable here, every pool tagged.
"""

import time
from collections.abc import Callable

from msgspec import Struct

from smallpool_config.wiring.system import System
from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP, SELLER_GROUP
from smallpool_core.places import Places, behind

PAUSE_S = 0.004
Settled = Callable[[int, int], None]
"""Told now and then: how many events and pools were dealt with, and how many there are."""


class Goal(Struct, frozen=True):
    """What is to be taken in before a command goes on: the newest offsets of the logs, and the pools to be tagged by epoch."""

    items: Places
    behaviour: Places
    sellers: Places
    pools: dict[str, int]

    @classmethod
    def now(cls, system: "System") -> "Goal":
        """Everything that waits at this moment."""
        system.catalogue.refresh()
        untagged = {known.pool.pool_id: known.pool.epoch for known in system.catalogue.untagged()}
        return cls(system.log.end("item-events"), system.log.end("user-events"), system.log.end("seller-events"), untagged)

    def left(self, system: "System") -> int:
        """How many events and pools are still to come."""
        items = behind(system.log.committed("item-events", INDEXER_GROUP), self.items)
        behaviour = behind(system.log.committed("user-events", BEHAVIOUR_GROUP), self.behaviour)
        sellers = behind(system.log.committed("seller-events", SELLER_GROUP), self.sellers)
        system.catalogue.refresh()
        waiting = {known.pool.pool_id: known.pool.epoch for known in system.catalogue.untagged()}
        return items + behaviour + sellers + sum(waiting.get(pool_id) == epoch for pool_id, epoch in self.pools.items())


def settle(system: System, settled: Settled | None = None) -> None:
    """Turns until nothing is left. Store errors pass through."""
    turn, goal, total = system.whole_turn(), Goal.now(system), 0
    while (is_busy := turn()) or not _rests(system, goal):
        if settled is not None:
            left = goal.left(system)
            total = max(total, left)
            settled(total - left, total)
        if not is_busy:
            time.sleep(PAUSE_S)
    system.writer.refresh()


def _rests(system: System, goal: Goal) -> bool:
    """Whether all of the goal was reached, and what follows from it has reached what is recalled from."""
    if goal.left(system) or system.catalogue.untagged():
        return False
    return not system.tail_indexer.tail.is_behind() and not system.tail.is_behind()
