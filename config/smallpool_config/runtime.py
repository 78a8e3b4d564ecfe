"""What goes on in threads of their own, beside whoever serves or waits.

In: a system, and what to turn. Out: listings and behaviour taken in as they arrive, until told to stop.
"""

import logging
import threading
from types import TracebackType
from typing import Self

from smallpool_config.patience import MOST_S, pauses
from smallpool_config.wiring.system import System, Turn
from smallpool_core.errors import StoreError

IDLE_S = 0.004
"""How long a thread with nothing to do waits before it looks again: two reads of the log each time, under 1 % of a core."""
UPKEEP_EVERY_S = 1.0

log = logging.getLogger("smallpool.runtime")


class Background:
    """Turns, in a thread, until told to stop. A store that fails is tried again, ever less often; anything else ends the thread.

    A second thread does what the stores want done now and then, for which neither requests nor listings should wait.
    `failure` is what the turning last stumbled over, None while all is well.
    """

    def __init__(self, system: System, turn: Turn) -> None:
        self._system = system
        self._turn = turn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="turns", daemon=True)
        self._upkeep = threading.Thread(target=self._keep_up, name="upkeep", daemon=True)
        self.failure: str | None = None

    def start(self) -> None:
        """Begins; a store that is down is tried until it is up."""
        self._thread.start()
        self._upkeep.start()

    def stop(self) -> None:
        """Ends after the turn under way."""
        self._stop.set()
        for thread in (self._thread, self._upkeep):
            if thread.ident is not None:
                thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether listings and behaviour are being taken in."""
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _run(self) -> None:
        waiting = pauses()
        while not self._stop.is_set():
            try:
                busy = self._turn()
            except StoreError as error:
                self.failure, pause = str(error), next(waiting)
                log.warning("taking in waits %.1f s: %s", pause, error)
                self._stop.wait(pause)
                continue
            except Exception as error:
                self.failure = str(error)
                log.exception("taking in has stopped")
                return
            if self.failure is not None:
                self.failure, waiting = None, pauses()
            if not busy:
                self._stop.wait(IDLE_S)

    def _keep_up(self) -> None:
        pause = UPKEEP_EVERY_S
        while not self._stop.wait(pause):
            try:
                self._system.upkeep()
                pause = UPKEEP_EVERY_S
            except StoreError as error:
                log.warning("the upkeep of the stores waits %.1f s: %s", MOST_S, error)
                pause = MOST_S
