"""Keeps the pools in memory at most `FOLLOW_EVERY_S` behind the store, in a thread of its own: a store that hangs makes no reader wait.

In: the standing of the pools, and which writes are this process's own. Out: the standing, or what reading it last failed with.
"""

import logging
import threading

from smallpool_core.errors import StoreError, StoreUnavailable
from smallpool_stores.elasticsearch.pool_heads import Head, PoolHeads, Standing

FOLLOW_EVERY_S = 0.2

log = logging.getLogger("smallpool.pools")


class PoolFollower:
    """The thread begins with the first question."""

    def __init__(self, heads: PoolHeads) -> None:
        self._heads = heads
        self._written = 0
        self._failure: StoreError | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="pools", daemon=True)

    def standing(self) -> Standing:
        """Where the pools stand, with all that this process wrote; raises `StoreUnavailable` if the store was not to be read last time."""
        with self._lock:
            if self._thread.ident is None:
                self.try_to_advance()
                self._thread.start()
        if self._failure is None and self._heads.standing.epoch < self._written:
            self.try_to_advance()
        if self._failure is not None:
            raise StoreUnavailable(str(self._failure)) from self._failure
        return self._heads.standing

    def last_known(self, pool_id: str) -> Head | None:
        """Where the pool stood when it was last looked at; asks no store."""
        return self._heads.standing.heads.get(pool_id)

    def newest(self, pool_id: str) -> Head | None:
        """Where the pool stands now; asks the store."""
        self._heads.advance()
        return self.last_known(pool_id)

    def note_written(self, epoch: int) -> None:
        """This process has made a write of that epoch."""
        with self._lock:
            self._written = max(self._written, epoch)

    def try_to_advance(self) -> None:
        """Takes in what was written; a failure is for those who ask next."""
        try:
            self._heads.advance()
        except StoreError as error:
            self._failure = error
        else:
            self._failure = None

    def close(self) -> None:
        """Ends the thread."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(FOLLOW_EVERY_S):
            try:
                self.try_to_advance()
            except Exception as error:
                log.exception("the pools in memory could not be brought up to date")
                self._failure = StoreError(f"could not take in the pools: {error}; see the log")
