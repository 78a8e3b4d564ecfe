"""What a person's behaviour adds up to, in Redis, and the marks that tell a new event from a repeated one.

In: states as the user-event consumer computes them. Out: the same on the next read, and whether an event is to be applied.

A mark waits in this process until `save` writes it together with the state, in one step. So a batch that ends halfway, wherever it
does, is taken again: an event whose mark is stored has had its effect on the state, and before that on the statistics; any other
has had none on the state, and statistics know by its offset whether it counted.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from smallpool_core.errors import StoreUnavailable
from smallpool_core.users import TriggerState, UserEvent
from smallpool_stores.redis.commands import Call
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.marks import Marks
from smallpool_stores.redis.scripts import load_script
from smallpool_stores.redis.states import pack_state, unpack_state


class RedisTriggerStore:
    """Trigger states by identity, and the `Atomic` of the consumer that writes them. One thread writes; any may `get`."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._save = load_script("save")
        self._marks: dict[str, Marks] = {}
        self._depth = 0

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Forgets the marks of an earlier batch, which may have failed: what it did not save it did not mark."""
        if self._depth == 0:
            self._marks.clear()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._marks.clear()

    async def get(self, identity: str) -> TriggerState:
        with self._connection.translated(f"read the triggers of {identity!r}"):
            state = await self._connection.read("GET", self._connection.keys.person(identity).state)
            return unpack_state(state) if state is not None else TriggerState()

    async def erase(self, identity: str) -> None:
        keys = self._connection.keys.person(identity)
        with self._connection.translated(f"erase the triggers of {identity!r}"):
            await self._connection.write(("UNLINK", keys.state, keys.marks))

    def load(self, identity: str) -> TriggerState:
        keys = self._connection.keys.person(identity)
        with self._connection.translated(f"read the triggers of {identity!r}"):
            [[state, marks]] = self._connection.read_now(("MGET", keys.state, keys.marks))
            if self._depth and identity not in self._marks:
                self._marks[identity] = Marks(marks or b"")
            return unpack_state(state) if state is not None else TriggerState()

    def save(self, identity: str, state: TriggerState, now: int) -> None:
        keys, settings, marks = self._connection.keys.person(identity), self._connection.settings, self._marks_of(identity)
        packed_state = pack_state(state) if state != TriggerState() else b""
        packed_marks = marks.packed(now, settings.marks_kept_s, settings.most_marks)
        arguments = (marks.version, packed_state, settings.triggers_kept_s * 1000, packed_marks, settings.marks_kept_s * 1000)
        self._marks.pop(identity)  # read anew after this, however it ends
        with self._connection.translated(f"write the triggers of {identity!r}"):
            [is_saved] = self._connection.write_now(Call(self._save, (keys.state, keys.marks), arguments))
        if not is_saved:
            raise StoreUnavailable(
                f"could not write the triggers of {identity!r}: another consumer has applied an event of theirs, or they were "
                "erased, since they were read; nothing was written, take the batch again"
            )

    def mark(self, identity: str, event: UserEvent, offset: int) -> bool:
        return self._marks_of(identity).add(event)

    def _marks_of(self, identity: str) -> Marks:
        marks = self._marks.get(identity)
        if marks is None:
            with self._connection.translated(f"read the marks of {identity!r}"):
                [stored] = self._connection.read_now(("GET", self._connection.keys.person(identity).marks))
            marks = self._marks[identity] = Marks(stored or b"")
        return marks
