"""Three layouts of the wide index for term recall inside one pool, asked the same questions in one run.

In: how many items and pools. Out: milliseconds a question in the largest pools and in pools by Zipf, bytes, and the cost of an upsert for

    indexed    an index over each pool of more than 512 rows, lines for rows that came later (`smallpool_stores.memory`, whole port: hits
               included)
    lines      the same without any index: a line of 16 terms an item, gathered for the pool's rows
    sqlite     postings (pool, term, item) in one clustered SQLite table; holds the asked pools alone, its size is projected

    python benchmarks/layouts.py --items 1000000 --pools 10000 --json

Every question asks another pool with 20 terms, 200 excluded ids, cap 3 and 100 hits, and the layouts must give the same ids. `cpu`
is the thread's own time, which a busy machine disturbs less. `entries_per_row` is what `terms.ENTRIES_PER_ROW` should be.
"""

import argparse
import gc
import json
import platform
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import psutil
from msgspec.structs import replace

from smallpool_core.fields import Attributes
from smallpool_core.pages import Query, Scope
from smallpool_core.pools import HOME
from smallpool_core.rules import parse_rule
from smallpool_stores.memory.columns import ColumnIndex
from smallpool_stores.memory.listing import ListingRow
from smallpool_stores.memory.pool_rows import SETTLE_FLOOR
from smallpool_stores.memory.terms import RowTerms

NOW = 1_750_000_000_000
POOLS_PER_ITEM = 10
LARGEST_POOL = 10_000
TERMS = 20
EXCLUDED = 200
CAP = 3
LIMIT = 100
LOADED_AT_ONCE = 5_000
NEVER = 2**31
"""A floor that no pool reaches: none is indexed."""
ALL = parse_rule({"all": []}, Attributes({}))
Questions = list[tuple[Query, dict[str, int]]]
Times = list[tuple[float, float]]
Figures = dict[str, float]


class Catalogue:
    """Random items and pools: pool sizes by Zipf up to `LARGEST_POOL`, terms of every kind from frequent to nearly unique."""

    def __init__(self, items: int, pools: int, seed: int) -> None:
        self.count = items
        self._draw = random.Random(seed)
        draw = np.random.default_rng(seed)
        share = 1 / np.arange(1, pools + 1) ** 0.6
        self.sizes = np.clip(share / share.sum() * items * POOLS_PER_ITEM, 1, min(LARGEST_POOL, items)).astype(int)
        members = np.repeat(np.arange(pools, dtype=np.int32), self.sizes)
        draw.shuffle(members)
        self._members = np.array_split(members, items)
        self.category = np.minimum(draw.pareto(0.8, items) * 20, 4_999).astype(np.int32)
        self.static = draw.integers(0, 512, items).astype(np.int32)
        self.published = NOW - draw.integers(1, 86_400_000, items)

    def item(self, number: int, enrich: int = 0) -> ListingRow:
        """One item; another `enrich` has other terms."""
        draw = random.Random(number * 8 + enrich)
        leaf = int(self.category[number])
        top = leaf % 40
        seller = f"s{draw.randrange(200_000)}"
        terms = (
            f"category:t{top}›c{leaf}",
            f"brand:b{int(draw.random() ** 3 * 300)}",
            *(f"point:p{int(draw.random() ** 2 * 20_000)}" for _ in range(6)),
            f"tag:g{draw.randrange(30)}",
            f"category:t{top}",
            f"seller:{seller}",
            f"price_band:t{top}:{draw.randrange(10)}",
            f"city:c{draw.randrange(300)}",
        )
        return ListingRow(
            item_id=item_id(number),
            version=1,
            enrich=enrich,
            state="on_sale",
            category=f"t{top}›c{leaf}",
            seller_id=seller,
            sale="fixed",
            price_cents=draw.randrange(1_000_000),
            quality=500,
            seller_score=500,
            published_at=int(self.published[number]),
            static_score=int(self.static[number]),
            pools=tuple(sorted({pool_id(pool) for pool in self._members[number].tolist()})),
            terms=tuple(dict.fromkeys(terms)),
        )

    def question(self, pool: int) -> tuple[Query, dict[str, int]]:
        """What a buyer with an interest in one top category asks of the pool."""
        draw, weights = self._draw, dict[str, int]()
        top = draw.randrange(40)
        weights[f"category:t{top}"] = draw.randint(1, 1024)
        for _ in range(3):
            weights[f"category:t{top}›c{draw.randrange(125) * 40 + top}"] = draw.randint(1, 1024)
        for _ in range(4):
            weights[f"brand:b{int(draw.random() ** 3 * 300)}"] = draw.randint(1, 1024)
        while len(weights) < TERMS:
            weights[f"point:p{int(draw.random() ** 2 * 20_000)}"] = draw.randint(1, 1024)
        excluded = frozenset(item_id(draw.randrange(self.count)) for _ in range(EXCLUDED))
        return Query(Scope(pool_id(pool), ALL, trusted=True), excluded, CAP, LIMIT, NOW), weights


class Layout(Protocol):
    """What is compared: the best 100 ids under the cap, and a changed item put into all its pools, new terms included."""

    def ask(self, query: Query, weights: dict[str, int]) -> list[str]: ...
    def upsert(self, item: ListingRow) -> None: ...


class Columns:
    """The adapter itself; pools are indexed from `floor` rows on."""

    def __init__(self, floor: int) -> None:
        self.index = ColumnIndex(settle_floor=floor)

    def load(self, rows: Sequence[ListingRow]) -> None:
        self.index.live_view.load(rows)

    def ask(self, query: Query, weights: dict[str, int]) -> list[str]:
        return [hit.item_id for hit in self.index.recall(query, weights).hits]

    def upsert(self, item: ListingRow) -> None:
        self.load([item])


class SqlitePostings:
    """The clustered table, with what a row needs beside it; read with a page cache that holds all of it."""

    def __init__(self, path: Path, catalogue: Catalogue, pools: set[str]) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self._pools = pools
        self._terms: dict[str, int] = {}
        self.count = 0
        self.connection.executescript(
            """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1000000; PRAGMA temp_store = MEMORY;
            CREATE TABLE items (item INTEGER PRIMARY KEY, item_id TEXT, category TEXT, static INTEGER, live_from INTEGER);
            CREATE TABLE postings (pool TEXT, term INTEGER, item INTEGER, PRIMARY KEY (pool, term, item)) WITHOUT ROWID;
            CREATE TABLE asked (term INTEGER PRIMARY KEY, weight INTEGER);
            CREATE TABLE excluded (item INTEGER PRIMARY KEY);
            BEGIN;
            """
        )
        postings = []
        for number in range(catalogue.count):
            item = catalogue.item(number)
            row = (number, item.item_id, item.category, item.static_score, item.published_at)
            self.connection.execute("INSERT INTO items VALUES (?, ?, ?, ?, ?)", row)
            postings += self._postings(number, item)
        postings.sort()
        self.count = len(postings)
        self.connection.executemany("INSERT INTO postings VALUES (?, ?, ?)", postings)
        self.connection.execute("COMMIT")
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def ask(self, query: Query, weights: dict[str, int]) -> list[str]:
        run = self.connection.execute
        run("DELETE FROM asked")
        asked = [(self._terms[term], weight) for term, weight in weights.items() if term in self._terms]
        self.connection.executemany("INSERT INTO asked VALUES (?, ?)", asked)
        run("DELETE FROM excluded")
        self.connection.executemany("INSERT INTO excluded VALUES (?)", [(int(name[3:]),) for name in query.excluded])
        rows = run(
            """
            SELECT item_id, category FROM (
                SELECT p.item AS item, sum(weight) AS weight
                FROM asked CROSS JOIN postings AS p ON p.pool = ? AND p.term = asked.term GROUP BY p.item
            ) JOIN items USING (item) WHERE live_from <= ? AND item NOT IN (SELECT item FROM excluded)
            ORDER BY 512 * weight + static DESC, item_id
            """,
            (query.scope.pool_id, query.now),
        )
        return under_cap(rows)

    def upsert(self, item: ListingRow) -> None:
        number = int(item.item_id[3:])
        self.connection.execute("BEGIN")
        self.connection.executemany("INSERT OR IGNORE INTO postings VALUES (?, ?, ?)", self._postings(number, item))
        self.connection.execute("COMMIT")

    def _postings(self, number: int, item: ListingRow) -> list[tuple[str, int, int]]:
        terms = [self._terms.setdefault(term, len(self._terms)) for term in item.terms]
        return [(pool, term, number) for pool in item.pools if pool in self._pools for term in terms]


def item_id(number: int) -> str:
    """The id of an item by its number."""
    return f"it-{number:08}"


def pool_id(number: int) -> str:
    """The id of a pool by its number; 0 is the largest."""
    return f"pool-{number:05}"


def under_cap(found: Iterable[tuple[str, str]]) -> list[str]:
    """The first `LIMIT` ids with at most `CAP` of a category."""
    taken: Counter[str] = Counter()
    kept: list[str] = []
    for name, category in found:
        taken[category] += 1
        if taken[category] <= CAP:
            kept.append(name)
            if len(kept) == LIMIT:
                break
    return kept


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """(wall, cpu) milliseconds of one call."""
    wall, cpu = time.perf_counter(), time.thread_time()
    action()
    return (time.perf_counter() - wall) * 1e3, (time.thread_time() - cpu) * 1e3


def figures_of(name: str, times: Times) -> Figures:
    """p50 and p99 of wall and cpu time."""
    names = [f"{name}_{kind}_{percent}_ms" for percent in ("p50", "p99") for kind in ("wall", "cpu")]
    return dict(zip(names, np.percentile(times, (50, 99), axis=0).round(3).reshape(-1).tolist(), strict=True))


def measure(layout: Layout, largest: Questions, by_zipf: Questions, changed: list[ListingRow]) -> Figures:
    """Times all questions, then the upserts."""
    figures: Figures = {}
    for name, questions in (("largest", largest), ("zipf", by_zipf)):
        figures |= figures_of(name, [timed(partial(layout.ask, *question)) for question in questions])
    return figures | figures_of("upsert", [timed(partial(layout.upsert, item)) for item in changed])


def load(columns: Columns, catalogue: Catalogue) -> Figures:
    """Fills the adapter; the making of items is not timed."""
    gc.collect()
    process, spent = psutil.Process(), 0.0
    before = process.memory_info().rss
    for first in range(0, catalogue.count, LOADED_AT_ONCE):
        page = [catalogue.item(number) for number in range(first, min(first + LOADED_AT_ONCE, catalogue.count))]
        spent += timed(partial(columns.load, page))[1] / 1e3
    settled = timed(columns.index.settle)[1] / 1e3
    gc.collect()
    rows = columns.index.rows
    return {
        "load_cpu_s": round(spent, 1),
        "settle_cpu_s": round(settled, 1),
        "resident_mb": round((process.memory_info().rss - before) / 1e6),
        "packed_bytes_per_item": round(rows.nbytes / len(rows), 1),
    }


def own_figures(lines: Columns, catalogue: Catalogue, questions: Questions) -> Figures:
    """What the adapter alone does: the whole marketplace as one pool, looks before a claim, records taken in as the indexer does."""
    everything = Scope(HOME, ALL, trusted=True, everything=True)
    home = [timed(partial(lines.ask, replace(query, scope=everything), weights)) for query, weights in questions[:40]]
    ids = [item_id(number) for number in range(40)]
    look = [timed(partial(lines.index.live_view.look, ids, query.scope.pool_id, NOW)) for query, _ in questions]
    changed = [catalogue.item(number, enrich=2) for number in range(0, catalogue.count, max(1, catalogue.count // 6_400))]
    taken = [timed(partial(lines.index.rows.take, changed[first : first + 64])) for first in range(0, len(changed), 64)]
    return {
        **figures_of("home", home),
        **figures_of("look_40", look),
        "taken_in_per_cpu_s": round(len(changed) / sum(cpu for _, cpu in taken) * 1e3),
        "entries_per_row": crossover(lines, questions),
    }


def crossover(lines: Columns, questions: Questions) -> float:
    """How many entries of lists are read in the time of one line: medians of cpu time over questions asked both ways."""
    terms = lines.index._terms  # noqa: SLF001, what is tuned
    by_line, by_entry = [], []
    for query, weights in questions:
        rows, asked = lines.index.rows.pool(query.scope.pool_id).at(NOW), terms.asked(weights)
        by_line.append(timed(partial(terms._marks_by_lines, RowTerms(rows), asked))[1] / len(rows))  # noqa: SLF001
        entries = sum(len(terms._lists[number].rows) for number in asked.marks)  # noqa: SLF001
        by_entry.append(timed(partial(terms._marks_by_lists, rows, asked))[1] / entries)  # noqa: SLF001
    return round(float(np.median(by_line) / np.median(by_entry)), 1)


def compare(arguments: argparse.Namespace) -> dict[str, Figures]:
    """Figures of every layout; ends the program where two of them answer differently."""
    catalogue, draw, pools = (
        Catalogue(arguments.items, arguments.pools, arguments.seed),
        random.Random(arguments.seed),
        range(arguments.pools),
    )
    large = [pool for pool in pools if catalogue.sizes[pool] >= 0.9 * catalogue.sizes[0]]
    largest = [catalogue.question(large[number % len(large)]) for number in range(arguments.questions)]
    by_zipf = [catalogue.question(pool) for pool in draw.choices(pools, [1 / (pool + 1) for pool in pools], k=arguments.questions)]
    asked = {query.scope.pool_id for query, _ in (*largest, *by_zipf)}
    changed = [catalogue.item(number, enrich=1) for number in draw.sample(range(arguments.items), min(500, arguments.items))]
    lines, indexed = Columns(NEVER), Columns(SETTLE_FLOOR)
    figures = {"lines": load(lines, catalogue), "indexed": load(indexed, catalogue)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "postings.db"
        sqlite = SqlitePostings(path, catalogue, asked)
        held = path.stat().st_size / sqlite.count
        figures["sqlite"] = {"postings_held": sqlite.count, "disk_mb_projected": round(held * catalogue.sizes.sum() * 13 / 1e6)}
        for question in (*largest, *by_zipf):
            if not lines.ask(*question) == indexed.ask(*question) == sqlite.ask(*question):
                sys.exit(f"could not compare: the layouts answer differently in {question[0].scope.pool_id}; one of them is wrong")
        figures["sqlite"] |= measure(sqlite, largest, by_zipf, changed)
        sqlite.connection.close()
    figures["lines"] |= measure(lines, largest, by_zipf, changed)
    figures["indexed"] |= measure(indexed, largest, by_zipf, changed) | own_figures(indexed, catalogue, largest)
    return figures


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--pools", type=int, default=2_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    arguments = parser.parse_args()
    asked = {name: getattr(arguments, name) for name in ("items", "pools", "questions", "seed")}
    machine = {"machine": platform.platform(), "cores": psutil.cpu_count()}
    print(json.dumps({**asked, **machine, **compare(arguments)}, indent=None if arguments.json else 4))


if __name__ == "__main__":
    main()
