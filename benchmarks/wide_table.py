"""How fast the SQLite wide table takes in, gives back and answers rules, in its own layout and in a peer's.

In: how many items, and whether their ids rise or are random. Out: figures for both layouts of the narrow table, timed in one
run: rows in the order of writing with an index over item_id (what `wide_fields` does), and rows clustered by item_id.

    python benchmarks/wide_table.py --items 200000 --ids random --json
"""

import argparse
import json
import platform
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from smallpool_core.fields import Attributes
from smallpool_core.items import Given, WideItem
from smallpool_core.rules import parse_rule
from smallpool_stores.sqlite.database import Database
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.wide_table import SqliteWideTable

NOW = 1_750_000_000_000
BATCH = 1_000
LIVE_BATCH = 64
POOLS = 10_000
RULE = parse_rule(
    {
        "all": [
            {"field": "category", "op": "prefix", "value": ["c1"]},
            {"field": "price_cents", "op": "lt", "value": 100_000},
            {"field": "title_words", "op": "contains_any", "value": ["词100", "词200"]},
        ]
    },
    Attributes({}),
)


class StoppedClock:
    """Every record is of one instant."""

    def now_ms(self) -> int:
        """The instant."""
        return NOW


def wide_items(count: int, ids: str, seed: int, first: int = 0) -> Iterator[WideItem]:
    """Listings of 12 title words, 60 characters of description, 10 pools and 13 terms; 6-hour auctions published one after another."""
    rng = random.Random(f"{seed} {first}")
    for number in range(first, first + count):
        words = tuple(f"词{rng.randrange(20_000)}" for _ in range(12))
        category = f"c{rng.randrange(20)}›k{rng.randrange(30)}"
        yield WideItem(
            item_id=f"{rng.getrandbits(60):015x}" if ids == "random" else f"item{number:09}",
            version=1,
            enrich=0,
            state="on_sale",
            seller_id=f"s{rng.randrange(100_000)}",
            city=f"城{rng.randrange(300)}",
            brand=f"b{rng.randrange(2_000)}",
            sale="auction",
            title_words=words,
            category=category,
            tags=words[:3],
            points=words[3:6],
            price_cents=rng.randrange(100, 1_000_000),
            quality=rng.randrange(1_001),
            published_at=NOW + number,
            expires_at=NOW + number + 21_600_000,
            given=Given(title="".join(words), description="九成新" * 20, images=("https://img.example/a/b/c.jpg",) * 3),
            spread_key=category,
            pools=tuple(f"p{rng.randrange(POOLS):05}" for _ in range(10)),
            terms=(f"category:{category}", *(f"tag:{word}" for word in words)),
        )


def cluster_by_item_id(database: Database) -> None:
    """Lays the narrow table out as the peer does."""
    [(statement,)] = database.connection.execute("SELECT sql FROM sqlite_master WHERE name = 'fields'")
    database.connection.execute("DROP TABLE fields")
    database.connection.execute(f"{statement} WITHOUT ROWID")
    database.connection.execute("CREATE INDEX fields_by_expiry ON fields (expires_at) WHERE expires_at IS NOT NULL")


def seconds(action: Callable[[], object]) -> float:
    """How long the action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def fill(table: SqliteWideTable, items: Iterator[WideItem], batch: int) -> float:
    """Items a second, counting the time inside `append` alone."""
    spent, count, pending = 0.0, 0, []
    for item in items:
        pending.append(item)
        if len(pending) == batch:
            spent += seconds(partial(table.append, pending))
            count += batch
            pending = []
    return count / spent


def read_tail(table: SqliteWideTable) -> int:
    """Reads the whole table forward and says how much that was."""
    offset, count = -1, 0
    while records := table.tail(offset, 5_000):
        offset, count = records[-1].offset, count + len(records)
    return count


def misplaced_pass(table: SqliteWideTable) -> int:
    """All pages of what a new pool has to tag."""
    after, count = "", 0
    while page := table.misplaced("a new pool", RULE, NOW, after, 500):
        after, count = page[-1], count + len(page)
    return count


def measure(folder: Path, arguments: argparse.Namespace, prepare: Callable[[Database], None]) -> dict[str, float]:
    """Figures for one layout."""
    database = open_database(folder / "smallpool.db")
    prepare(database)
    table = SqliteWideTable(database, StoppedClock())
    figures = {"append_items_per_s": fill(table, wide_items(arguments.items, arguments.ids, arguments.seed), BATCH)}
    live = wide_items(LIVE_BATCH * 50, arguments.ids, arguments.seed, arguments.items)
    figures["append_by_64_items_per_s"] = fill(table, live, LIVE_BATCH)
    figures["tail_items_per_s"] = table.newest() / seconds(lambda: read_tail(table))
    figures["misplaced_pass_s"] = seconds(lambda: misplaced_pass(table))
    figures["matching_ids_s"] = seconds(lambda: table.matching_ids(RULE, NOW))
    figures["count_and_sample_s"] = seconds(lambda: table.count_and_sample(RULE, NOW, 20))
    database.checkpoint()
    figures["file_mb"] = (folder / "smallpool.db").stat().st_size / 1e6
    database.close()
    return figures


def main() -> None:
    """Measures both layouts and prints them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--ids", choices=("random", "rising"), default="random")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    arguments = parser.parse_args()
    layouts: dict[str, Callable[[Database], None]] = {"as_written": lambda _: None, "by_item_id": cluster_by_item_id}
    figures = {}
    for name, prepare in layouts.items():
        with tempfile.TemporaryDirectory() as folder:
            figures[name] = measure(Path(folder), arguments, prepare)
    if arguments.json:
        settings = {"items": arguments.items, "ids": arguments.ids, "seed": arguments.seed, "synchronous": "normal"}
        print(json.dumps({**settings, "machine": platform.platform(), **figures}))
        return
    for figure, value in figures["as_written"].items():
        peer = figures["by_item_id"][figure]
        print(f"{figure:26} {value:12.3f}   clustered by item_id {peer:12.3f}   ratio {value / peer:6.2f}")


if __name__ == "__main__":
    main()
