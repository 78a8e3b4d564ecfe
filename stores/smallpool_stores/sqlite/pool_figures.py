"""What happened in pools hour by hour, the alerts about them, and until when the turn to judge is taken.

In: amounts by pool, kind and hour; alerts. Out: the same. What is too old goes when something is added to its pool.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import json, msgpack

from smallpool_core.alerts import Alert
from smallpool_core.pool_hours import LISTED, LISTINGS_KEPT_H, PAGES_KEPT_H, SOURCES_KEPT_H, Counted, HourCount
from smallpool_stores.sqlite.database import Database, translated

TABLES: Final = """
CREATE TABLE pool_hours (
    pool_id TEXT NOT NULL,
    hour INTEGER NOT NULL,
    counted TEXT NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (pool_id, hour, counted)
) WITHOUT ROWID;
CREATE TABLE pool_alerts (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    alerts BLOB NOT NULL,
    taken_until INTEGER NOT NULL
);
"""

_ADD = "INSERT INTO pool_hours VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount"
_DROP = """
DELETE FROM pool_hours WHERE pool_id = ? AND (hour < ? OR hour < ? AND counted <> ? OR hour < ? AND instr(counted, ':') > 0)
"""
_TAKE = """
INSERT INTO pool_alerts VALUES (1, ?, ?) ON CONFLICT DO UPDATE SET taken_until = excluded.taken_until
WHERE taken_until <= ? OR taken_until > excluded.taken_until
"""
_PUT = "INSERT INTO pool_alerts VALUES (1, ?, 0) ON CONFLICT DO UPDATE SET alerts = excluded.alerts"

_READ = """
SELECT pool_id, counted, hour, amount FROM pool_hours
WHERE pool_id IN (SELECT value FROM json_each(?)) AND hour IN (SELECT value FROM json_each(?))
    AND counted IN (SELECT value FROM json_each(?))
"""

_encode_json = json.Encoder().encode
_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(list[Alert]).decode


class SqlitePoolFigures:
    """Rows by pool, hour and kind. A turn that ends later than any taken now could is of a clock that was set back, and ends at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pruned: dict[str, int] = {}
        """The hour as of which what is too old was last dropped, by pool: once an hour is enough."""

    def add(self, counts: Sequence[HourCount]) -> None:
        if not counts:
            return
        newest = max(one.hour for one in counts)
        pools = {one.pool_id for one in counts}
        due = [pool_id for pool_id in pools if self._pruned.get(pool_id, newest - 1) < newest]
        with self._database.atomic(), translated(f"add what was counted in {len(pools)} pools"):
            connection = self._database.connection
            connection.executemany(_ADD, [(one.pool_id, one.hour, one.counted, one.amount) for one in counts])
            oldest = (newest - LISTINGS_KEPT_H, newest - PAGES_KEPT_H, LISTED, newest - SOURCES_KEPT_H)
            connection.executemany(_DROP, [(pool_id, *oldest) for pool_id in due])
        self._pruned.update(dict.fromkeys(due, newest))

    def read(self, pool_ids: Sequence[str], wanted: Sequence[tuple[Counted, int]]) -> dict[str, dict[tuple[Counted, int], int]]:
        keys = set(wanted)
        values = (pool_ids, sorted({hour for _, hour in wanted}), sorted({counted for counted, _ in wanted}))
        found: dict[str, dict[tuple[Counted, int], int]] = {}
        # In one statement: whoever also wants the interpreter may have it before each.
        with translated(f"read what was counted in {len(pool_ids)} pools"):
            rows = self._database.connection.execute(_READ, [_encode_json(asked).decode() for asked in values]).fetchall()
        for pool_id, counted, hour, amount in rows:
            if (counted, hour) in keys:
                found.setdefault(pool_id, {})[counted, hour] = amount
        return found

    def take_turn(self, now: int, lasts_ms: int) -> bool:
        with self._database.atomic(), translated("take the turn to judge pools"):
            return self._database.connection.execute(_TAKE, (_encode(()), now + lasts_ms, now)).rowcount > 0

    def alerts(self) -> list[Alert]:
        with translated("read the alerts"):
            row = self._database.connection.execute("SELECT alerts FROM pool_alerts").fetchone()
        return [] if row is None else _decode(row[0])

    def put_alerts(self, alerts: Sequence[Alert]) -> None:
        with self._database.atomic(), translated(f"write {len(alerts)} alerts"):
            self._database.connection.execute(_PUT, (_encode(alerts),))
