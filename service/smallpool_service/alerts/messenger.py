"""Tells the receiver of alerts, ever less often while it does not take them.

In: alerts that were not told. Out: those that it has taken in. It is never waited for but in the thread that judges.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from smallpool_core.alerts import Alert
from smallpool_core.errors import StoreError
from smallpool_service.alerts.message import MOST, message
from smallpool_service.trace import Observer

Post = Callable[[bytes], None]
"""Sends one document; raises `StoreError` where it was not taken."""
FIRST_PAUSE_MS: Final = 2_000
LONGEST_PAUSE_MS: Final = 600_000

log = logging.getLogger("smallpool.alerts")


class Messenger:
    """One receiver; None is nobody, who has always been told. For one thread."""

    def __init__(self, post: Post | None, name_of: Callable[[str], str], observer: Observer) -> None:
        self._post = post
        self._name_of = name_of
        self._observer = observer
        self._pause_ms = FIRST_PAUSE_MS
        self._rests_until: int | None = None

    def tell(self, alerts: Sequence[Alert], now: int) -> Sequence[Alert]:
        """Sends the first of them in one message; those that count as told now, none while it rests after a failure."""
        if self._post is None or not alerts:
            return alerts
        if self._rests_until is not None and now < self._rests_until <= now + LONGEST_PAUSE_MS:
            return ()
        sent = alerts[:MOST]
        try:
            self._post(message([(one, self._name_of(one.pool_id)) for one in sent]))
        except StoreError as error:
            log.warning("%d alerts wait %d s: %s", len(alerts), self._pause_ms // 1000, error)
            self._observer.count("alerts.not_taken")
            self._rests_until, self._pause_ms = now + self._pause_ms, min(2 * self._pause_ms, LONGEST_PAUSE_MS)
            return ()
        self._rests_until, self._pause_ms = None, FIRST_PAUSE_MS
        self._observer.count("alerts.told", len(sent))
        return sent
