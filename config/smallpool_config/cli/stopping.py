"""Being told to stop: SIGTERM and Ctrl-C end a process in order, and within ten seconds, whatever hangs.

In: a signal. Out: word of it to whoever waits; when the time is over, the end of the process with a message of what it left. That is no
loss: what was acknowledged is durable, and what was under way is taken up at the next start, as after a SIGKILL.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ENDS_WITHIN_S = 9.0
"""From the signal on. Requests under way, workers, and groups that are left have shares of it that add up to less."""
LEFT_BEHIND = 1
"""Exit code of a process that had to leave something."""


@contextmanager
def told_to_stop(told: Callable[[], None]) -> Iterator[None]:
    """Calls `told` at each signal that comes while the block lasts. From the first one on the process has `ENDS_WITHIN_S` to end, the
    closing of its stores and what the interpreter waits for included.
    """
    first = threading.Event()

    def heard(_number: int, _frame: object) -> None:
        first.set()
        told()

    threading.Thread(target=_end_after, args=(first,), name="end in time", daemon=True).start()
    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        # Until the process has ended, a second signal is no reason to leave the stores as they are.
        keep = heard if first.is_set() else None
        for number, handler in before.items():
            signal.signal(number, keep or handler)


def _end_after(first: threading.Event) -> None:
    first.wait()
    threading.Event().wait(ENDS_WITHIN_S)
    waiting = sorted({thread.name for thread in threading.enumerate() if thread is not threading.current_thread()})
    sys.stderr.write(
        f"stopped without waiting longer for stores that do not answer: {', '.join(waiting)} were left;"
        " nothing acknowledged is lost, and the next start takes up what was under way\n"
    )
    sys.stderr.flush()
    os._exit(LEFT_BEHIND)
