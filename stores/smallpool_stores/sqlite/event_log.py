"""The log of events in SQLite: four topics in one clustered table, and how far each group has read.

In: (key, value) pairs in the order in which they happened. Out: records with offsets 0, 1, 2 … a topic, never used twice; each topic
has the one partition 0.
A row's id is the topic's number and its offset in one integer, so that a poll is one range of the table and every topic
grows at an end of its own.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec import msgpack

from smallpool_core.items import DeadLetter
from smallpool_core.places import Places, behind, has_reached
from smallpool_core.ports import LogRecord, Topic
from smallpool_stores.sqlite.database import Database, translated

TABLES = """
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    value BLOB NOT NULL
);
CREATE TABLE log_ends (
    topic TEXT PRIMARY KEY,
    newest INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE log_groups (
    topic TEXT NOT NULL,
    grp TEXT NOT NULL,
    passed INTEGER NOT NULL,
    PRIMARY KEY (topic, grp)
) WITHOUT ROWID;
"""

PARTITION = 0
_OFFSET_BITS = 56
_TOPICS: tuple[Topic, ...] = ("item-events", "user-events", "served", "dead-letters", "seller-events")
_FIRST: Mapping[Topic, int] = MappingProxyType({topic: place << _OFFSET_BITS for place, topic in enumerate(_TOPICS)})
"""The id that offset 0 of each topic has."""
_PRUNED_AT_ONCE = 5_000
"""Records that one transaction of `prune` deletes, so that no other writer waits long."""

_encode_letter = msgpack.Encoder().encode
_decode_letter = msgpack.Decoder(DeadLetter).decode

_POLL = """
SELECT id, key, value, at FROM log
WHERE id > ?1 + coalesce((SELECT passed FROM log_groups WHERE topic = ?2 AND grp = ?3), -1) AND id < ?4
ORDER BY id LIMIT ?5
"""
_RECENT = "SELECT id, key, value, at FROM log WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?"
_FROM = "SELECT id, key, value, at FROM log WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
_AT = "SELECT id, at FROM log WHERE id >= ? AND id < ? ORDER BY id LIMIT 1"
_PRUNABLE = """
SELECT id, at FROM log
WHERE id BETWEEN ?1 AND ?1 + coalesce((SELECT min(passed) FROM log_groups WHERE topic = ?2), ?3)
ORDER BY id LIMIT ?4
"""


class SqliteEventLog:
    """The log with its one partition, 0. How durable an acknowledged append is, the database's `synchronous` says."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, topic: Topic, records: Sequence[tuple[str, bytes]], at: int) -> Places:
        return self.append_now(topic, records, at)

    def append_now(self, topic: Topic, records: Sequence[tuple[str, bytes]], at: int) -> Places:
        return self._appended(topic, [(key, at, value) for key, value in records])

    def poll(self, topic: Topic, group: str, limit: int) -> list[LogRecord]:
        first = _FIRST[topic]
        with translated(f"read {topic}"):
            rows = self._database.connection.execute(_POLL, (first, topic, group, first + (1 << _OFFSET_BITS), limit)).fetchall()
        return [LogRecord(topic, PARTITION, number - first, key, value, at) for number, key, value, at in rows]

    async def recent(self, topic: Topic, limit: int) -> list[LogRecord]:
        first = _FIRST[topic]
        with translated(f"read the end of {topic}"):
            rows = self._database.connection.execute(_RECENT, (first, first + (1 << _OFFSET_BITS), limit)).fetchall()
        return [LogRecord(topic, PARTITION, number - first, key, value, at) for number, key, value, at in rows]

    async def between(self, topic: Topic, since: int, until: int, limit: int, after: Places | None = None) -> list[LogRecord]:
        first, end = _FIRST[topic], _FIRST[topic] + self.end(topic).get(PARTITION, -1) + 1
        with translated(f"read {topic} from a time on"):
            begins, ends = self._first_since(since, first, end), self._first_since(until, first, end)
            begins = max(begins, first + (after or {}).get(PARTITION, -1) + 1)
            rows = self._database.connection.execute(_FROM, (begins, ends, limit)).fetchall()
        return [LogRecord(topic, PARTITION, number - first, key, value, at) for number, key, value, at in rows]

    def _first_since(self, at: int, low: int, high: int) -> int:
        """The id from which on records were appended at `at` or later, `high` where none was; times rise with ids."""
        while low < high:
            middle = (low + high) // 2
            row = self._database.connection.execute(_AT, (middle, high)).fetchone()
            if row is None or row[1] >= at:
                high = middle
            else:
                low = row[0] + 1
        return low

    def commit(self, topic: Topic, group: str, upto: Places) -> None:
        with translated(f"commit the offset of {group!r} on {topic}"), self._database.atomic():
            self._database.connection.executemany(
                "INSERT INTO log_groups VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET passed = max(passed, excluded.passed)",
                [(topic, group, offset) for offset in upto.values()],
            )

    def committed(self, topic: Topic, group: str) -> Places:
        return self._place("SELECT passed FROM log_groups WHERE topic = ? AND grp = ?", topic, group)

    def end(self, topic: Topic) -> Places:
        return self._place("SELECT newest FROM log_ends WHERE topic = ?", topic)

    async def has_passed(self, topic: Topic, group: str, places: Places) -> bool:
        return has_reached(self.committed(topic, group), places)

    def lag(self, topic: Topic, group: str) -> int:
        return behind(self.committed(topic, group), self.end(topic))

    def dead_letter(self, letters: Sequence[DeadLetter]) -> None:
        self._appended("dead-letters", [(letter.key, letter.at, _encode_letter(letter)) for letter in letters])

    def dead_letters(self, after: int, limit: int) -> list[tuple[int, DeadLetter]]:
        first = _FIRST["dead-letters"]
        with translated("read dead-letters"):
            rows = self._database.connection.execute(
                "SELECT id, value FROM log WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
                (first + max(after, -1), first + (1 << _OFFSET_BITS), limit),
            ).fetchall()
        return [(number - first, _decode_letter(value)) for number, value in rows]

    def prune(self, topic: Topic, before: int) -> int:
        """Stops at the first record that is kept, so it reads no more than it deletes. Where no group ever read, all have passed."""
        first, pruned = _FIRST[topic], 0
        while True:
            with translated(f"prune {topic}"), self._database.atomic():
                connection = self._database.connection
                rows = connection.execute(_PRUNABLE, (first, topic, (1 << _OFFSET_BITS) - 1, _PRUNED_AT_ONCE)).fetchall()
                young = next((place for place, (_, at) in enumerate(rows) if at >= before), len(rows))
                if young:
                    connection.execute("DELETE FROM log WHERE id BETWEEN ? AND ?", (first, rows[young - 1][0]))
            pruned += young
            if young < _PRUNED_AT_ONCE:
                return pruned

    def _appended(self, topic: Topic, rows: Sequence[tuple[str, int, bytes]]) -> Places:
        if not rows:
            return {}
        with translated(f"append to {topic}"), self._database.atomic():
            begin = self.end(topic).get(PARTITION, -1) + 1
            connection = self._database.connection
            ids = range(_FIRST[topic] + begin, _FIRST[topic] + begin + len(rows))
            connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", [(number, *row) for number, row in zip(ids, rows, strict=True)])
            connection.execute(
                "INSERT INTO log_ends VALUES (?, ?) ON CONFLICT DO UPDATE SET newest = excluded.newest", (topic, begin + len(rows) - 1)
            )
        return {PARTITION: begin + len(rows) - 1}

    def _place(self, query: str, *parameters: str) -> Places:
        """The one offset that the query finds; no place where there is no row."""
        with translated("read how far the log has come"):
            row = self._database.connection.execute(query, parameters).fetchone()
        return {} if row is None else {PARTITION: int(row[0])}
