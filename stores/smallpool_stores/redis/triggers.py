"""What a person's behaviour adds up to, in Redis, and the marks that tell a new event from a repeated one.

In: states as the user-event consumer computes them. Out: the same on the next read, whether an event is to be applied, and up to
where in the log a person was erased.

A mark waits in this process until `save` writes it together with the state, in one step. So a batch that ends halfway, wherever it
does, is taken again: an event whose mark is stored has had its effect on the state, and before that on the statistics; any other
has had none on the state, and statistics know by its offset whether it counted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1

from msgspec import Struct, msgpack

from smallpool_core.errors import StoreUnavailable
from smallpool_core.places import Places
from smallpool_core.users import TriggerState, UserEvent
from smallpool_stores.redis.commands import Call
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.marks import Marks
from smallpool_stores.redis.scripts import load_script
from smallpool_stores.redis.states import pack_state, unpack_state

_decode_places = msgpack.Decoder(dict[str, int]).decode


class _Known(Struct, frozen=True):
    """What a person's next write is held against: marks as they were read, and those set since; erasure, link and state as they were
    read.
    """

    marks: Marks
    erasure: bytes
    link: bytes
    state: bytes


class RedisTriggerStore:
    """Trigger states by identity, and the `Atomic` of the consumer that writes them. One thread writes; any may `get`."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._save = load_script("save")
        self._known: dict[str, _Known] = {}
        self._depth = 0

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Forgets the marks of an earlier batch, which may have failed: what it did not save it did not mark."""
        if self._depth == 0:
            self._known.clear()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._known.clear()

    async def get(self, identity: str) -> TriggerState:
        with self._connection.translated(f"read the triggers of {identity!r}"):
            state = await self._connection.read("GET", self._connection.keys.person(identity).state)
            return unpack_state(state) if state is not None else TriggerState()

    def load(self, identity: str) -> TriggerState:
        with self._connection.translated(f"read the triggers of {identity!r}"):
            known = self._read(identity)
            before = self._known.get(identity)
            if self._depth and (before is None or not before.marks.has_fresh):
                self._known[identity] = known
            return unpack_state(known.state) if known.state else TriggerState()

    def erased(self, identity: str) -> Places:
        erasure = (self._known_of(identity) if self._depth else self._read(identity)).erasure
        return {int(partition): offset for partition, offset in _decode_places(erasure).items()} if erasure else {}

    def save(self, identity: str, state: TriggerState, now: int) -> None:
        keys, settings, known = self._connection.keys.person(identity), self._connection.settings, self._known_of(identity)
        packed_state = pack_state(state) if state != TriggerState() else b""
        packed_marks = known.marks.packed(now, settings.marks_kept_s, settings.most_marks)
        lives = settings.triggers_kept_s * 1000, settings.marks_kept_s * 1000
        state_read = sha1(known.state, usedforsecurity=False).hexdigest()
        arguments = (known.marks.version, packed_state, lives[0], packed_marks, lives[1], known.erasure, known.link, state_read)
        self._known.pop(identity)  # read anew after this, however it ends
        with self._connection.translated(f"write the triggers of {identity!r}"):
            [is_saved] = self._connection.write_now(Call(self._save, (keys.state, keys.marks, keys.erasure, keys.link), arguments))
        if not is_saved:
            raise StoreUnavailable(
                f"could not write the triggers of {identity!r}: another consumer has applied an event of theirs, or they were "
                "linked or erased, since they were read; nothing was written, take the batch again"
            )

    def mark(self, identity: str, event: UserEvent, offset: int) -> bool:
        return self._known_of(identity).marks.add(event)

    def _known_of(self, identity: str) -> _Known:
        if identity not in self._known:
            self._known[identity] = self._read(identity)
        return self._known[identity]

    def _read(self, identity: str) -> _Known:
        keys = self._connection.keys.person(identity)
        with self._connection.translated(f"read the marks of {identity!r}"):
            [[state, marks, erasure, link]] = self._connection.read_now(("MGET", keys.state, keys.marks, keys.erasure, keys.link))
        return _Known(Marks(marks or b""), erasure or b"", link or b"", state or b"")
