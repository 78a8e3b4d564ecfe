"""A turn that may take minutes, in a thread of its own, so that the line of workers it belongs to goes on, whatever comes of it.

In: what is to be done. Out: turns that begin it; in the log, what it raised.
"""

import logging
from collections.abc import Callable
from threading import Thread

from smallpool_core.errors import SmallpoolError

log = logging.getLogger("smallpool.beside")


class Beside:
    """One at a time, each where `is_awake` says that it is time. What is under way when the process ends ends with it, and is to bear
    that; what fails is begun again by a later turn, so it is to rest by itself.
    """

    def __init__(self, name: str, is_awake: Callable[[], bool], turn: Callable[[], object], failed: Callable[[], object]) -> None:
        self._name = name
        self._is_awake = is_awake
        self._turn = turn
        self._failed = failed
        self._thread: Thread | None = None

    def turn(self) -> bool:
        """Begins another turn if it is time and none is under way; never says that there is more to do."""
        if self._is_awake() and (self._thread is None or not self._thread.is_alive()):
            self._thread = Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        return False

    def _run(self) -> None:
        try:
            self._turn()
        except SmallpoolError as error:
            self._failed()
            log.warning("%s: %s", self._name, error)
        except Exception:
            self._failed()
            log.exception("%s failed", self._name)
