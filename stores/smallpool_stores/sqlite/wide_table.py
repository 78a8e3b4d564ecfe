"""The wide table in SQLite: one record an item, the newest, in the order in which they were written.

In: wide items as the write path made them. Out: records by id, or after a place in that order; ids of items by their fields.

Records are clustered by `seq`: a write takes an item's record away from its old place and puts the new one at the end, so that
a tail is one range read forward. What rules ask stands apart in `wide_fields`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import msgspec

from smallpool_core.cuts import Cut, CutBy
from smallpool_core.items import WideItem, WideRecord
from smallpool_core.places import Places
from smallpool_core.ports import Clock
from smallpool_core.rule_counts import Breakdown, Exclusion
from smallpool_core.rules import Rule
from smallpool_core.versions import ENRICH_STRIPPED
from smallpool_stores.sqlite import rule_counts, wide_fields
from smallpool_stores.sqlite.database import Database, translated
from smallpool_stores.sqlite.event_log import PARTITION

T = TypeVar("T")

TABLES = f"""
CREATE TABLE items (
    seq INTEGER PRIMARY KEY,
    item_id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    enrich INTEGER NOT NULL,
    state TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX items_to_strip ON items (recorded_at) WHERE state <> 'on_sale' AND enrich < {ENRICH_STRIPPED};
{wide_fields.TABLES}"""

_NOTHING_STORED = (-1, -1)
_WRITE = "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?, ?)"
_ORDERS = "SELECT item_id, version, enrich FROM items WHERE item_id IN (SELECT value FROM json_each(?))"
_BODIES = "SELECT body FROM items WHERE item_id IN (SELECT value FROM json_each(?))"
_TAIL = "SELECT seq, body FROM items WHERE seq > ? ORDER BY seq LIMIT ?"
_STRIPPABLE = f"""
SELECT item_id FROM items WHERE state <> 'on_sale' AND enrich < {ENRICH_STRIPPED} AND recorded_at < ?
ORDER BY recorded_at, seq LIMIT ?
"""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(WideItem).decode


class SqliteWideTable:
    """The wide table. `clock` dates each record, which is what `strippable` goes by."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, item_ids: Collection[str]) -> dict[str, WideItem]:
        with translated("read items"):
            rows = self._database.connection.execute(_BODIES, (_listed(item_ids),)).fetchall()
        items = [_decode(body) for (body,) in rows]
        return {item.item_id: item for item in items}

    def append(self, items: Sequence[WideItem]) -> list[bool]:
        with translated("record items"), self._database.atomic():
            rows = self._database.connection.execute(_ORDERS, (_listed([item.item_id for item in items]),))
            stored = {item_id: (version, enrich) for item_id, version, enrich in rows}
            newer = [item.order > stored.get(item.item_id, _NOTHING_STORED) for item in items]
            self._write([item for item, is_newer in zip(items, newer, strict=True) if is_newer])
        return newer

    def tail(self, after: int, limit: int) -> list[WideRecord]:
        """Records with an offset above `after`, rising; an item appears once, at its newest place."""
        return [WideRecord(PARTITION, seq, item) for seq, item in self.tail_as(after, limit, WideItem)]

    def tail_as(self, after: int, limit: int, kind: type[T]) -> list[tuple[int, T]]:
        """`tail`, each record decoded into a Struct of the caller's: fields that it does not name are skipped, which is faster."""
        decode = msgspec.msgpack.Decoder(kind).decode
        with translated("read the tail of the wide table"):
            rows = self._database.connection.execute(_TAIL, (after, limit)).fetchall()
        return [(seq, decode(body)) for seq, body in rows]

    def end(self) -> Places:
        return {PARTITION: self.newest()}

    def newest(self) -> int:
        """The newest offset, -1 where there is none. It never falls: a record leaves its place only for a later one, in one transaction."""
        with translated("read the end of the wide table"):
            return int(self._database.connection.execute("SELECT coalesce(max(seq), -1) FROM items").fetchone()[0])

    def misplaced(self, pool_id: str, rule: Rule, now: int, after: str, limit: int) -> list[str]:
        return wide_fields.misplaced(self._database, pool_id, rule, now, after, limit)

    def listed(self, after: str, limit: int) -> list[WideItem]:
        return wide_fields.listed(self._database, after, limit)

    def understood_otherwise(self, versions: Mapping[str, str], after: str, limit: int) -> list[str]:
        return wide_fields.understood_otherwise(self._database, versions, after, limit)

    def of_seller(self, seller_id: str, after: str, limit: int) -> list[WideItem]:
        return wide_fields.of_seller(self._database, seller_id, after, limit)

    def overdue(self, now: int, limit: int) -> list[str]:
        return wide_fields.overdue(self._database, now, limit)

    def strippable(self, before: int, limit: int) -> list[str]:
        with translated("look for items to strip"):
            return [row[0] for row in self._database.connection.execute(_STRIPPABLE, (before, limit))]

    def matching_ids(self, rule: Rule, now: int) -> list[str]:
        """Ids of listed items for which the whole rule holds at `now`, rising by UTF-8 bytes; one scan of all listed items."""
        return wide_fields.matching_ids(self._database, rule, now)

    def count_and_sample(self, rule: Rule, now: int, sample: int) -> tuple[int, list[str]]:
        """How many listed, unexpired items the whole rule matches at `now`, and the first `sample` of their ids by item_id."""
        return wide_fields.count_and_sample(self._database, rule, now, sample)

    def breakdown(self, rule: Rule, now: int, limit: int) -> Breakdown:
        """The port `ItemReader`'s, of what this table holds."""
        return rule_counts.breakdown(self._database, rule, now, limit)

    def exclusions(self, parts: Sequence[Rule], now: int) -> list[Exclusion]:
        """The port `ItemReader`'s, of what this table holds."""
        return rule_counts.exclusions(self._database, parts, now)

    def cut_off(self, rule: Rule, by: CutBy, size: int, now: int) -> Cut | None:
        """The port `ItemReader`'s, of what this table holds."""
        return rule_counts.cut_off(self._database, rule, by, size, now)

    def while_wanted(self, ask: Callable[[], T], is_given_up: Callable[[], bool]) -> T:
        """What `ask` finds in this thread; raises `StoreUnavailable` soon after it was given up."""
        with self._database.interruptible(is_given_up):
            return ask()

    def _write(self, items: Sequence[WideItem]) -> None:
        connection, first, now = self._database.connection, self.newest() + 1, self._clock.now_ms()
        rows = [(seq, item.item_id, item.version, item.enrich, item.state, now, _encode(item)) for seq, item in enumerate(items, first)]
        connection.executemany(_WRITE, rows)
        wide_fields.write(connection, items)


def _listed(item_ids: Collection[str]) -> str:
    """The ids as one parameter, however many they are."""
    return msgspec.json.encode(list(item_ids)).decode()
