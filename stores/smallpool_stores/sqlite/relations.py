"""Lists of related items in SQLite: a row a list, and one row that says which generation serves and who has the turn to write.

In: lists as they were counted. Out: the same. A generation that no longer serves goes in small pieces, so that nobody who writes waits
long for it.
"""

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import json, msgpack

from smallpool_core.relations import SITE, Generation, Key, Related, RelationKind, RelationList, Source
from smallpool_stores.sqlite.database import Database, translated

TABLES: Final = """
CREATE TABLE relation_lists (
    generation INTEGER NOT NULL,
    pool_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (generation, pool_id, kind, key)
) WITHOUT ROWID;
CREATE TABLE relation_state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    serving INTEGER,
    generation BLOB,
    taken_until INTEGER NOT NULL
);
INSERT INTO relation_state VALUES (1, NULL, NULL, 0);
"""

DROPPED_AT_ONCE: Final = 2_000

_SERVING = "SELECT generation FROM relation_state"
_RELATED = """
SELECT key, packed FROM relation_lists
WHERE generation = (SELECT serving FROM relation_state) AND pool_id = ? AND kind = ? AND key IN (SELECT value FROM json_each(?))
"""
_PUT = "INSERT INTO relation_lists VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET packed = excluded.packed"
_NOTE = "UPDATE relation_state SET serving = ?, generation = ?"
_DROP = """
DELETE FROM relation_lists WHERE (generation, pool_id, kind, key) IN
(SELECT generation, pool_id, kind, key FROM relation_lists WHERE generation < ? LIMIT ?)
"""
_TAKE = "UPDATE relation_state SET taken_until = ?1 + ?2 WHERE taken_until <= ?1 OR taken_until > ?1 + ?2"

_KEEP = "UPDATE relation_state SET taken_until = ? WHERE taken_until = ?"

_encode_json = json.Encoder().encode
_encode = msgpack.Encoder().encode
_decode_list = msgpack.Decoder(RelationList).decode
_decode_related = msgpack.Decoder(tuple[int, float, list[Related]]).decode
_decode_generation = msgpack.Decoder(Generation).decode


class SqliteRelations:
    """Lists as msgpack. A turn's name is when it ends, which none that is taken later shares. One that ends
    later than any taken now could is of a clock that was set back, and ends at once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def related(self, kind: RelationKind, keys: Collection[str], limit: int, pool_id: str = SITE) -> dict[str, list[Related]]:
        return {key: _decode_related(packed)[2][:limit] for key, packed in self._packed(kind, keys, pool_id)}

    async def serving(self) -> Generation | None:
        return self.current()

    def current(self) -> Generation | None:
        with translated("read how old the lists of related items are"):
            [packed] = self._database.connection.execute(_SERVING).fetchone()
        return None if packed is None else _decode_generation(packed)

    def load(self, keys: Collection[Key]) -> dict[Key, RelationList]:
        by_place: dict[tuple[RelationKind, str], list[str]] = {}
        for key in keys:
            by_place.setdefault((key.kind, key.pool_id), []).append(key.key)
        return {
            Key(kind, key, pool_id): _decode_list(packed)
            for (kind, pool_id), wanted in by_place.items()
            for key, packed in self._packed(kind, wanted, pool_id)
        }

    def merge(self, lists: Mapping[Key, RelationList], progress: Generation) -> None:
        with self._database.atomic():
            self.fill(progress.number, lists)
            self._note(progress)

    def begin(self, now: int, _source: Source = "log") -> int:
        serving = self.current()
        return now if serving is None else max(now, serving.number + 1)

    def fill(self, number: int, lists: Mapping[Key, RelationList]) -> None:
        rows = [(number, key.pool_id, key.kind, key.key, _encode(one)) for key, one in lists.items()]
        with translated(f"write {len(lists)} lists of related items"), self._database.atomic():
            self._database.connection.executemany(_PUT, rows)

    def switch(self, generation: Generation) -> None:
        with self._database.atomic():
            self._note(generation)
        dropped = DROPPED_AT_ONCE
        while dropped == DROPPED_AT_ONCE:
            with translated("drop the lists of related items of before"), self._database.atomic():
                dropped = self._database.connection.execute(_DROP, (generation.number, DROPPED_AT_ONCE)).rowcount

    def take_turn(self, now: int, lasts_ms: int) -> str | None:
        with translated("take the turn to relate items"), self._database.atomic():
            taken = self._database.connection.execute(_TAKE, (now, lasts_ms)).rowcount
        return str(now + lasts_ms) if taken else None

    def keep_turn(self, turn: str, now: int, lasts_ms: int) -> str | None:
        return str(now + lasts_ms) if self._end_at(now + lasts_ms, turn) else None

    def end_turn(self, turn: str) -> None:
        self._end_at(0, turn)

    def _end_at(self, until: int, turn: str) -> bool:
        with translated("keep the turn to relate items or give it back"), self._database.atomic():
            return self._database.connection.execute(_KEEP, (until, int(turn))).rowcount > 0

    def _packed(self, kind: RelationKind, keys: Collection[str], pool_id: str) -> list[tuple[str, bytes]]:
        with translated(f"read what is related to {len(keys)} items"):
            return self._database.connection.execute(_RELATED, (pool_id, kind, _encode_json(list(keys)))).fetchall()

    def _note(self, generation: Generation) -> None:
        with translated("write how old the lists of related items are"):
            self._database.connection.execute(_NOTE, (generation.number, _encode(generation)))
