"""The marks of one person: which events were applied, as 12 bytes each, oldest first.

In: events and the time at which they are applied. Out: whether one was applied before, and bytes to be stored. A mark is 8 bytes
of a hash of (type, object, at) and the second at which it was set: among 2,000 marks two different events meet once in 10^13.
"""

from hashlib import blake2b, sha1
from struct import iter_unpack, pack

from msgspec import msgpack

from smallpool_core.users import UserEvent

_HASH_BYTES = 8
_MARK = ">8sI"


class Marks:
    """Marks as they are stored, and those set since."""

    def __init__(self, stored: bytes) -> None:
        self._stored = stored
        self._seconds: dict[bytes, int] = dict(iter_unpack(_MARK, stored))
        self._fresh: dict[bytes, None] = {}

    @property
    def version(self) -> str:
        """SHA-1 of what is stored, by which a write notices that it has changed."""
        return sha1(self._stored, usedforsecurity=False).hexdigest()

    @property
    def has_fresh(self) -> bool:
        """Whether any were set since."""
        return bool(self._fresh)

    def add(self, event: UserEvent) -> bool:
        """Sets the mark of this event; false if it was set already."""
        mark = blake2b(msgpack.encode((event.type, event.object, event.at)), digest_size=_HASH_BYTES).digest()
        if mark in self._seconds or mark in self._fresh:
            return False
        self._fresh[mark] = None
        return True

    def packed(self, now: int, kept_s: int, most: int) -> bytes:
        """What is to be stored at `now` (ms): all fresh marks, and the newest of the last `kept_s` seconds, `most` in all."""
        second = now // 1000
        young = [pack(_MARK, mark, at) for mark, at in self._seconds.items() if at >= second - kept_s]
        room = max(0, most - len(self._fresh))
        return b"".join([*young[max(0, len(young) - room) :], *[pack(_MARK, mark, second) for mark in self._fresh]])


def joined_marks(one: bytes, other: bytes, most: int) -> bytes:
    """The marks of both, as they are stored: each once, the newest `most`, oldest first."""
    seconds = dict(sorted([*iter_unpack(_MARK, one), *iter_unpack(_MARK, other)], key=lambda pair: pair[1]))
    newest = sorted(seconds.items(), key=lambda pair: pair[1])[-most:]
    return b"".join([pack(_MARK, mark, at) for mark, at in newest])
