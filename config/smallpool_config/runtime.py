"""What goes on in threads of their own, beside whoever serves or waits.

In: a system, and its lines of workers. Out: listings and behaviour taken in as they arrive, until told to stop.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from smallpool_config.closing import still_running
from smallpool_config.patience import MOST_S, pauses
from smallpool_config.wiring.system import System
from smallpool_core.errors import StoreError
from smallpool_indexer.write_path import Line, Worker

IDLE_S = 0.004
"""How long a thread with nothing to do waits before it looks again."""
LONGEST_IDLE_S = 0.016
"""The same once it has found nothing for a while. A look is some ten questions to the file: at 4 ms they cost .057 of a core of a busy
machine, at 16 ms .021 (benchmarks/README.md); what comes then is taken in 6 ms later on average.
"""
UPKEEP_EVERY_S = 1.0
STOPPED_WITHIN_S = 2.0
"""How long a turn under way may take when all is to stop: ten times what it takes with stores that answer."""

log = logging.getLogger("smallpool.runtime")


class Background:
    """A thread for each line, until told to stop. A worker whose store fails is tried again, ever less often, while the others of its
    line go on; an error that is none of a store's ends the thread.

    One more thread does what the stores want done now and then, for which neither requests nor listings should wait.
    """

    def __init__(self, system: System, lines: Sequence[Line], monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._system = system
        self._monotonic_s = monotonic_s
        self._stop = threading.Event()
        self._workers = [[_Turned(worker) for worker in line] for line in lines]
        self._threads = {
            name: threading.Thread(target=self._run, args=(name, line), name=f"turn {line[0].name}", daemon=True)
            for name, line in ((" and ".join(worker.name for worker in line), line) for line in self._workers)
        }
        self._came_round_s = dict.fromkeys(self._threads, monotonic_s())
        self._upkeep = threading.Thread(target=self._keep_up, name="upkeep", daemon=True)

    @property
    def failure(self) -> str | None:
        """What workers last stumbled over, None while all is well."""
        failing = [f"{worker.name}: {worker.failure}" for line in self._workers for worker in line if worker.failure is not None]
        return "; ".join(failing) or None

    def start(self) -> None:
        """Begins; a store that is down is tried until it is up."""
        for thread in (*self._threads.values(), self._upkeep):
            thread.start()

    def stop(self) -> list[str]:
        """Ends after the turns under way, and returns those which do not end in time because a store does not answer.

        These are left to end with the process, as if it had been killed there: what they had under way is taken up at the next start.
        """
        self._stop.set()
        left = still_running({**self._threads, "upkeep": self._upkeep}, STOPPED_WITHIN_S)
        for name in left:
            log.warning("%s still wait for a store that does not answer; what was under way is taken up at the next start", name)
        return left

    @property
    def is_alive(self) -> bool:
        """Whether every line is turned."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads.values())

    def silent_s(self) -> dict[str, float]:
        """For how many seconds each line has not come round, by what it does."""
        now = self._monotonic_s()
        return {name: now - at for name, at in self._came_round_s.items()}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _run(self, name: str, line: "Sequence[_Turned]") -> None:
        idle_s = IDLE_S
        while not self._stop.is_set():
            self._came_round_s[name] = self._monotonic_s()
            try:
                is_busy = sum(worker.turn() for worker in line) > 0
            except Exception:
                log.exception("taking in has stopped")
                return
            if is_busy:
                idle_s = IDLE_S
            else:
                self._stop.wait(idle_s)
                idle_s = min(LONGEST_IDLE_S, idle_s * 2)

    def _keep_up(self) -> None:
        pause = UPKEEP_EVERY_S
        while not self._stop.wait(pause):
            try:
                self._system.upkeep()
                pause = UPKEEP_EVERY_S
            except StoreError as error:
                log.warning("the upkeep of the stores waits %.1f s: %s", MOST_S, error)
                pause = MOST_S


class _Turned:
    """A worker, and how long it rests after its store failed. `failure` is what it last stumbled over."""

    def __init__(self, worker: Worker) -> None:
        self.name = worker.name
        self.failure: str | None = None
        self._worker = worker
        self._pauses = pauses()
        self._rests_until = 0.0

    def turn(self) -> bool:
        """One turn, unless it rests; whether there may be more to do at once. Raises only what is no store's error."""
        if time.monotonic() < self._rests_until:
            return False
        try:
            is_busy = self._worker.turn()
        except StoreError as error:
            self.failure, pause = str(error), next(self._pauses)
            self._rests_until = time.monotonic() + pause
            log.warning("%s: waiting %.1f s: %s", self.name, pause, error)
            return False
        except Exception as error:
            self.failure = str(error)
            raise
        if self.failure is not None:
            self.failure, self._pauses = None, pauses()
        return is_busy
