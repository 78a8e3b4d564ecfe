"""The two ways of the seeds to put a constraint into the vector itself, on a sample: what they find, what they let through, what they cost.

In: how many vectors and questions, a seed. Out: of normalise-and-shift recall, leak and ms by the shift; of rule vectors the share of what
is found that is of other pools, by the number of pools and the weight of the rules.
"""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from smallpool_config.bench.marketplace import Marketplace
from smallpool_config.bench.report import percentile, tracked
from smallpool_config.bench.vector_market import CATEGORIES, VectorMarket
from smallpool_stores.faiss.rule_vectors import TERM_POSITIONS, RuleVectors
from smallpool_stores.faiss.shifted import ShiftedIndex

SHIFTS = (3.0, 5.0, 10.0)
RULES = (5, 10, 20, 50, 200, 1_000)
RULES_PER_ITEM = 10
WEIGHTS = (0.3, 1.0, 3.0)
"""Of the rules beside what an item is, which has length 1."""
_DIMENSIONS = 64
"""Pairs of so many coordinates are 2,016, for 2,000 categories."""
_BARE = Marketplace(items=1, pools=1, seed=0, now=0)


def bench_seed_ways(vectors: int, questions: int, count: int, seed: int) -> dict[str, Any]:
    """The figures as JSON values."""
    return {
        "shift": list(_shifts(vectors, questions, count, seed)),
        "rule_vectors": list(_rules(vectors, questions, count, seed)),
        "vectors": vectors,
        "questions": questions,
    }


def _shifts(vectors: int, questions: int, count: int, seed: int) -> Iterator[dict[str, Any]]:
    drawn, near = VectorMarket(_BARE, _DIMENSIONS, seed).interests(vectors + questions)
    asked, kept, of = drawn[vectors:], drawn[:vectors], np.array(near[:vectors])
    of[0] = CATEGORIES - 1  # so that there are codes for all
    for shift in SHIFTS:
        index, times, recalls, outside, found = ShiftedIndex(kept, of, shift), [], [], 0, 0
        for vector, category in zip(asked, near[vectors:], strict=True):
            inside = (of == category).nonzero()[0]
            wanted = min(count, len(inside))
            if not wanted:
                continue
            began = time.perf_counter()
            numbers = index.near(vector, category, wanted)
            times.append((time.perf_counter() - began) * 1000)
            products = kept[inside] @ vector
            worst = np.sort(products)[-wanted]
            is_right = (of[numbers] == category) & (kept[numbers] @ vector >= worst - 1e-4)
            recalls.append(is_right.mean())
            outside, found = outside + int((of[numbers] != category).sum()), found + len(numbers)
        figures = {"recall": round(float(np.mean(recalls)), 4), "leak": round(outside / found, 4)}
        yield {"shift": shift, **figures, "p50_ms": percentile(times, 50), "p99_ms": percentile(times, 99)}


def _rules(vectors: int, questions: int, count: int, seed: int) -> Iterator[dict[str, Any]]:
    drawn, _ = VectorMarket(_BARE, TERM_POSITIONS, seed).interests(vectors + questions)
    asked, kept, rng = drawn[vectors:], drawn[:vectors], np.random.default_rng((seed, 9))
    for rules in tracked(RULES, "numbers of rules", len(RULES)):
        per_item = min(RULES_PER_ITEM, rules // 2)
        lots = rng.random((vectors, rules), np.float32)
        members = lots <= np.partition(lots, per_item - 1)[:, per_item - 1 : per_item]
        names = [f"pool-{rule}" for rule in range(rules)]
        row: dict[str, Any] = {"rules": rules, "rules_an_item": per_item}
        for weight in WEIGHTS:
            index = RuleVectors(kept, names, members, weight)
            inside = [members[index.near(vector, names[place % rules], count), place % rules] for place, vector in enumerate(asked)]
            row[f"confusion_at_{weight}"] = round(1 - float(np.mean(inside)), 4)
        yield row
