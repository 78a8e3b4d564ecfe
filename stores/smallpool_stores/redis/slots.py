"""Which server holds a key: the one at the url, or of a cluster the primary of the key's slot.

In: a url, and how to ask a server for its map of the slots. Out: servers, each as the url by which it is reached.

The map is only a shortcut. Until it is read everything goes to the server at the url, and whatever goes to the wrong one comes back
with a pointer to the right one (`routing.py`). So no call waits for the map: it is read in a thread of its own, at the first call and
after a pointer or a lost connection has shown that it is out of date.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import ClusterError, RedisError

Ask = Callable[[str], Sequence[Any]]
"""The reply of a server to `CLUSTER SLOTS`."""

_SAME_HOST = (None, b"", b"?", "")
"""How a server that does not know under which name it is reached names itself."""


class Slots:
    """The servers by slot; safe for threads, because a new map takes the place of the old one as a whole."""

    def __init__(self, url: str, ask: Ask | None) -> None:
        """Without `ask` the server at the url is no cluster and holds everything."""
        self._first = url
        self._ask = ask
        self._held = [url] * REDIS_CLUSTER_HASH_SLOTS
        self._is_read = False
        self._is_closed = False
        self._renewing = Lock()

    @property
    def is_cluster(self) -> bool:
        """Whether there may be other servers than the first."""
        return self._ask is not None

    @property
    def servers(self) -> list[str]:
        """Every server that holds slots by the map as it is."""
        return list(dict.fromkeys(self._held))

    def server_of(self, key: object) -> str:
        """The server that held the slot of this key when the map was read."""
        if not self._is_read:  # at once, since the first server may be the next that dies
            self.renew()
        return self._held[key_slot(key if isinstance(key, bytes) else str(key).encode())]

    def named(self, host: str | bytes | None, port: int, by: str) -> str:
        """The server at this place, as the server `by` names it: reached as the first one is, with the same user and options."""
        told = urlsplit(by).hostname or "" if host in _SAME_HOST else host.decode() if isinstance(host, bytes) else str(host)
        user, at, _ = urlsplit(self._first).netloc.rpartition("@")
        return urlsplit(self._first)._replace(netloc=f"{user}{at}{f'[{told}]' if ':' in told else told}:{port}").geturl()

    def renew(self, lost: str | None = None) -> None:
        """Begins to read the map anew, from `lost` only if no other server answers; nothing where that is under way."""
        if self.is_cluster and self._renewing.acquire(blocking=False):
            Thread(target=self._renew, args=(lost,), daemon=True).start()

    def close(self) -> None:
        """Waits for the map that is being read, and reads none from now on by itself."""
        with self._renewing:
            self._is_closed = True

    def read(self, lost: str | None = None) -> None:
        """Reads the map from the first server that has one; raises the last error where none has."""
        if self._ask is None:
            return
        known = list(dict.fromkeys([*self.servers, self._first]))
        failure: RedisError = ClusterError("no server of the cluster knows who holds the slots")
        for server in sorted(known, key=lambda one: one == lost):
            try:
                ranges = self._ask(server)
            except RedisError as exc:
                failure = exc
                continue
            if ranges:
                self._held = self._map_of(ranges, server)
                self._is_read = True
                return
        raise failure

    def _renew(self, lost: str | None) -> None:
        try:
            with suppress(RedisError):  # the next call that fails says so, and begins again
                if not self._is_closed:
                    self.read(lost)
        finally:
            self._renewing.release()

    def _map_of(self, ranges: Sequence[Any], by: str) -> list[str]:
        """A slot that nobody holds is asked of the first server, which says so."""
        held = [self._first] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, (host, port, *_), *_replicas in ranges:
            held[first : last + 1] = [self.named(host, port, by)] * (last + 1 - first)
        return held
