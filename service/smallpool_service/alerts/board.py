"""What this process knows of all live pools since they were looked at last, for the API, the console and the metrics.

In: figures and alerts, replaced as a whole. Out: the same, by pool; nothing here asks a store.
"""

from collections.abc import Iterable, Mapping

from smallpool_core.alerts import Alert, AlertKind
from smallpool_service.alerts.figures import LastHour


class Board:
    """Written by one thread, read by all; each part is replaced and never changed."""

    def __init__(self) -> None:
        self._figures: Mapping[str, LastHour] = {}
        self._alerts: Mapping[str, tuple[Alert, ...]] = {}
        self.looked_at: int | None = None

    def put(self, figures: Mapping[str, LastHour], alerts: Iterable[Alert], now: int) -> None:
        """Replaces what was known."""
        by_pool: dict[str, tuple[Alert, ...]] = {}
        for one in alerts:
            if one.stands:
                by_pool[one.pool_id] = (*by_pool.get(one.pool_id, ()), one)
        self._figures, self._alerts, self.looked_at = figures, by_pool, now

    def figures(self, pool_id: str) -> LastHour | None:
        """The figures of a live pool; None before it was looked at."""
        return self._figures.get(pool_id)

    def alerts(self, pool_id: str) -> tuple[Alert, ...]:
        """The alerts of a pool that stand."""
        return self._alerts.get(pool_id, ())

    def standing(self) -> list[Alert]:
        """All that stand, those raised last first."""
        found = [one for alerts in self._alerts.values() for one in alerts]
        return sorted(found, key=lambda one: (-(one.raised_at or 0), one.pool_id, one.kind))

    def count(self, kind: AlertKind) -> int | None:
        """How many of a kind stand; None before anything was looked at."""
        return None if self.looked_at is None else sum(one.kind == kind for alerts in self._alerts.values() for one in alerts)
