"""How far what is recallable lags behind what was sent, where the process that takes events in is this one.

In: the log. Out: an age in ms.
"""

from smallpool_core.events import INDEXER_GROUP
from smallpool_core.ports import EventLog


def oldest_waiting_ms(log: EventLog, now: int) -> int:
    """How long the oldest item event that the indexer has not passed has waited as of `now` (ms); 0 where none does."""
    waiting = log.poll("item-events", INDEXER_GROUP, 1)
    return max(0, now - waiting[0].at) if waiting else 0
