"""Servers as processes of their own: started apart from whoever asks, known by pid and start time, stopped with grace.

In: a command and a log file. Out: a `Process`, which names one process for ever: a pid that came round again is another one. Needs Linux.
"""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from smallpool_core.errors import SmallpoolError

LOOK_AGAIN_S = 0.1
GONE_WITHIN_S = 10.0
"""How long the system may take to bury a process that was killed."""
# The shell leaves at once, so that the server has no parent that would have to wait for it; what it prints goes to the log.
DETACH = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'


class Process(Struct, frozen=True):
    """One process of this machine: its pid, and when it started, in clock ticks of the boot with this id."""

    pid: int
    started: int
    boot: str


def spawn(command: Sequence[str], log: Path) -> Process:
    """Starts a server in a session of its own, which neither the caller's end nor its Ctrl-C reaches; it may end at once."""
    launched = subprocess.run(
        ["/bin/sh", "-c", DETACH, "sh", str(log), *command],
        check=True,
        capture_output=True,
        text=True,
        start_new_session=True,
        cwd=log.parent,
    )
    pid = int(launched.stdout)
    _, started = _seen(pid)
    return Process(pid, started, _boot())


def is_alive(process: Process | None) -> bool:
    """Whether this very process still runs; one that only waits to be buried does not."""
    if process is None or process.boot != _boot():
        return False
    state, started = _seen(process.pid)
    return started == process.started and state not in ("", "Z", "X")


def is_paused(process: Process) -> bool:
    """Whether it was stopped by a signal and waits for SIGCONT."""
    return is_alive(process) and _seen(process.pid)[0] == "T"


def send(process: Process | None, which: signal.Signals) -> bool:
    """Sends a signal to this very process; false where it has ended."""
    if process is None or not is_alive(process):
        return False
    try:
        os.kill(process.pid, which)
    except ProcessLookupError:
        return False
    except PermissionError as exc:
        raise SmallpoolError(f"sending {which.name} to process {process.pid}: it belongs to another user; run this as that user") from exc
    return True


def stop(processes: Sequence[Process], grace_s: float) -> list[Process]:
    """Ends them: SIGTERM to all, SIGKILL to those that are left after the grace. Gives back those that had to be killed."""
    for process in processes:
        send(process, signal.SIGTERM)
        send(process, signal.SIGCONT)
    left = wait_until_ended(processes, grace_s)
    for process in left:
        send(process, signal.SIGKILL)
    if stuck := wait_until_ended(left, GONE_WITHIN_S):
        pids = ", ".join(str(process.pid) for process in stuck)
        raise SmallpoolError(
            f"ending processes {pids}: they are still there {GONE_WITHIN_S:.0f} s after SIGKILL; the disk may hang: see `ps -o stat,wchan`"
        )
    return left


def wait_until_ended(processes: Sequence[Process], limit_s: float) -> list[Process]:
    """Waits until they have ended; gives back those that have not when the time is over."""
    deadline = time.monotonic() + limit_s
    while (left := [process for process in processes if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN_S)
    return left


def _seen(pid: int) -> tuple[str, int]:
    """State and start time of whatever has this pid now; ("", 0) for nothing."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "", 0
    fields = told.rpartition(")")[2].split()  # the name before may hold anything, spaces and brackets included
    return fields[0], int(fields[19])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
