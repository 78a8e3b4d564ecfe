"""One SQLite file, opened once a thread: connections, transactions, and the edge at which SQLite's errors become ours.

In: a path. Out: `Database.connection` for reading, `Database.atomic()` around everything that writes, and
`translated()` around everything that touches SQLite.

Readers never wait (WAL). Writers of this process queue on a lock and so wake at once when their turn comes; SQLite's own
busy handler, which sleeps in growing steps, is left for writers of other processes.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from weakref import WeakValueDictionary

from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable

Synchronous = Literal["off", "normal", "full"]

LIBRARY_VERSION = sqlite3.sqlite_version_info
"""The version of SQLite that Python came with."""
CACHE_KIB = 32_768
"""Page cache of one connection."""
MMAP_BYTES = 128 << 20
"""What one connection maps of the file; bounded, because mapped pages count as resident memory."""
AUTOCHECKPOINT_PAGES = 16_384
"""At 64 MiB of WAL the writer that commits checkpoints by itself. A net only: `checkpoint` is called long before that."""
STEPS_BETWEEN_LOOKS = 100_000
"""Steps of SQLite's machine, some milliseconds of them, after which it looks whether a question was given up."""
WAL_KEPT_BYTES = 64 << 20
"""To what the WAL file is cut after a burst."""

_PRAGMAS = (
    f"PRAGMA cache_size = -{CACHE_KIB}",
    f"PRAGMA mmap_size = {MMAP_BYTES}",
    "PRAGMA temp_store = MEMORY",
    f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES}",
    f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}",
    "PRAGMA trusted_schema = OFF",
)

_QUEUES: WeakValueDictionary[Path, threading.Lock] = WeakValueDictionary()
_QUEUES_LOCK = threading.Lock()

_WAIT = "another process holds it: try again, and see that no backup or shell keeps a transaction open"
_REMEDIES = MappingProxyType(
    {
        sqlite3.SQLITE_BUSY: (StoreUnavailable, _WAIT),
        sqlite3.SQLITE_LOCKED: (StoreUnavailable, _WAIT),
        sqlite3.SQLITE_PROTOCOL: (StoreUnavailable, _WAIT),
        sqlite3.SQLITE_INTERRUPT: (StoreUnavailable, "it was interrupted: try again"),
        sqlite3.SQLITE_NOMEM: (StoreUnavailable, "the process is out of memory: give it more, then try again"),
        sqlite3.SQLITE_IOERR: (StoreUnavailable, "the disk failed: look at the system's log before trying again"),
        sqlite3.SQLITE_CANTOPEN: (StoreUnavailable, "see that the directory exists and that this user may write in it"),
        sqlite3.SQLITE_PERM: (StoreUnavailable, "see that this user may read and write the file"),
        sqlite3.SQLITE_FULL: (StoreFull, "the disk is full: make room, nothing was written"),
        sqlite3.SQLITE_READONLY: (StoreFull, "it is read-only: make the file and its directory writable, nothing was written"),
        sqlite3.SQLITE_CONSTRAINT: (StoreError, "it contradicts what is stored: read that again before writing"),
        sqlite3.SQLITE_CORRUPT: (StoreError, "the file is damaged: restore it, or start with a new directory and publish again"),
        sqlite3.SQLITE_NOTADB: (StoreError, "the file is no SQLite database: point the data directory elsewhere"),
    }
)
_UNFORESEEN = (StoreError, "this is a defect of smallpool: please report it with this message")


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Turns every error of SQLite inside the block into a `StoreError`; `operation` reads after "could not".

    Raises `StoreUnavailable` where trying again may help, `StoreFull` on a full or read-only disk, else `StoreError`.
    """
    try:
        yield
    except sqlite3.Error as exc:
        code = getattr(exc, "sqlite_errorcode", None)
        kind, remedy = _UNFORESEEN if code is None else _REMEDIES.get(code & 0xFF, _UNFORESEEN)
        raise kind(f"could not {operation}: SQLite says {exc}; {remedy}") from exc


class Database:
    """The file and this process's connections to it, one a thread; implements the port `Atomic`.

    `synchronous`: `full` makes every commit durable against loss of power, `normal` loses at most the last commits to it
    and none to a crash of the process, `off` is for throw-away files. Two of these may be open on one file with different
    values; a thread must not nest the `atomic` of one in that of the other.
    """

    def __init__(self, path: Path, *, synchronous: Synchronous = "normal", busy_timeout_ms: int = 5000) -> None:
        self.path = path
        self._synchronous = synchronous
        self._timeout_s = busy_timeout_ms / 1000
        self._local = threading.local()
        self._connections: dict[threading.Thread, sqlite3.Connection] = {}
        self._connections_lock = threading.Lock()
        self._closed = False
        with _QUEUES_LOCK:
            self._writer = _QUEUES.setdefault(path.resolve(), threading.Lock())

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, opened on first use, in autocommit mode; raises `StoreUnavailable`."""
        try:
            connection: sqlite3.Connection = self._local.connection
        except AttributeError:
            connection = self._local.connection = self._opened()
        return connection

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All writes inside the block happen, or none; other writers wait. Never await inside.

        An inner block joins the outer one: it is durable when the outer one is. An inner block that raises is undone by
        itself, so a caller which catches that error loses nothing of the outer block. Raises `StoreUnavailable` when the
        turn to write does not come within `busy_timeout_ms`.
        """
        connection = self.connection
        if connection.in_transaction:
            with self._block(connection, "SAVEPOINT inner", "RELEASE inner", ("ROLLBACK TO inner", "RELEASE inner")):
                yield
            return
        if not self._writer.acquire(timeout=self._timeout_s):
            raise StoreUnavailable(
                f"could not begin to write to {self.path} within {self._timeout_s:g} s: another thread writes; try again"
            )
        try:
            with self._block(connection, "BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",)):
                yield
        finally:
            self._writer.release()

    @contextmanager
    def interruptible(self, is_given_up: Callable[[], bool]) -> Iterator[None]:
        """Ends whatever this thread asks inside the block soon after `is_given_up` says so, with SQLite's error of an interruption."""
        connection = self.connection
        connection.set_progress_handler(is_given_up, STEPS_BETWEEN_LOOKS)
        try:
            yield
        finally:
            with suppress(sqlite3.Error):  # another thread may have closed it
                connection.set_progress_handler(None, 0)

    def checkpoint(self) -> int:
        """Moves what the WAL holds into the file as far as no reader needs it; returns the pages left in the WAL.

        Call it regularly from a thread that nobody waits for (once a second is fine): it syncs the file, and a commit
        that finds the WAL short never has to. Never blocks readers or writers.
        """
        with translated(f"checkpoint {self.path}"):
            _, in_wal, moved = self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return int(in_wal - moved)

    def close(self) -> None:
        """Closes the connections of all threads, after the write that is under way; closing twice is fine."""
        turn = self._writer.acquire(timeout=self._timeout_s)
        try:
            with self._connections_lock:
                self._closed = True
                for connection in self._connections.values():
                    connection.close()
                self._connections.clear()
                self._local = threading.local()
        finally:
            if turn:
                self._writer.release()

    @contextmanager
    def _block(self, connection: sqlite3.Connection, begin: str, end: str, undo: tuple[str, ...]) -> Iterator[None]:
        with translated(f"write to {self.path}"):
            connection.execute(begin)
            try:
                yield
                _still_open(connection, self.path)
                connection.execute(end)
            except BaseException:
                # SQLite may have rolled back by itself (disk full, I/O error); the first error is the one to tell.
                if connection.in_transaction:
                    with suppress(sqlite3.Error):
                        for statement in undo:
                            connection.execute(statement)
                raise

    def _opened(self) -> sqlite3.Connection:
        with translated(f"open {self.path}"), self._connections_lock:
            if self._closed:
                raise StoreUnavailable(f"could not open {self.path}: this process has closed it; it is shutting down")
            for thread in [thread for thread in self._connections if not thread.is_alive()]:
                self._connections.pop(thread).close()
            connection = sqlite3.connect(
                self.path,
                timeout=self._timeout_s,
                isolation_level=None,
                check_same_thread=False,  # only so that `close` can close the connections of other threads
                cached_statements=512,
            )
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connections[threading.current_thread()] = connection
            return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        _retried(lambda: connection.execute("PRAGMA journal_mode = WAL"), self._timeout_s)
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        for pragma in _PRAGMAS:
            connection.execute(pragma)


def _still_open(connection: sqlite3.Connection, path: Path) -> None:
    if not connection.in_transaction:
        raise StoreUnavailable(f"could not commit to {path}: SQLite undid the transaction after an error inside it; try again")


def _retried(action: Callable[[], object], timeout_s: float) -> None:
    """SQLite does not call its busy handler when a new file is switched to WAL, so two processes that meet there retry here."""
    give_up = time.monotonic() + timeout_s
    while True:
        try:
            action()
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return
