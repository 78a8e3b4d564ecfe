"""Normalise and shift: a category as far apart from others as vectors of unit length never are, so that a search without any constraint
finds the nearest inside it (the seed's way for latent interests).

In: vectors of unit length, each of a category. Out: the same with M added to the coordinates that stand for the category, one or a pair of
them, by whose Euclidean distance those of the asked category are all nearer than any of another. Inside a category M cancels out, and
|u − v|² = 2 − 2 u·v orders as the product does, at most 4. Codes of two categories differ by 2 at least in square, so vectors of two are
apart by (√2 M − |u − v|)² at least, which is above 4 from M = 3 on. More than 10 drowns the product in what float32 leaves of M². By inner
product it does not work: there M (u_i + v_i) stays, and changes the order.
"""

from math import comb
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

LEAST_SHIFT: Final = 3.0
MOST_SHIFT: Final = 10.0

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]


class ShiftedIndex:
    """Exact search of (n, d) vectors of unit length, by categories numbered from 0, (n,). Where categories are more than d each has a pair
    of coordinates instead of one.

    Raises ValueError for a shift out of bounds, or more categories than there are pairs.
    """

    def __init__(self, vectors: Matrix, categories: Numbers, shift: float) -> None:
        if not LEAST_SHIFT <= shift <= MOST_SHIFT:
            raise ValueError(f"could not shift by {shift}: from {LEAST_SHIFT} to {MOST_SHIFT} it sets categories apart and costs no order")
        self._shifts = np.float32(shift) * codes(int(categories.max()) + 1, vectors.shape[1])
        self._index = faiss.IndexFlatL2(vectors.shape[1])
        self._index.add(vectors + self._shifts[categories])

    def near(self, vector: Matrix, category: int, count: int) -> Numbers:
        """The `count` nearest to (d,) of unit length, those of the category before any other, the nearest first."""
        found: Numbers = self._index.search((vector + self._shifts[category])[None], count)[1][0]
        return found


def codes(categories: int, coordinates: int) -> Matrix:
    """(categories, coordinates) of 0 and 1: each category's own coordinate, or its own pair where there are more categories."""
    made = np.zeros((categories, coordinates), np.float32)
    if categories <= coordinates:
        made[np.arange(categories), np.arange(categories)] = 1
        return made
    if categories > comb(coordinates, 2):
        raise ValueError(
            f"could not tell {categories} categories apart by pairs of {coordinates} coordinates: {comb(coordinates, 2)} at most"
        )
    first, second = (side[:categories] for side in np.triu_indices(coordinates, 1))
    rows = np.arange(categories)
    made[rows, first] = made[rows, second] = 1
    return made
