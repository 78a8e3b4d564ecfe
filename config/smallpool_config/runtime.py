"""Turns the write path of one process in a thread of its own, beside whoever serves.

In: a system. Out: listings and behaviour taken in as they arrive, until told to stop.
"""

import logging
import threading
from types import TracebackType
from typing import Self

from smallpool_config.wiring import System
from smallpool_core.errors import StoreError

IDLE_S = 0.004
"""How long an idle write path waits before it looks again: two reads of the log each time, under 1 % of a core."""
RETRY_FIRST_S = 0.1
RETRY_MOST_S = 5.0
CHECKPOINT_EVERY_S = 1.0

log = logging.getLogger("smallpool.runtime")


class WritePathThread:
    """The write path in a thread. A store that fails is tried again, ever less often; anything else ends the thread.

    A second thread does what the store wants done now and then, for which neither requests nor listings should wait.
    `failure` is what the write path last stumbled over, None while all is well.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="write-path", daemon=True)
        self._checkpoints = threading.Thread(target=self._checkpoint, name="checkpoint", daemon=True)
        self.failure: str | None = None

    def start(self) -> None:
        """Builds the write path here, so that what is wrong with it is raised to the caller; then lets it run."""
        self._system.write_path  # noqa: B018, building it is the point
        self._thread.start()
        self._checkpoints.start()

    def stop(self) -> None:
        """Ends after the turn under way."""
        self._stop.set()
        for thread in (self._thread, self._checkpoints):
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
        pause = RETRY_FIRST_S
        while not self._stop.is_set():
            try:
                busy = self._system.write_path.turn()
            except StoreError as error:
                self.failure = str(error)
                log.warning("the write path waits %.1f s: %s", pause, error)
                self._stop.wait(pause)
                pause = min(2 * pause, RETRY_MOST_S)
                continue
            except Exception as error:
                self.failure = str(error)
                log.exception("the write path has stopped")
                return
            self.failure, pause = None, RETRY_FIRST_S
            if not busy:
                self._stop.wait(IDLE_S)

    def _checkpoint(self) -> None:
        pause = CHECKPOINT_EVERY_S
        while not self._stop.wait(pause):
            try:
                self._system.checkpoint()
                pause = CHECKPOINT_EVERY_S
            except StoreError as error:
                log.warning("the next checkpoint waits %.1f s: %s", RETRY_MOST_S, error)
                pause = RETRY_MOST_S
