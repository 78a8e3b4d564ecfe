"""Vectors of terms, which stand for what is alike until learned ones do: each term is a direction, an item the sum of its terms'.

In: an item's terms, or a person's weighted ones. Out: the directions; a person's interests as unit vectors, one a top category.

A direction is 64 signs, which are the bits of a hash of the term: random projection with signs (Achlioptas 2003, theorem 1.1), so that
the inner product of two items is, but for a noise of 1/8, the share of weight in their common terms, and every process has the same.
"""

import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import Final, NamedTuple

from smallpool_core.normalise import top_category
from smallpool_core.terms import key_of, kind_of
from smallpool_core.vectors import Vectors, packed_vector

MODEL: Final = "terms-1"
DIMENSIONS: Final = 64
KIND_WEIGHTS: Final[Mapping[str, int]] = MappingProxyType({"category": 5, "brand": 4, "point": 3, "tag": 2, "price_band": 2})
"""What a term of each kind adds to an item, whole so that sums are exact. Who sells it and where say nothing of what it is."""
MAX_INTERESTS: Final = 3
_DIGEST_BYTES: Final = DIMENSIONS // 8
_LANE_BYTES: Final = 4
_COUNTED: Final = tuple(f"{kind}:" for kind in KIND_WEIGHTS)


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


def interests(weights: Mapping[str, int], most: int = MAX_INTERESTS) -> Vectors:
    """What a person asks for as vectors, at most `most`, one for each top category of their triggers, the heaviest first.

    Triggers of no category (brands, points, tags) count for each, all together half as much as its own. Without any category all
    triggers are one interest; without triggers that say what an item is there is none.
    """
    apart: dict[str, dict[str, int]] = {}
    shared: dict[str, int] = {}
    for term, weight in weights.items():
        kind = kind_of(term)
        if kind in KIND_WEIGHTS:
            top = _top(kind, key_of(term))
            (shared if top is None else apart.setdefault(top, {}))[term] = weight
    common = _sum(shared)
    heaviest = sorted(apart, key=lambda top: (-sum(apart[top].values()), top.encode()))[:most]
    wholes = [_sum(apart[top]).joined(common) for top in heaviest] or ([common] if shared else [])
    vectors = [whole.vector() for whole in wholes]
    # Directions may cancel out, as two terms of one weight and opposite signs would: that says nothing, and is left out.
    return Vectors(MODEL, DIMENSIONS, b"".join([packed_vector(vector) for vector in vectors if any(vector)]))


def _top(kind: str, key: str) -> str | None:
    """The top category that a term is of; the key of a price band begins with it."""
    if kind == "category":
        return top_category(key)
    return key.rpartition(":")[0] or None if kind == "price_band" else None


class _Sum(NamedTuple):
    """A sum of weighted terms: for each sign the weights of those that have it as a plus, in 32 bits of one long number, since adding that
    up takes a fiftieth of the time that 64 numbers take; and all weights.
    """

    lanes: int
    total: int

    def joined(self, common: "_Sum") -> "_Sum":
        """This and the other, which weighs half of this. Sums stay below 2^31: 20 triggers weigh 20,480 at most."""
        if not common.total:
            return self
        own, other = 2 * common.total, self.total
        return _Sum(own * self.lanes + other * common.lanes, own * self.total + other * common.total)

    def vector(self) -> list[float]:
        """The sum of the signs, each as often as its term weighs."""
        plus = memoryview(self.lanes.to_bytes(_LANE_BYTES * DIMENSIONS, sys.byteorder)).cast("I").tolist()
        ordered = plus if sys.byteorder == "little" else plus[::-1]
        return [float(2 * weight - self.total) for weight in ordered]


def _sum(weights: Mapping[str, int]) -> _Sum:
    return _Sum(sum([weight * _lanes(term) for term, weight in weights.items()]), sum(weights.values()))


@lru_cache(maxsize=16_384)
def _lanes(term: str) -> int:
    """The signs of a term, the first in the lowest 32 bits; kept for the terms that were asked for last, some 5 MB."""
    bits = int.from_bytes(direction(term).bits, "big")
    return sum([(bits >> DIMENSIONS - 1 - place & 1) << 8 * _LANE_BYTES * place for place in range(DIMENSIONS)])
