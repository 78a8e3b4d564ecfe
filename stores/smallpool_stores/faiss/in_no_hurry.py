"""Long computing that nobody waits for, done when nothing else wants the cores.

In: what to compute, without the interpreter's lock for most of its time. Out: its result.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import get_native_id
from typing import Final, TypeVar

T = TypeVar("T")

NICENESS: Final = 10
"""A tenth of the share that a thread of the usual priority has (sched(7))."""


def in_no_hurry(compute: Callable[[], T]) -> T:
    """The result, made in a thread that ends with it: a thread may make itself less urgent, and not more urgent again. Elsewhere than on
    Linux a thread has no priority of its own, and this is a call.
    """
    if sys.platform != "linux":
        return compute()

    def made() -> T:
        os.setpriority(os.PRIO_PROCESS, get_native_id(), NICENESS)
        return compute()

    with ThreadPoolExecutor(1, thread_name_prefix="in no hurry") as executor:
        return executor.submit(made).result()
