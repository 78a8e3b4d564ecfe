"""Looks at all live pools about once a minute: figures for this process, and, where it has the turn of all processes, alerts.

In: the store of figures, sizes of pools. Out: a board; alerts in the store, and told. It raises no error of a store: figures and alerts
then stay as they were, and pages go on.
"""

import logging
from collections.abc import Sequence
from typing import Final

from smallpool_core.alerts import Alert, AlertKind
from smallpool_core.errors import StoreError
from smallpool_core.ports import Clock, PoolFigures
from smallpool_service.alerts.board import Board
from smallpool_service.alerts.figures import Counts, LastHour, came_in, figures_of, usual, wanted_of, wanted_of_days
from smallpool_service.alerts.judge import Sign, after_telling, judged, sign_of_inflow, sign_of_page_fill, sign_of_size, untold
from smallpool_service.alerts.live_pools import LivePools
from smallpool_service.alerts.messenger import Messenger
from smallpool_service.alerts.settings import AlertSettings

AT_ONCE: Final = 200
"""Pools of one turn, some milliseconds, after which others of the process may have theirs."""
TURN_LASTS: Final = 0.9
"""Of the time between two looks: the turn is free again when it is next asked for, by whom it was taken or by another."""

log = logging.getLogger("smallpool.alerts")


class PoolWatch:
    """One look takes several turns. For one thread."""

    def __init__(
        self, pools: LivePools, figures: PoolFigures, clock: Clock, board: Board, messenger: Messenger, settings: AlertSettings
    ) -> None:
        self._pools = pools
        self._figures = figures
        self._clock = clock
        self._board = board
        self._messenger = messenger
        self._settings = settings
        self._every_ms = settings.every_s * 1000
        self._begun_at: int | None = None
        self._left: list[str] = []
        self._found: dict[str, tuple[LastHour, Counts]] = {}
        self._usually: dict[str, float] = {}
        self._alerts: list[Alert] = []
        self._turn_until = 0

    def turn(self) -> bool:
        """Goes on with the look under way, begins one that is due, or tells what was not told; whether there is more to do at once."""
        now = self._clock.now_ms()
        try:
            if self._left:
                return self._look(now)
            if self._begun_at is None or not 0 <= now - self._begun_at < self._every_ms:
                return self._begin(now)
            self._tell(now)
        except StoreError as error:
            self._left, self._found = [], {}
            log.warning("looking at the pools waits %d s: %s", self._settings.every_s, error)
        return False

    def _begin(self, now: int) -> bool:
        lasts_ms = int(self._every_ms * TURN_LASTS)
        self._begun_at = now
        self._left, self._found, self._usually = self._pools.refresh(), {}, {}
        self._turn_until = now + lasts_ms if self._figures.take_turn(now, lasts_ms) else 0
        return self._look(now)

    def _look(self, now: int) -> bool:
        some, self._left = self._left[:AT_ONCE], self._left[AT_ONCE:]
        hours = self._settings.inflow_hours
        counted, sizes = self._figures.read(some, wanted_of(now, hours)), self._pools.sizes(some, now)
        for pool_id in some:
            counts = counted.get(pool_id, {})
            self._found[pool_id] = figures_of(counts, now, sizes[pool_id]), counts
        if self._turn_until:
            silent = [pool_id for pool_id in some if not came_in(counted.get(pool_id, {}), now, hours)]
            self._usually |= self._usual(silent, now)
        if self._left:
            return True
        self._conclude(now)
        return False

    def _conclude(self, now: int) -> None:
        self._alerts = self._figures.alerts()
        if now < self._turn_until:
            self._alerts = judged(self._alerts, self._signs(now), now, self._settings.turns)
            self._figures.put_alerts(self._alerts)
            self._tell(now)
        self._board.put({pool_id: figures for pool_id, (figures, _) in self._found.items()}, self._alerts, now)
        self._found = {}

    def _signs(self, now: int) -> dict[tuple[str, AlertKind], Sign]:
        settings, signs = self._settings, dict[tuple[str, AlertKind], Sign]()
        listed = {pool_id: came_in(counts, now, settings.inflow_hours) for pool_id, (_, counts) in self._found.items()}
        for pool_id, (figures, _) in self._found.items():
            signs[pool_id, "empty"] = sign_of_size(figures)
            signs[pool_id, "page_fill_low"] = sign_of_page_fill(figures, settings)
            signs[pool_id, "inflow_stopped"] = sign_of_inflow(listed[pool_id], self._usually.get(pool_id, 0.0), settings)
        return signs

    def _usual(self, silent: Sequence[str], now: int) -> dict[str, float]:
        """What the hours in which nothing came in bring as a rule."""
        hours = self._settings.inflow_hours
        counted = self._figures.read(silent, wanted_of_days(now, hours))
        return {pool_id: usual(counts, now, hours) for pool_id, counts in counted.items()}

    def _tell(self, now: int) -> None:
        """Tells what was not told, while this process has the turn."""
        waiting = untold(self._alerts)
        told = self._messenger.tell(waiting, now) if waiting and now < self._turn_until else ()
        if told:
            self._alerts = after_telling(self._alerts, told)
            self._figures.put_alerts(self._alerts)
