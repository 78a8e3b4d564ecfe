"""Letting go of several things side by side, none of which may keep the others, or the process, waiting.

In: how each is closed, by name. Out: those that did not end in time; they go on in the background and end with the process.
"""

import logging
import time
from collections.abc import Callable, Mapping
from threading import Thread

log = logging.getLogger("smallpool.closing")


def close_together(parts: Mapping[str, Callable[[], object]], within_s: float) -> list[str]:
    """Closes all at once; returns the names of those that were not done within the time. One that fails is logged."""
    threads = {name: Thread(target=_close, args=(name, close), name=f"close {name}", daemon=True) for name, close in parts.items()}
    for thread in threads.values():
        thread.start()
    return still_running(threads, within_s)


def still_running(threads: Mapping[str, Thread], within_s: float) -> list[str]:
    """Waits for all of them together; the names of those that have not ended by then."""
    give_up = time.monotonic() + within_s
    for thread in threads.values():
        if thread.ident is not None:
            thread.join(max(0.0, give_up - time.monotonic()))
    return [name for name, thread in threads.items() if thread.is_alive()]


def _close(name: str, close: Callable[[], object]) -> None:
    try:
        close()
    except Exception:
        log.exception("%s was not closed in order", name)
