"""Pairs of items counted over events by DuckDB: in memory as far as that is allowed, beyond it in files of a directory of its own.

In: events, from this process or from files. Out: lists of related items, or what new events add to those that there are.

It computes in one thread, beside which a server goes on answering, and sums in one order, so that the same events give the same lists.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count, groupby, islice
from math import ceil
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
from msgspec import json

from smallpool_core.behaviour import TOUCHING
from smallpool_core.relations import Additions, Counted, Counts, Key, RelationList, RelationSettings
from smallpool_core.users import UserEvent
from smallpool_stores.duckdb import statements
from smallpool_stores.duckdb.edge import translated
from smallpool_stores.duckdb.event_files import events_of_file

KINDS: Final[tuple[Counts, Counts]] = ("view", "purchase")
FETCHED: Final = 500
PAIRS_A_MB: Final = 4_000
"""Pairs that are counted at a time, for each MB: each takes some 50 bytes while it is summed, and others while it is ranked."""
WRITTEN: Final = 20_000
YEAR_2100_MS: Final = 4_102_444_800_000
"""A row from before 1970 or from after this is none: its `at` is in another unit, or broken."""

_encode = json.Encoder().encode


@contextmanager
def covisits(settings: RelationSettings, weights: Mapping[str, float]) -> Iterator["DuckdbCoVisits"]:
    """Counts one set of events, in a directory that is removed after; `weights`: what an event of a type is worth to a term's lists."""
    with TemporaryDirectory(prefix="smallpool-relations-") as folder:
        counting = DuckdbCoVisits(Path(folder), settings, weights)
        try:
            yield counting
        finally:
            counting.close()


class DuckdbCoVisits:
    """The port `CoVisits` over a file of DuckDB in a directory of its own."""

    def __init__(self, folder: Path, settings: RelationSettings, weights: Mapping[str, float]) -> None:
        self._folder = folder
        self._settings = settings
        self._numbers = count()
        with translated("begin to count pairs of items"):
            self._connection = duckdb.connect(
                str(folder / "counting.duckdb"),
                config={
                    "memory_limit": f"{settings.memory_mb}MB",
                    "temp_directory": str(folder / "spilled"),
                    "threads": 1,
                    "preserve_insertion_order": False,
                },
            )
            self._connection.execute("SET enable_progress_bar = false")  # it is drawn on stdout, into what a command prints there
            self._connection.execute(statements.TABLES)
            kinds = [(name, KINDS.index(_kind_of(name)), weight) for name, weight in weights.items() if name in TOUCHING | {"purchase"}]
            self._connection.executemany("INSERT INTO types VALUES (?, ?, ?)", kinds)

    def take(self, events: Iterable[UserEvent], *, fresh: bool = True) -> int:
        rows = (
            {"person": event.identity.key, "type": event.type, "item": event.item_id, "ms": event.at, "fresh": fresh}
            for event in events
            if event.item_id is not None and (event.type in TOUCHING or event.type == "purchase")
        )
        columns = {"person": "VARCHAR", "type": "VARCHAR", "item": "VARCHAR", "ms": "BIGINT", "fresh": "BOOLEAN"}
        return self._put("taken", columns, rows)

    def read(self, files: Sequence[str]) -> tuple[int, int]:
        taken = skipped = 0
        for file in files:
            rows = events_of_file(self._connection, file)
            with translated(f"read the events of {file}"):
                self._connection.execute(f"CREATE OR REPLACE TEMP TABLE rows AS {rows}")
                sound = f"person IS NOT NULL AND type IS NOT NULL AND item IS NOT NULL AND coalesce(ms BETWEEN 0 AND {YEAR_2100_MS}, FALSE)"
                skipped += self._one(f"SELECT count(*) FROM rows WHERE NOT ({sound})")
                wanted = f"FROM rows WHERE {sound} AND type IN (SELECT type FROM types)"
                taken += self._one(f"SELECT count(*) {wanted}")
                self._connection.execute(f"INSERT INTO taken SELECT 'u:' || person, type, item, ms, TRUE {wanted}")
                self._connection.execute("DROP TABLE rows")
        return taken, skipped

    def last_at(self) -> int:
        with translated("find the last event"):
            return self._one("SELECT coalesce(max(ms), 0) FROM taken")

    def items(self) -> Iterator[Sequence[str]]:
        found = self._fetched("SELECT DISTINCT item FROM taken ORDER BY item")
        while some := [item for (item,) in islice(found, FETCHED)]:
            yield some

    def know(self, items: Iterable[tuple[str, bool, Sequence[str], Sequence[str]]]) -> None:
        known = list(items)
        text = {"item": "VARCHAR"}
        self._put("known", text | {"gone": "BOOLEAN"}, ({"item": item, "gone": gone} for item, gone, _, _ in known))
        terms = ({"item": item, "term": term} for item, _, terms, _ in known for term in terms)
        self._put("known_terms", text | {"term": "VARCHAR"}, terms)
        pools = ({"item": item, "pool": pool} for item, _, _, pools in known for pool in pools)
        self._put("known_pools", text | {"pool": "VARCHAR"}, pools)

    def lists(self, at: int) -> Iterator[tuple[Key, RelationList]]:
        for shard in self._counted(at, fresh_only=False):
            self._run(statements.heaviest(self._settings))
            for named, rows in groupby(self._fetched(statements.ITEM_LISTS, shard), key=itemgetter(0, 1, 2, 3)):
                kind, item, pool, count = named
                entries = tuple([Counted(*row[4:]) for row in rows if row[4] is not None])
                yield Key(KINDS[kind], item, pool), RelationList(at, count, entries)
        for (term, pool), rows in groupby(self._fetched(statements.term_lists(self._settings)), key=itemgetter(0, 1)):
            yield Key("term", term, pool), RelationList(at, 0.0, tuple([Counted(item, weight, weight, 0.0) for _, _, item, weight in rows]))

    def additions(self, at: int) -> Additions:
        pairs: defaultdict[Key, dict[str, float]] = defaultdict(dict)
        for _ in self._counted(at, fresh_only=True):
            for kind, item, pool, other, added in self._fetched(statements.PAIRS_ADDED):
                pairs[Key(KINDS[kind], item, pool)][other] = added
        for term, pool, item, gained in self._fetched(statements.GAINS_ADDED):
            pairs[Key("term", term, pool)][item] = gained
        counts: dict[Counts, dict[str, float]] = {kind: {} for kind in KINDS}
        for kind, item, counted in self._fetched(statements.COUNTS_ADDED):
            counts[KINDS[kind]][item] = counted
        return Additions(at, counts, pairs)

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def _counted(self, at: int, *, fresh_only: bool) -> Iterator[dict[str, int]]:
        """Counts everything but pairs, then the pairs of one shard of items after another, which it names."""
        settings, as_of = self._settings, {"now": at}
        for statement in (statements.NAMES, statements.LEFT, statements.HELD, statements.acts(settings), statements.STEPS):
            self._run(statement)
        self._run(statements.ahead(settings))
        self._run(statements.counts(settings, fresh_only=fresh_only), as_of)
        self._run(statements.gains(settings, fresh_only=fresh_only), as_of)
        most = 2 * settings.window * self._one("SELECT count(*) FROM steps")
        shards = max(1, ceil(most / (PAIRS_A_MB * settings.memory_mb)))
        for shard in range(shards):
            place = {"shard": shard, "shards": shards}
            self._run(statements.pairs(settings, fresh_only=fresh_only), as_of | place)
            yield place

    def _run(self, statement: str, values: Mapping[str, int] | None = None) -> None:
        with translated("count pairs of items"):
            self._connection.execute(statement, values)

    def _fetched(self, query: str, values: Mapping[str, int] | None = None) -> Iterator[Any]:
        with self._connection.cursor() as cursor:
            with translated("read what was counted"):
                cursor.execute(query, values)
            while True:
                with translated("read what was counted"):
                    rows = cursor.fetchmany(FETCHED)
                if not rows:
                    return
                yield from rows

    def _one(self, query: str) -> int:
        row = self._connection.execute(query).fetchone()
        return int(row[0]) if row is not None else 0

    def _put(self, table: str, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> int:
        """Rows go by way of a file, which DuckDB reads many times faster than it takes values one by one."""
        put = 0
        left = iter(rows)
        file = self._folder / f"{next(self._numbers)}.jsonl"
        while some := list(islice(left, WRITTEN)):
            with translated("take in what is to be counted"):
                file.write_bytes(b"\n".join(map(_encode, some)))
                names = ", ".join(columns)
                self._connection.execute(
                    f"INSERT INTO {table} SELECT {names} FROM read_json($file, format = 'newline_delimited', columns = $columns)",
                    {"file": str(file), "columns": dict(columns)},
                )
            put += len(some)
        file.unlink(missing_ok=True)
        return put


def _kind_of(event_type: str) -> Counts:
    return "purchase" if event_type == "purchase" else "view"
