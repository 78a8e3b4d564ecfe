"""The lock of a data directory: one server at a time.

In: a directory. Out: `DIR/lock`, held by `flock` for as long as the process lives, with its pid inside for people to read.
The kernel lets go of it when the process dies, so a crash leaves nothing to clean up.
"""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from smallpool_core.errors import DirectoryLocked, StoreUnavailable

_FILE = "lock"
_ATTEMPTS = 5
_PAUSE_S = 0.01


class DirectoryLock:
    """A held lock; `release` it, or use it as a context manager. Raises `DirectoryLocked` if another process has it.

    The directory must exist and be writable, else `StoreUnavailable`.
    """

    def __init__(self, directory: Path) -> None:
        self._descriptor = _opened(directory)
        if not _locked_soon(self._descriptor):
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "that did not write its number"
            os.close(self._descriptor)
            raise DirectoryLocked(
                f"could not lock the data directory {directory}: process {holder} serves from it; stop it or use another directory"
            )
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Lets another process have the directory; releasing twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def is_locked(directory: Path) -> bool:
    """Whether a server holds the directory now; false where there is no such directory or it was never locked."""
    try:
        descriptor = os.open(directory / _FILE, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _taken(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _opened(directory: Path) -> int:
    try:
        return os.open(directory / _FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as exc:
        raise StoreUnavailable(
            f"could not open {directory / _FILE}: {exc.strerror}; see that the directory exists and that this user may write in it"
        ) from exc


def _locked_soon(descriptor: int) -> bool:
    """Tries for an instant longer than `is_locked`, which holds the lock only to look at it, ever keeps it."""
    for attempt in range(_ATTEMPTS):
        if _taken(descriptor, fcntl.LOCK_EX):
            return True
        if attempt + 1 < _ATTEMPTS:
            time.sleep(_PAUSE_S)
    return False


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
