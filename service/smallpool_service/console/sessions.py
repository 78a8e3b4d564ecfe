"""Who is logged in: an opaque random id in a cookie, and here what it stands for.

In: keys that logged in. Out: their sessions, bounded in number and time. They live in this process alone: a restart ends them, and
behind a load balancer one browser must come back to one replica.
"""

from collections import OrderedDict
from secrets import token_urlsafe
from typing import Final

from msgspec import Struct

from smallpool_core.access import ApiKey
from smallpool_core.ports import Clock

MAX_SESSIONS: Final = 1_000
LASTS_MS: Final = 12 * 3_600_000
IDLE_MS: Final = 2 * 3_600_000
ID_BYTES: Final = 32


class Session(Struct):
    """One log-in. `token` is what every form must send back; times in ms."""

    session_id: str
    token: str
    key: ApiKey
    begun: int
    used: int


class Sessions:
    """Sessions by id; of too many those that were used longest ago end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_id: OrderedDict[str, Session] = OrderedDict()

    def begin(self, key: ApiKey) -> Session:
        """A new session of this key."""
        now = self._clock.now_ms()
        session = Session(token_urlsafe(ID_BYTES), token_urlsafe(ID_BYTES), key, now, now)
        self._by_id[session.session_id] = session
        if len(self._by_id) > MAX_SESSIONS:
            self._by_id.popitem(last=False)
        return session

    def find(self, session_id: str) -> Session | None:
        """The session, None if there is none of this id or its time is over."""
        session, now = self._by_id.get(session_id), self._clock.now_ms()
        if session is None:
            return None
        if now - session.begun > LASTS_MS or now - session.used > IDLE_MS:
            self.end(session_id)
            return None
        session.used = now
        self._by_id.move_to_end(session_id)
        return session

    def end(self, session_id: str) -> None:
        """Nobody is logged in under this id any more."""
        self._by_id.pop(session_id, None)
