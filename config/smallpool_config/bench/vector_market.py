"""The made-up marketplace with vectors: items lie round the centre of their category, and categories of a family near each other.

In: a marketplace, a number of dimensions. Out: its items with vectors; people's interests, as many as are asked for.

Learned vectors lie so, more or less: an item is a step of half its length away from its category's centre, so that most of what is nearest
to an interest is of its category and some is of its neighbours.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from smallpool_config.bench.marketplace import Marketplace, category_key, zipf
from smallpool_core.items import VECTORS, WideItem
from smallpool_core.vectors import PARTS_OF_ONE, Vectors

MODEL = "made-up-1"
CATEGORIES = 2_000
FAMILIES = 40
_OWN, _APART = 0.75, 0.66
"""How far a category is its own beside its family, and an item beside its category: squares add up to about 1."""
_AT_ONCE = 10_000

Matrix = NDArray[np.float32]


class VectorMarket:
    """`market` with vectors of `dimensions`, under the name of a model; the same for the same seed."""

    def __init__(self, market: Marketplace, dimensions: int, seed: int, model: str = MODEL) -> None:
        self._model = model
        self.market = market
        self.dimensions = dimensions
        self._seed = seed
        rng = np.random.default_rng((seed, 5, dimensions))
        families, own = (_unit(rng.standard_normal((count, dimensions))) for count in (FAMILIES, CATEGORIES))
        self._centres = _unit(_OWN * own + _APART * families[np.arange(CATEGORIES) % FAMILIES])

    def items(self) -> Iterator[WideItem]:
        """Every item, by id, with its vector."""
        numbers = {category_key(number): number for number in range(CATEGORIES)}
        items, rng = self.market.wide_items(), np.random.default_rng((self._seed, 6, self.dimensions))
        while block := list(islice(items, _AT_ONCE)):
            near = self._near(np.array([numbers[item.category] for item in block]), rng)
            stored = np.rint(near * PARTS_OF_ONE).astype(np.int8)
            for item, vector in zip(block, stored, strict=True):
                yield replace(item, vector=vector.tobytes(), versions={VECTORS: self._model})

    def interests(self, count: int) -> tuple[Matrix, list[int]]:
        """(count, d) interests of people, each near a category by its frequency, and the numbers of these categories."""
        rng = np.random.default_rng((self._seed, 7, self.dimensions))
        near = zipf(rng, CATEGORIES, count)
        return self._near(near, rng), near.tolist()

    def _near(self, categories: NDArray[np.int64], rng: np.random.Generator) -> Matrix:
        steps = _unit(rng.standard_normal((len(categories), self.dimensions)))
        return _unit(_OWN * self._centres[categories] + _APART * steps).astype(np.float32)


def asked_with(interests: Matrix) -> Vectors:
    """Interests as a question brings them."""
    return Vectors(MODEL, interests.shape[1], interests.astype("<f4").tobytes())


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float64] = vectors / lengths
    return unit
