"""Vectors of terms, which stand for what is alike until learned ones do: each term is a direction, an item the sum of its terms'.

In: an item's terms, or a person's weighted ones. Out: the directions; a person's interests as unit vectors, one a top category.

A direction is 64 signs, which are the bits of a hash of the term: random projection with signs (Achlioptas 2003, theorem 1.1), so that
the inner product of two items is, but for a noise of 1/8, the share of weight in their common terms, and every process has the same.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from operator import mul
from types import MappingProxyType
from typing import Final, NamedTuple

from smallpool_core.normalise import top_category
from smallpool_core.terms import key_of, kind_of
from smallpool_core.vectors import Vectors, packed_vector

MODEL: Final = "terms-1"
DIMENSIONS: Final = 64
KIND_WEIGHTS: Final[Mapping[str, int]] = MappingProxyType({"category": 5, "brand": 4, "point": 3, "tag": 2, "price_band": 2})
"""What a term of each kind adds to an item, whole so that sums are exact. Who sells it and where say nothing of what it is."""
SHARED: Final = 0.5
"""Wishes of no category count for each interest, so much less than in one that has them to itself."""
MAX_INTERESTS: Final = 3
_DIGEST_BYTES: Final = DIMENSIONS // 8
_COUNTED: Final = tuple(f"{kind}:" for kind in KIND_WEIGHTS)

Weighted = Mapping[str, float]


class Direction(NamedTuple):
    """A term's weight in an item, and its signs as 8 bytes, the first sign in the highest bit; 1 is plus."""

    weight: int
    bits: bytes


@lru_cache(maxsize=65_536)
def direction(term: str) -> Direction:
    """Of a term of a kind that counts; kept for the terms that came last, some 20 MB."""
    return Direction(KIND_WEIGHTS[kind_of(term)], blake2b(term.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest())


def directions(terms: Iterable[str]) -> list[Direction]:
    """Of those of an item's terms that make its vector, each once."""
    return [direction(term) for term in dict.fromkeys(terms) if term.startswith(_COUNTED)]


def signs(term: str) -> tuple[int, ...]:
    """The signs of a term as 64 times 1 or -1."""
    bits = int.from_bytes(direction(term).bits, "big")
    return tuple([1 if bits >> place & 1 else -1 for place in range(DIMENSIONS - 1, -1, -1)])


def interests(weights: Weighted, most: int = MAX_INTERESTS) -> Vectors:
    """What a person asks for as vectors, at most `most`, one for each top category of their triggers, the heaviest first.

    Triggers of no category (brands, points, tags) count for each. Without any category all triggers are one interest; without
    triggers that say what an item is there is none.
    """
    apart: dict[str, dict[str, float]] = {}
    shared: dict[str, float] = {}
    for term, weight in weights.items():
        kind = kind_of(term)
        if kind in KIND_WEIGHTS:
            top = _top(kind, key_of(term))
            (shared if top is None else apart.setdefault(top, {}))[term] = weight
    if not apart:
        return _packed([_sum(shared)] if shared else [])
    heaviest = sorted(apart, key=lambda top: (-sum(apart[top].values()), top.encode()))[:most]
    common = [SHARED * value for value in _sum(shared)]
    return _packed([[own + other for own, other in zip(_sum(apart[top]), common, strict=True)] for top in heaviest])


def _top(kind: str, key: str) -> str | None:
    """The top category that a term is of; the key of a price band begins with it."""
    if kind == "category":
        return top_category(key)
    return key.rpartition(":")[0] or None if kind == "price_band" else None


def _sum(weights: Weighted) -> list[float]:
    if not weights:
        return [0.0] * DIMENSIONS
    columns = zip(*[signs(term) for term in weights], strict=True)
    return [sum(map(mul, weights.values(), column)) for column in columns]


def _packed(sums: list[list[float]]) -> Vectors:
    # Directions may cancel out, as two terms of one weight and opposite signs would: that says nothing, and is left out.
    return Vectors(MODEL, DIMENSIONS, b"".join([packed_vector(one) for one in sums if any(one)]))
