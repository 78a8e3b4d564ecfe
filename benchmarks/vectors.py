"""What vectors and exploring cost: an item's upkeep and memory, and questions in the largest pools, by computing of one thread.

In: sizes and a seed. Out: µs an item with vectors beside its row and without, bytes a vector, ms a question: the search by three interests,
a sample of 30 rows, how like 150 items are, the vectors of 50. Rows come in by turns, with and without, so that both meet the same machine.
`smallpool bench vectors` measures the search alone, beside others' ways.
"""

import argparse
import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from smallpool_config.bench.marketplace import Marketplace
from smallpool_config.bench.report import machine, percentile
from smallpool_config.bench.vector_market import MODEL, VectorMarket, asked_with
from smallpool_core.pages import Query, Scope
from smallpool_core.rules import Rule
from smallpool_core.rules.expression import NOTHING
from smallpool_stores.memory.live_view import PackedLiveView
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.memory.vector_index import NumpyVectorIndex
from smallpool_stores.memory.vectors import VectorColumns

NOW = 1_700_000_000_000
AT_ONCE = 5_000
PAGE, CAP, SAMPLE, CANDIDATES, CLICKED = 27, 3, 30, 150, 50
INTERESTS = 3
LARGEST = 5
"""Of the pools, which are numbered by size, so many are asked."""

Spent = defaultdict[str, list[float]]


@contextmanager
def spent(times: Spent, what: str) -> Iterator[None]:
    """Notes the milliseconds that this thread computed."""
    started = time.thread_time()
    yield
    times[what].append((time.thread_time() - started) * 1000)


def loaded(market: VectorMarket, times: Spent) -> tuple[ItemRows, VectorColumns]:
    """The rows with vectors; the same rows without are thrown away."""
    vectors = VectorColumns()
    with_vectors, without = ItemRows(vectors), ItemRows()
    items = market.items()
    while batch := list(islice(items, AT_ONCE)):
        with spent(times, "without"):
            without.take(batch)
        with spent(times, "with"):
            with_vectors.take(batch)
    return with_vectors, vectors


async def ask(made: VectorMarket, rows: ItemRows, vectors: VectorColumns, questions: int, times: Spent) -> None:
    """Questions of people with three interests and 200 seen items, in the largest pools."""
    index, live, rule, market = NumpyVectorIndex(rows, vectors), PackedLiveView(rows), Rule.of(NOTHING), made.market
    interests, _ = made.interests(INTERESTS * questions)
    for person in range(questions):
        pool = person % LARGEST
        asked = asked_with(interests[INTERESTS * person : INTERESTS * (person + 1)])
        scope, seen = Scope(market.pool_id(pool), rule, trusted=True), frozenset(market.members(pool, 200))
        with spent(times, "nearest"):
            await index.nearest(Query(scope, seen, CAP, PAGE // INTERESTS, NOW), asked)
        with spent(times, "sample"):
            live.sample(Query(scope, seen, CAP, SAMPLE, NOW), person * 7_919)
        with spent(times, "likeness"):
            await index.likeness(market.members(pool, CANDIDATES), asked)
        with spent(times, "vectors_of"):
            await index.vectors_of(market.members(pool, CLICKED), MODEL)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("items", 100_000), ("pools", 1_000), ("dimensions", 64), ("questions", 1_000), ("seed", 7)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    market, times = Marketplace(arguments.items, arguments.pools, arguments.seed, NOW), Spent(list)
    made = VectorMarket(market, arguments.dimensions, arguments.seed)
    rows, vectors = loaded(made, times)
    asyncio.run(ask(made, rows, vectors, arguments.questions, times))
    taken = {f"us_an_item_{what}": round(sum(times.pop(what)) * 1000 / arguments.items, 1) for what in ("without", "with")}
    asked = {what: {"p50_ms": percentile(spans, 50), "p99_ms": percentile(spans, 99)} for what, spans in times.items()}
    sizes = vars(arguments) | {"largest_pool": int(market.pool_sizes[0]), "bytes_a_vector": arguments.dimensions}
    print(json.dumps(sizes | taken | asked | {"load_average": os.getloadavg()} | machine()))


if __name__ == "__main__":
    main()
