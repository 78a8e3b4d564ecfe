"""How far what is recallable here lags behind what was sent.

In: the log. Out: an age in ms, and lags in events.
"""

from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP
from smallpool_core.ports import EventLog


def data_age_ms(log: EventLog, now: int) -> int:
    """How long the oldest item event that the indexer has not passed has waited as of `now` (ms); 0 where none does."""
    waiting = log.poll("item-events", INDEXER_GROUP, 1)
    return max(0, now - waiting[0].at) if waiting else 0


def item_lag(log: EventLog) -> int:
    """Item events that are not yet taken in."""
    return log.end("item-events") - log.committed("item-events", INDEXER_GROUP)


def user_lag(log: EventLog) -> int:
    """User events that are not yet applied."""
    return log.end("user-events") - log.committed("user-events", BEHAVIOUR_GROUP)
