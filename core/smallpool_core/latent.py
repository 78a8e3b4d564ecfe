"""How alike a person's interests are, and the categories that they may come to like: near to an interest, and not visited lately.

In: unit vectors, or what is near them. Out: numbers and names. For the source of latent interests in the service, and for what measures it.
Nothing is read, nothing kept.
"""

import sys
from array import array
from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct

from smallpool_core.vectors import Vectors

ALIKE_ABOVE: Final = 0.85
"""A list whose likeness is above this is of one kind, and its owner is to be shown more of what is beside it (seed 000, section 05)."""


class LatentCategory(Struct, frozen=True):
    """A category, its likeness to the interest it is nearest to, in [-1, 1], and the place of that interest."""

    category: str
    likeness: float
    interest: int


def intra_list_similarity(vectors: Vectors) -> float:
    """The mean inner product over all ordered pairs of different rows, in [-1, 1]: ILS (Ziegler et al., *Improving recommendation lists
    through topic diversification*, 2005, and seed 000, section 05: Σ_i Σ_{j≠i} S(b_i, b_j) / Σ_i Σ_{j≠i} 1).

    0 of fewer than two rows: there is no pair that could be alike, so nothing says that somebody sees too much of one kind. A mean over
    many lists leaves these out. Of unit rows the sum over pairs is |Σ v|² − n, which takes n·d additions instead of n²·d.
    """
    rows = len(vectors)
    if rows < 2:
        return 0.0
    numbers = array("f", vectors.values)
    if sys.byteorder == "big":
        numbers.byteswap()
    squares = sum([sum(numbers[place :: vectors.dimensions]) ** 2 for place in range(vectors.dimensions)])
    return max(-1.0, min(1.0, (squares - rows) / (rows * (rows - 1))))


def latent_categories(nearest: Sequence[Sequence[tuple[str, float]]], recent: Collection[str]) -> tuple[LatentCategory, ...]:
    """{k nearest categories of an interest} − {categories visited lately}, over all interests (seed 000, section 05).

    `nearest` are of each interest its k nearest categories with their likeness; k bounds how far from the interests it may lead, so it
    is cut before the recent ones are taken away, and where somebody visited all of them there is none. A category near to several
    interests counts for the one it is most like. The most alike first, ties by the category's UTF-8 bytes.
    """
    best: dict[str, LatentCategory] = {}
    for interest, categories in enumerate(nearest):
        for category, likeness in categories:
            if category not in recent and (category not in best or likeness > best[category].likeness):
                best[category] = LatentCategory(category, likeness, interest)
    return tuple(sorted(best.values(), key=lambda one: (-one.likeness, one.category.encode())))
