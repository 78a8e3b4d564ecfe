"""The narrow row beside each listed item: what rules are asked of.

In: listed wide items. Out: ids of those that a rule matches, that carry a wrong tag, or that expired long ago.

A rule's scan reads these rows in the order of writing. Pages of misplaced items come by the index over item_id, so that each
page goes on where the last one ended and a backfill passes the table once. Clustering by item_id would make that pass shorter,
and random ids up to twice as slow to write: measured, see benchmarks/wide_table.py.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from heapq import merge
from itertools import islice
from typing import Any

import msgspec

from smallpool_core.items import WideItem
from smallpool_core.rules import Rule, SqlValue, columns, intervals, row_values, to_sql, untimed
from smallpool_core.versions import MAX_ENRICH
from smallpool_stores.sqlite.database import Database, translated

_COLUMNS = ", ".join(f"{name} {kind}{' PRIMARY KEY' if name == 'item_id' else ''}" for name, kind in columns())
TABLES = f"""
CREATE TABLE fields ({_COLUMNS}, pools TEXT NOT NULL, timed TEXT NOT NULL, understood_by TEXT);
CREATE INDEX fields_by_seller ON fields (seller_id, item_id) WHERE seller_id IS NOT NULL;
CREATE INDEX fields_by_expiry ON fields (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX fields_by_understander ON fields (understood_by, item_id) WHERE understood_by IS NOT NULL;
"""

OVERDUE_MS = 3_600_000
"""An item that expired this long ago, and is listed still, is overdue."""
_READ_AT_ONCE = 1_000
_MARK = "\x1f"

_WRITE = f"INSERT OR REPLACE INTO fields VALUES ({', '.join('?' * (len(columns()) + 3))})"
_OVERDUE = "SELECT item_id FROM fields WHERE expires_at IS NOT NULL AND expires_at <= ? ORDER BY expires_at, item_id LIMIT ?"
ON_SALE = "(f.published_at IS NULL OR f.published_at <= ?) AND (f.expires_at IS NULL OR f.expires_at > ?)"
"""Whether a listed row is on sale; its two parameters are both now."""
# `{holds}` is a compiled rule: SQL of `to_sql`, in which all that is anyone's words is a parameter.
_COUNT_AND_SAMPLE = f"""
WITH hits AS MATERIALIZED (
    SELECT f.item_id FROM fields AS f NOT INDEXED WHERE {ON_SALE} AND ({{holds}})
)
SELECT (SELECT count(*) FROM hits), item_id FROM hits ORDER BY item_id LIMIT ?
"""
# A rule that does not depend on time leaves no intervals, so an item that has some has them from an older one.
_MISPLACED = """
SELECT f.item_id FROM fields AS f
WHERE ((instr(f.pools, ?) > 0) <> ({holds}) OR instr(f.timed, ?) > 0) AND f.item_id > ?
ORDER BY f.item_id LIMIT ?
"""
_IN_QUESTION = """
SELECT f.item_id, instr(f.pools, ?) > 0 AS is_tagged, ({holds}) AS belongs, items.body
FROM fields AS f CROSS JOIN items USING (item_id)
WHERE (is_tagged OR belongs) AND f.item_id > ?
ORDER BY f.item_id LIMIT ?
"""

_LISTED = """
SELECT items.body FROM fields AS f CROSS JOIN items USING (item_id) WHERE f.item_id > ? ORDER BY f.item_id LIMIT ?
"""
_OF_SELLER = """
SELECT items.body FROM fields AS f INDEXED BY fields_by_seller CROSS JOIN items USING (item_id)
WHERE f.seller_id = ? AND f.item_id > ? ORDER BY f.item_id LIMIT ?
"""

# The next of the versions there are, by one look into the index each, however many items have them.
_NEXT_VERSIONS = "SELECT min(understood_by) FROM fields INDEXED BY fields_by_understander WHERE understood_by > ?"
_UNDERSTOOD_BY = """
SELECT item_id FROM fields INDEXED BY fields_by_understander WHERE understood_by = ? AND item_id > ? ORDER BY item_id LIMIT ?
"""

_decode = msgspec.msgpack.Decoder(WideItem).decode


def write(connection: sqlite3.Connection, items: Sequence[WideItem]) -> None:
    """Makes the rows say what the items say: listed ones have theirs, others have none."""
    connection.executemany(_WRITE, [_row(item) for item in items if item.state == "on_sale"])
    connection.executemany("DELETE FROM fields WHERE item_id = ?", [(item.item_id,) for item in items if item.state != "on_sale"])


def matching_ids(database: Database, rule: Rule, now: int) -> list[str]:
    """Ids of listed items for which the whole rule holds at `now`, rising by UTF-8 bytes."""
    holds, parameters = to_sql(rule, now)
    rows = rows_of(database, f"SELECT f.item_id FROM fields AS f NOT INDEXED WHERE {holds}", parameters)
    return sorted((row[0] for row in rows), key=str.encode)


def count_and_sample(database: Database, rule: Rule, now: int, sample: int) -> tuple[int, list[str]]:
    """How many items on sale at `now` the whole rule matches, and the first `sample` of their ids."""
    holds, parameters = to_sql(rule, now)
    rows = rows_of(database, _COUNT_AND_SAMPLE.format(holds=holds), (now, now, *parameters, max(sample, 1)))
    return (rows[0][0] if rows else 0), [row[1] for row in rows[:sample]]


def misplaced(database: Database, pool_id: str, rule: Rule, now: int, after: str, limit: int) -> list[str]:
    """The port's `misplaced`."""
    if rule.is_timed:
        return list(islice(_misplaced_in_time(database, pool_id, rule, now, after), limit))
    tag = _marked([pool_id])
    holds, parameters = to_sql(rule, now)
    rows = rows_of(database, _MISPLACED.format(holds=holds), (tag, *parameters, tag, after, limit))
    return [row[0] for row in rows]


def listed(database: Database, after: str, limit: int) -> list[WideItem]:
    """The port's `listed`."""
    return [_decode(body) for (body,) in rows_of(database, _LISTED, (after, limit))]


def understood_otherwise(database: Database, versions: Mapping[str, str], after: str, limit: int) -> list[str]:
    """The port's `understood_otherwise`."""
    current = _versions(versions)
    with translated("look for items that are understood by other versions"):
        return list(
            islice(merge(*[_understood_by(database, one, after, limit) for one in _all_versions(database) if one != current]), limit)
        )


def of_seller(database: Database, seller_id: str, after: str, limit: int) -> list[WideItem]:
    """The port's `of_seller`."""
    return [_decode(body) for (body,) in rows_of(database, _OF_SELLER, (seller_id, after, limit))]


def overdue(database: Database, now: int, limit: int) -> list[str]:
    """The port's `overdue`, longest overdue first."""
    with translated("look for overdue items"):
        return [row[0] for row in database.connection.execute(_OVERDUE, (now - OVERDUE_MS, limit))]


def _misplaced_in_time(database: Database, pool_id: str, rule: Rule, now: int, after: str) -> Iterator[str]:
    """Where a rule depends on time, an item with the right tag may carry intervals of another rule: those are compared."""
    holds, parameters = to_sql(untimed(rule), now)
    while True:
        rows = rows_of(database, _IN_QUESTION.format(holds=holds), (_marked([pool_id]), *parameters, after, _READ_AT_ONCE))
        for item_id, is_tagged, belongs, body in rows:
            if not (is_tagged and belongs) or _has_other_intervals(_decode(body), pool_id, rule):
                yield item_id
        if len(rows) < _READ_AT_ONCE:
            return
        after = rows[-1][0]


def _has_other_intervals(item: WideItem, pool_id: str, rule: Rule) -> bool:
    # None, of a rule without time, says always; an empty list says never.
    return item.intervals.get(pool_id) != intervals(rule, item)


def _all_versions(database: Database) -> Iterator[str]:
    found = ""
    while True:
        found = database.connection.execute(_NEXT_VERSIONS, (found,)).fetchone()[0]
        if found is None:
            return
        yield found


def _understood_by(database: Database, versions: str, after: str, limit: int) -> list[str]:
    return [row[0] for row in database.connection.execute(_UNDERSTOOD_BY, (versions, after, limit))]


def rows_of(database: Database, query: str, values: Sequence[SqlValue]) -> list[tuple[Any, ...]]:
    """What a question with a compiled rule in it finds."""
    with translated("ask a rule of the wide table"):
        return database.connection.execute(query, values).fetchall()


def _row(item: WideItem) -> tuple[SqlValue, ...]:
    can_be_renewed = item.versions and item.given and item.enrich < MAX_ENRICH
    return (*row_values(item), _marked(item.pools), _marked(item.intervals), _versions(item.versions) if can_be_renewed else None)


def _versions(versions: Mapping[str, str]) -> str:
    """One text for a set of versions, the same in every process; short, since an index holds it once an item."""
    return blake2b(msgspec.json.encode(versions, order="sorted"), digest_size=8).hexdigest()


def _marked(pool_ids: Collection[str]) -> str:
    """`a, b` as one text in which `_MARK a _MARK` is found; pool ids hold no control characters."""
    return f"{_MARK}{_MARK.join(pool_ids)}{_MARK}" if pool_ids else ""
