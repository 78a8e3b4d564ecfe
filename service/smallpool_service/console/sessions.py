"""Who is logged in: a signed note in a cookie, which every replica that has the same secret can read.

In: keys that logged in. Out: notes; sessions, while their time is not over. No process keeps anything of a session, so it outlives a
restart, and a balancer may send each request elsewhere. It ends with its key, which each request looks up, by its time, or when it was
idle for too long; to log out takes the cookie away. The note names the key by its digest, from which nobody can make the key.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable
from hmac import compare_digest, digest
from secrets import token_bytes, token_urlsafe
from typing import Final

import msgspec
from msgspec import Struct

from smallpool_core.access import ApiKey
from smallpool_core.ports import Clock

LASTS_MS: Final = 12 * 3_600_000
IDLE_MS: Final = 2 * 3_600_000
RENEWED_MS: Final = 5 * 60_000
"""A note is written anew once it says less of when the session was used than this; so an idle one ends as much earlier."""
NONCE_BYTES: Final = 24
MAX_NOTE: Final = 1_000
_PURPOSE: Final = b"smallpool console session"


class _Note(Struct, frozen=True, array_like=True):
    """What a cookie says; times in ms."""

    key: str
    nonce: str
    begun: int
    used: int


class Session(Struct, frozen=True):
    """One log-in. `token` is what every form must send back; times in ms."""

    key: ApiKey
    nonce: str
    token: str
    begun: int
    used: int


class Sessions:
    """Writes and reads notes. `secret` is what all replicas share; without it each process has one of its own, and ends its sessions."""

    def __init__(self, clock: Clock, secret: str | None = None) -> None:
        self._clock = clock
        # Not the secret itself: it may be a key that lets in, and what it signs here is for this alone.
        self._secret = digest(token_bytes(32) if secret is None else secret.encode(), _PURPOSE, "sha256")

    def begin(self, key: ApiKey) -> Session:
        """A new session of this key."""
        now = self._clock.now_ms()
        return self._session(key, _Note(key.digest, token_urlsafe(NONCE_BYTES), now, now))

    def note(self, session: Session) -> str:
        """What the cookie of a session that is used now holds."""
        body = msgspec.msgpack.encode(_Note(session.key.digest, session.nonce, session.begun, self._clock.now_ms()))
        return urlsafe_b64encode(self._signed(body) + body).decode()

    def find(self, note: str, key_of: Callable[[str], ApiKey | None]) -> Session | None:
        """The session of a note, None where nobody of this secret wrote it, its time is over, or its key no longer stands; `key_of` gives
        the key of a digest.
        """
        read = self._read(note)
        if read is None:
            return None
        now = self._clock.now_ms()
        if now - read.begun > LASTS_MS or now - read.used > IDLE_MS:
            return None
        key = key_of(read.key)
        return None if key is None or key.revoked_at is not None else self._session(key, read)

    def is_due(self, session: Session) -> bool:
        """Whether the note of a session that is used now is to be written anew."""
        return self._clock.now_ms() - session.used >= RENEWED_MS

    def _read(self, note: str) -> _Note | None:
        try:
            signed = urlsafe_b64decode(note) if len(note) <= MAX_NOTE and note.isascii() else b""
        except Error:
            return None
        signature, body = signed[:32], signed[32:]
        if not compare_digest(signature, self._signed(body)):
            return None
        try:
            return msgspec.msgpack.decode(body, type=_Note)
        except msgspec.DecodeError:
            return None  # an older version wrote it

    def _session(self, key: ApiKey, note: _Note) -> Session:
        token = digest(self._secret, b"form " + note.nonce.encode(), "sha256")
        return Session(key, note.nonce, urlsafe_b64encode(token).decode(), note.begun, note.used)

    def _signed(self, body: bytes) -> bytes:
        return digest(self._secret, b"note " + body, "sha256")
