"""`smallpool bench vectors`: the nearest items inside a pool, a category or both: ours, and what FAISS and usearch make of the constraint.

In: how many items, pools and questions, dimensions, a seed. Out: for each way and each constraint the share of the true nearest that it
finds, the share of what it finds that the constraint forbids, ms a question, seconds to build and MB.

All ways meet the same vectors, those that the index keeps, and the same questions, one vector each, one after another, on one thread. Ours
is asked through the port, with everything that makes hits of rows; the others give numbers of rows.
"""

import asyncio
import gc
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_config.bench.marketplace import Marketplace, category_key, zipf
from smallpool_config.bench.report import machine, percentile, resident_mb, tracked
from smallpool_config.bench.seed_vectors import bench_seed_ways
from smallpool_config.bench.vector_market import CATEGORIES, Matrix, VectorMarket, asked_with
from smallpool_core.normalise import PATH_SEPARATOR, top_category
from smallpool_core.pages import Query, Scope
from smallpool_core.rules import Rule
from smallpool_core.rules.expression import NOTHING
from smallpool_core.source_ports import VectorIndex
from smallpool_core.vectors import PARTS_OF_ONE
from smallpool_stores.faiss.constrained import FlatRange, HnswGraph, Inside, InvertedFile, on_one_thread
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.memory.vector_index import NumpyVectorIndex
from smallpool_stores.memory.vectors import VectorColumns
from smallpool_stores.usearch.graph import UsearchGraph

NOW = 1_760_000_000_000
LOADED_AT_ONCE = 5_000
FILTERED_FROM = 1_000
"""So many nearest of all are looked through for those inside, where a constraint is applied afterwards."""
WITHIN = 1e-5
"""So far may a product be below that of the last of the true nearest: what rounding leaves open (float32; 1/65,536 in ours)."""
IN_THE_VECTOR, ASKED_IN_THE_VECTOR = 5_000, 50
"""Vectors and questions on which a constraint inside the vector is measured: each question reads all of them."""
CONSTRAINTS = ("pool", "category", "other_category", "both")

Numbers = NDArray[np.int64]
Near = Callable[[int, "Question"], Numbers]
Way = tuple[str, Sequence[str], Callable[[Any], Near]]
"""A name, the constraints that it can hold, and how its index is asked."""
WAYS = ("flat", "ivf", "hnsw", "usearch")
"""Contestants beside ours."""


class Question(Struct, frozen=True):
    """An interest, (d,), the constraint on its items, and what the truth is: who is inside, sorted, and the k-th best product."""

    vector: Matrix
    pool: int | None
    category: str
    inside: Numbers
    threshold: float
    wanted: int
    selector: Inside


class Loaded(Struct, frozen=True):
    """The marketplace in our index, and the same vectors sorted by category: `numbers[place]` is the item at a place, `places` the other
    way round, `paths[place]` its category, each element ended by a separator.
    """

    made: VectorMarket
    index: VectorIndex
    sorted: Matrix
    numbers: Numbers
    places: Numbers
    paths: NDArray[np.str_]


class Sizes(Struct, frozen=True):
    """What is asked of what: `count` items a question."""

    items: int
    pools: int
    questions: int
    count: int


def bench_vectors(sizes: Sizes, dimensions: Sequence[int], ways: Collection[str], seed: int) -> dict[str, Any]:
    """The figures as JSON values, by dimensions; of the contestants those that are named."""
    on_one_thread()
    found = {str(size): _of_size(sizes, size, ways, seed) for size in dimensions}
    shown = {
        "items": sizes.items,
        "pools": sizes.pools,
        "categories": CATEGORIES,
        "questions": sizes.questions,
        "k": sizes.count,
        "seed": seed,
    }
    seeds = bench_seed_ways(IN_THE_VECTOR, ASKED_IN_THE_VECTOR, sizes.count, seed)
    return shown | {"dimensions": found, "in_the_vector": seeds, "load_average": os.getloadavg(), "machine": machine()}


def _of_size(asked_for: Sizes, dimensions: int, ways: Collection[str], seed: int) -> dict[str, Any]:
    began, had_mb = time.perf_counter(), resident_mb()
    loaded = _loaded(Marketplace(asked_for.items, asked_for.pools, seed, NOW), dimensions, seed)
    built = {"build_s": round(time.perf_counter() - began, 1)}
    asked = {constraint: _questions(loaded, constraint, asked_for.questions, asked_for.count, seed) for constraint in CONSTRAINTS}
    asked = {constraint: some for constraint, some in asked.items() if some}
    rows = [one | built for one in _ours(loaded, asked, asked_for.count)]
    rows += _theirs(loaded, asked, asked_for.count, seed, ways)
    sizes = {constraint: _sizes(some) for constraint, some in asked.items()}
    return {"methods": rows, "items_inside": sizes, "rows_mb": round(resident_mb() - had_mb)}


def _loaded(market: Marketplace, dimensions: int, seed: int) -> Loaded:
    made, vectors = VectorMarket(market, dimensions, seed), VectorColumns(remembered=1)
    rows, stored, paths = ItemRows(vectors), np.empty((market.items, dimensions), np.int8), list[str]()
    batch = []
    for number, item in enumerate(tracked(made.items(), "items", market.items)):
        stored[number] = np.frombuffer(item.vector, np.int8)
        paths.append(f"{item.category}{PATH_SEPARATOR}")
        batch.append(item)
        if len(batch) == LOADED_AT_ONCE or number + 1 == market.items:
            rows.take(batch)
            batch.clear()
    numbers = np.argsort(np.array(paths), kind="stable")
    as_kept = stored[numbers].astype(np.float32) / np.float32(PARTS_OF_ONE)
    return Loaded(made, NumpyVectorIndex(rows, vectors), as_kept, numbers, np.argsort(numbers), np.array(paths)[numbers])


def _questions(loaded: Loaded, constraint: str, questions: int, count: int, seed: int) -> list[Question]:
    """Categories are those of the interests, or others, by their frequency; of a pool and a category it is the interest's family."""
    interests, near = loaded.made.interests(questions)
    others = zipf(np.random.default_rng((seed, 8)), CATEGORIES, questions).tolist()
    categories = {"category": near, "other_category": others}.get(constraint)
    pools = loaded.made.market.requested_pools(questions) if constraint in {"pool", "both"} else [None] * questions
    asked = []
    for place in range(questions):
        path = category_key(near[place] if categories is None else categories[place])
        path = "" if constraint == "pool" else top_category(path) if constraint == "both" else path
        question = _question(loaded, interests[place], pools[place], path, count)
        asked += [question] if question.wanted else []
    return asked


def _question(loaded: Loaded, vector: Matrix, pool: int | None, path: str, count: int) -> Question:
    paths, total = loaded.paths, len(loaded.paths)
    ends = [f"{path}{PATH_SEPARATOR}", f"{path}{PATH_SEPARATOR}\U0010ffff"]
    span = tuple(np.searchsorted(paths, ends).tolist()) if path else None
    members = None if pool is None else np.sort(loaded.places[loaded.made.market.member_numbers(pool)])
    inside = np.arange(*span) if span is not None else np.arange(total) if members is None else members
    if span is not None and members is not None:
        inside = members[(members >= span[0]) & (members < span[1])]
    products = loaded.sorted[inside].astype(np.float64) @ vector.astype(np.float64)
    best = np.sort(products)[::-1][:count]
    threshold = float(best[-1]) - WITHIN if best.size else 0.0
    return Question(vector, pool, path, inside, threshold, len(best), Inside(total, span, members))


def _ours(loaded: Loaded, asked: dict[str, list[Question]], count: int) -> Iterator[dict[str, Any]]:
    rule, market = Rule.of(NOTHING), loaded.made.market
    for constraint, questions in asked.items():
        scopes = [
            Scope("home", rule, trusted=False, everything=True) if one.pool is None else Scope(market.pool_id(one.pool), rule, trusted=True)
            for one in questions
        ]

        async def near(place: int, question: Question, scopes: Sequence[Scope] = scopes) -> list[str]:
            query = Query(scopes[place], frozenset(), cap=count + 1, limit=count, now=NOW)  # which caps nothing
            below = (question.category,) if question.category else ()
            [answer] = await loaded.index.nearest(query, asked_with(question.vector[None]), below)
            return [hit.item_id for hit in answer.hits]

        found, times = asyncio.run(_timed_async(near, questions))
        numbers = [loaded.places[[market.number_of(item_id) for item_id in ids]] if ids else np.empty(0, np.int64) for ids in found]
        yield {"method": "ours", "inside": constraint, **_judged(loaded, questions, numbers, times), "mb": _ours_mb(loaded)}


async def _timed_async(near: Callable[[int, Question], Any], questions: Sequence[Question]) -> tuple[list[list[str]], "Times"]:
    times, found = Times([], []), []
    for place, question in enumerate(questions):
        with times.taken():
            ids = await near(place, question)
        found.append(ids)
    return found, times


def _ours_mb(loaded: Loaded) -> int:
    """Of the vectors and of the lists of categories, four bytes for each element of an item's path."""
    return round(len(loaded.paths) * (loaded.made.dimensions + 8) / 1e6)


def _theirs(loaded: Loaded, asked: dict[str, list[Question]], count: int, seed: int, ways: Collection[str]) -> Iterator[dict[str, Any]]:
    """One contestant after another, so that no more than one is in memory."""

    def selected(index: FlatRange | InvertedFile | HnswGraph) -> Near:
        return lambda _, one: index.near(one.vector, count, one.selector)

    def filtered(index: HnswGraph | UsearchGraph) -> Near:
        return lambda _, one: _after(index.near(one.vector, FILTERED_FROM), one, count)

    ranges = [name for name in CONSTRAINTS if "category" in name]
    contestants: dict[str, tuple[Callable[[Matrix], Any], list[Way]]] = {
        "flat": (FlatRange, [("faiss flat + sorted range", ranges, selected)]),
        "ivf": (lambda vectors: InvertedFile(vectors, seed), [("faiss ivf + selector", CONSTRAINTS, selected)]),
        "hnsw": (HnswGraph, [("faiss hnsw + selector", CONSTRAINTS, selected), ("faiss hnsw, filtered after", CONSTRAINTS, filtered)]),
        "usearch": (UsearchGraph, [("usearch, filtered after", CONSTRAINTS, filtered)]),
    }
    for name in ways:
        yield from _contest(*contestants[name], loaded, asked)


def _contest(
    build: Callable[[Matrix], Any],
    ways: Sequence[Way],
    loaded: Loaded,
    asked: dict[str, list[Question]],
) -> Iterator[dict[str, Any]]:
    gc.collect()
    began, had_mb = time.perf_counter(), resident_mb()
    try:
        index = next(iter(tracked((build(one) for one in [loaded.sorted]), ways[0][0], 1)))
    except ImportError:
        yield {"method": ways[0][0], "skipped": "usearch is not installed; `pip install usearch` and run it again"}
        return
    built = {"build_s": round(time.perf_counter() - began, 1), "mb": round(resident_mb() - had_mb)}
    for name, constraints, way in ways:
        near = way(index)
        for constraint in [name for name in constraints if name in asked]:
            questions, times, found = asked[constraint], Times([], []), []
            for place, question in enumerate(questions):
                with times.taken():
                    numbers = near(place, question)
                found.append(numbers)
            yield {"method": name, "inside": constraint, **_judged(loaded, questions, found, times), **built}


def _after(numbers: Numbers, question: Question, count: int) -> Numbers:
    """Those of the numbers that are inside: what `inside` holds is sorted, as a filter's set would be hashed."""
    places = np.searchsorted(question.inside, numbers).clip(max=len(question.inside) - 1)
    inside: Numbers = numbers[question.inside[places] == numbers][:count]
    return inside


class Times(Struct):
    """What each question took: ms by the clock, and ms that this process computed."""

    wall: list[float]
    cpu: list[float]

    @contextmanager
    def taken(self) -> Iterator[None]:
        """One question."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall.append((time.perf_counter() - wall) * 1000)
        self.cpu.append((time.process_time() - cpu) * 1000)


def _judged(loaded: Loaded, questions: Sequence[Question], found: Sequence[Numbers], times: Times) -> dict[str, Any]:
    recalls, outside, all_found = [], 0, 0
    for question, numbers in zip(questions, found, strict=True):
        is_inside = np.isin(numbers, question.inside)
        products = loaded.sorted[numbers[is_inside]].astype(np.float64) @ question.vector.astype(np.float64)
        recalls.append(min(1.0, int((products >= question.threshold).sum()) / question.wanted))
        outside, all_found = outside + int((~is_inside).sum()), all_found + len(numbers)
    return {
        "recall": round(float(np.mean(recalls)), 4),
        "leak": round(outside / max(1, all_found), 4),
        "p50_ms": percentile(times.wall, 50),
        "p99_ms": percentile(times.wall, 99),
        "cpu_p50_ms": percentile(times.cpu, 50),
        "cpu_p99_ms": percentile(times.cpu, 99),
    }


def _sizes(questions: Sequence[Question]) -> dict[str, int]:
    inside = [len(question.inside) for question in questions]
    return {"questions": len(inside), "median": int(np.median(inside)), "largest": max(inside)}
