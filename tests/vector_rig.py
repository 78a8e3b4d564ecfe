"""Vectors written for reading: an item's from its terms, a product number by number; and questions to an index of them."""

import asyncio
from collections.abc import Sequence
from functools import cache
from math import sqrt
from struct import unpack

from smallpool_core.pages import Query
from smallpool_core.source_ports import VectorIndex
from smallpool_core.term_vectors import DIMENSIONS, KIND_WEIGHTS, direction
from smallpool_core.terms import kind_of
from smallpool_core.vectors import Vectors
from smallpool_stores.memory.vectors import SCALE


@cache
def signs(term: str) -> tuple[int, ...]:
    return tuple(1 if bit == "1" else -1 for byte in direction(term).bits for bit in f"{byte:08b}")


@cache
def item_vector(terms: tuple[str, ...]) -> list[int]:
    """An item's vector in whole parts of 1/127, all zeros where it has none."""
    counted = [term for term in dict.fromkeys(terms) if kind_of(term) in KIND_WEIGHTS]
    sums = [sum(KIND_WEIGHTS[kind_of(term)] * signs(term)[place] for term in counted) for place in range(DIMENSIONS)]
    length = sqrt(sum(value * value for value in sums))
    return [round(SCALE * value / length) for value in sums] if length else [0] * DIMENSIONS


def rows_of(vectors: Vectors) -> list[list[int]]:
    numbers = unpack(f"<{len(vectors) * DIMENSIONS}f", vectors.values)
    return [[round(SCALE * value) for value in numbers[start : start + DIMENSIONS]] for start in range(0, len(numbers), DIMENSIONS)]


def product(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(left * right for left, right in zip(one, other, strict=True))


def nearest(index: VectorIndex, query: Query, vectors: Vectors) -> list[list[str]]:
    """Ids by vector."""
    return [[hit.item_id for hit in answer.hits] for answer in asyncio.run(index.nearest(query, vectors))]
