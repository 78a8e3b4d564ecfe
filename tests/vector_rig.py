"""Vectors written for reading: an item's from its terms, a product number by number; and questions to an index of them."""

import asyncio
from array import array
from collections.abc import Sequence
from functools import cache
from math import sqrt
from struct import unpack

from msgspec.structs import replace

from encoder_rig import DIMENSIONS, MODEL, WEIGHTS, signs
from smallpool_core.items import VECTORS, WideItem
from smallpool_core.pages import Query
from smallpool_core.source_ports import VectorIndex
from smallpool_core.terms import kind_of
from smallpool_core.vectors import PARTS_OF_ONE, Vectors, packed_vector
from smallpool_stores.memory.vector_generation import ASKED_PARTS_OF_ONE


@cache
def item_vector(terms: tuple[str, ...]) -> list[int]:
    """What an item that has these terms is embedded as, in whole parts of 1/127, all zeros where it has none."""
    counted = [term for term in dict.fromkeys(terms) if kind_of(term) in WEIGHTS]
    sums = [sum(WEIGHTS[kind_of(term)] * signs(MODEL, term)[place] for term in counted) for place in range(DIMENSIONS)]
    length = sqrt(sum(value * value for value in sums))
    return [round(PARTS_OF_ONE * value / length) for value in sums] if length else [0] * DIMENSIONS


def of_model(item: WideItem, vector: Sequence[int], model: str = MODEL) -> WideItem:
    """The item with this vector, in whole parts of 1/127; without one where it is all zeros."""
    stored = array("b", vector).tobytes() if any(vector) else b""
    return replace(item, vector=stored, versions={**item.versions, VECTORS: model})


def embedded(item: WideItem) -> WideItem:
    """The item with the vector of its terms, unless it has one."""
    return item if item.vector else of_model(item, item_vector(item.terms))


def asking(*vectors: Sequence[float], model: str = MODEL) -> Vectors:
    """Vectors to ask with, in any length."""
    return Vectors(model, len(vectors[0]), b"".join([packed_vector(list(vector)) for vector in vectors]))


def rows_of(vectors: Vectors, parts_of_one: int = ASKED_PARTS_OF_ONE) -> list[list[int]]:
    """The vectors of a question as an index takes them, in whole numbers."""
    numbers, size = unpack(f"<{len(vectors.values) // 4}f", vectors.values), vectors.dimensions
    return [[round(parts_of_one * value) for value in numbers[start : start + size]] for start in range(0, len(numbers), size)]


def product(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(left * right for left, right in zip(one, other, strict=True))


def nearest(index: VectorIndex, query: Query, vectors: Vectors, *categories: str) -> list[list[str]]:
    """Ids by vector."""
    return [[hit.item_id for hit in answer.hits] for answer in asyncio.run(index.nearest(query, vectors, categories))]
