"""What a person's behaviour adds up to, one row an identity, and the marks that tell a new event from a repeated one.

In: states as the user-event consumer computes them. Out: the same on the next read, whether an event is to be applied, and up to
where in the log a person was erased.

A mark is kept for seven days, as long as the log keeps the event itself. Its age counts from the newest event time that
the table had seen when it was set, so that it needs no clock, and a history imported today is remembered from today.
"""

from sqlite3 import Connection

from msgspec import msgpack

from smallpool_core.behaviour import BehaviourSettings, joined
from smallpool_core.places import Places
from smallpool_core.users import TriggerState, UserEvent
from smallpool_stores.sqlite.database import Database, translated

MARKS_KEPT_MS = 7 * 24 * 3_600_000

TABLES = """
CREATE TABLE triggers (
    identity TEXT PRIMARY KEY,
    state BLOB NOT NULL,
    saved_at INTEGER NOT NULL
);
CREATE TABLE trigger_marks (
    identity TEXT NOT NULL,
    type TEXT NOT NULL,
    object TEXT NOT NULL,
    at INTEGER NOT NULL,
    log_offset INTEGER NOT NULL,
    marked_at INTEGER NOT NULL,
    PRIMARY KEY (identity, type, object, at)
);
CREATE INDEX trigger_marks_by_age ON trigger_marks (marked_at);
CREATE TABLE erasures (
    identity TEXT NOT NULL,
    partition INTEGER NOT NULL,
    upto INTEGER NOT NULL,
    erased_at INTEGER NOT NULL,
    PRIMARY KEY (identity, partition)
) WITHOUT ROWID;
CREATE INDEX erasures_by_age ON erasures (erased_at);
"""

_SAVE = """
INSERT INTO triggers VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, saved_at = excluded.saved_at
"""
_MARK = """
INSERT INTO trigger_marks
VALUES (?1, ?2, ?3, ?4, ?5, max(?4, coalesce((SELECT max(marked_at) FROM trigger_marks), ?4)))
ON CONFLICT DO NOTHING
"""
_COPY_MARKS = """
INSERT INTO trigger_marks SELECT ?1, type, object, at, log_offset, marked_at FROM trigger_marks WHERE identity = ?2
ON CONFLICT DO NOTHING
"""
# An event sets one mark and takes up to four away, so the table holds the last seven days and little more.
_PRUNE = """
DELETE FROM trigger_marks WHERE rowid IN (
    SELECT rowid FROM trigger_marks
    WHERE marked_at < (SELECT max(marked_at) FROM trigger_marks) - ? ORDER BY marked_at LIMIT 4
)
"""

_ERASE = """
INSERT INTO erasures VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET upto = max(upto, excluded.upto), erased_at = max(erased_at, excluded.erased_at)
"""
# The log may keep an event longer than seven days, until the consumer has passed it; so its erasure goes only after that too.
_PRUNE_ERASURES = """
DELETE FROM erasures WHERE erased_at < (SELECT max(marked_at) FROM trigger_marks) - ? AND upto < ?
"""

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(TriggerState).decode


class SqliteTriggerStore:
    """Trigger states as msgpack by identity. `load`, `save` and `mark` join the transaction of `Database.atomic`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, identity: str) -> TriggerState:
        return self.load(identity)

    def load(self, identity: str) -> TriggerState:
        with translated(f"read the triggers of {identity!r}"):
            row = self._database.connection.execute("SELECT state FROM triggers WHERE identity = ?", (identity,)).fetchone()
        return _decode(row[0]) if row is not None else TriggerState()

    def erased(self, identity: str) -> Places:
        with translated(f"read up to where {identity!r} was erased"):
            rows = self._database.connection.execute("SELECT partition, upto FROM erasures WHERE identity = ?", (identity,)).fetchall()
        return dict(rows)

    def save(self, identity: str, state: TriggerState, now: int) -> None:
        with self._database.atomic(), translated(f"write the triggers of {identity!r}"):
            self._database.connection.execute(_SAVE, (identity, _encode(state), now))

    def mark(self, identity: str, event: UserEvent, offset: int) -> bool:
        key = (identity, event.type, event.object, event.at)
        with self._database.atomic(), translated(f"mark an event of {identity!r}"):
            connection = self._database.connection
            if connection.execute(_MARK, (*key, offset)).rowcount == 0:
                return False
            connection.execute(_PRUNE, (MARKS_KEPT_MS,))
            connection.execute(_PRUNE_ERASURES, (MARKS_KEPT_MS, offset))
            return True


def erase_behaviour(connection: Connection, identity: str, upto: Places, now: int) -> None:
    """Deletes state and marks, and notes up to where; in the caller's transaction and translation of errors."""
    connection.execute("DELETE FROM triggers WHERE identity = ?", (identity,))
    connection.execute("DELETE FROM trigger_marks WHERE identity = ?", (identity,))
    connection.executemany(_ERASE, [(identity, partition, offset, now) for partition, offset in upto.items()])


def move_behaviour(connection: Connection, device: str, user: str, upto: int, settings: BehaviourSettings) -> bool:
    """Adds state and marks of one identity to those of another and begins the first anew, in the caller's transaction and translation
    of errors; whether there was a state. A mark of what was done after `upto` (ms) stays too: the like of it is the first one's still.
    """
    connection.execute(_COPY_MARKS, (user, device))
    connection.execute("DELETE FROM trigger_marks WHERE identity = ? AND at <= ?", (device, upto))
    moved = connection.execute("DELETE FROM triggers WHERE identity = ? RETURNING state, saved_at", (device,)).fetchone()
    if moved is None:
        return False
    kept = connection.execute("SELECT state, saved_at FROM triggers WHERE identity = ?", (user,)).fetchone()
    state, saved_at = moved
    if kept is not None:
        state, saved_at = _encode(joined(_decode(kept[0]), _decode(state), settings)), max(kept[1], saved_at)
    connection.execute(_SAVE, (user, state, saved_at))
    return True
