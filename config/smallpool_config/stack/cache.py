"""Where the stack keeps what it fetches and what its servers write, and who may change it at a time.

In: `SMALLPOOL_CACHE`, `XDG_CACHE_HOME`. Out: folders outside any checkout, and locks that the system frees when a process ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """`SMALLPOOL_CACHE`, else `smallpool` in the user's cache folder."""
    if named := os.environ.get("SMALLPOOL_CACHE"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "smallpool"


@contextmanager
def held(lock_file: Path) -> Iterator[None]:
    """One process at a time inside the block for this file; the others wait. Its folder is made if need be."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
