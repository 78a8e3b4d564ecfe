"""Pairs of items that stand near each other on a shopping path, balanced by how far their categories are apart.

In: rows of items with breaks, categories. Out: for each epoch other pairs (item, item beside it); items beside which none stands have none.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.training.vectors.sampling import Chances
from smallpool_models.vectors.behaviour import BREAK
from smallpool_models.vectors.ragged import Numbers, Ragged

NONE: Final = -1
"""The category of what has none; no two such items are of one category."""


class PairSettings(Struct, frozen=True):
    """`window` is the furthest that two items of a pair stand apart; how far is drawn for each item, so that a pair at distance d counts
    (window + 1 − d) / window. Touches of frequent items are dropped by `relative` (see `sampling.dropping`). `near_share` of the pairs are
    of one category, where there are pairs of both kinds: so far categories separate, and items of one still differ.
    """

    window: int = 5
    relative: float = 4.0
    near_share: float = 0.5


def pairs_of(rows: Ragged, categories: Numbers, chances: Chances, settings: PairSettings, rng: np.random.Generator) -> Numbers:
    """(pairs, 2) int64, in random order."""
    values = rows.values.astype(np.int64)
    path = np.repeat(np.arange(len(rows)), rows.lengths) + len(rows) * np.cumsum(values == BREAK)
    kept = (values != BREAK) & (rng.random(len(values)) >= chances[values])
    values, path = values[kept], path[kept]
    reach = rng.integers(1, settings.window + 1, len(values))
    found = []
    for distance in range(1, settings.window + 1):
        left, right = values[:-distance], values[distance:]
        beside = (path[:-distance] == path[distance:]) & (left != right)
        forward, backward = beside & (reach[:-distance] >= distance), beside & (reach[distance:] >= distance)
        found += [np.stack([left, right], axis=1)[forward], np.stack([right, left], axis=1)[backward]]
    pairs = np.concatenate(found) if found else np.zeros((0, 2), dtype=np.int64)
    return _balanced(pairs, _is_near(pairs, categories), settings.near_share, rng)


def _is_near(pairs: Numbers, categories: Numbers) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = (categories[pairs[:, 0]] == categories[pairs[:, 1]]) & (categories[pairs[:, 0]] != NONE)
    return near


def _balanced(pairs: Numbers, near: NDArray[np.bool_], share: float, rng: np.random.Generator) -> Numbers:
    """As many pairs as before, drawn so that `share` of them are near; as they are where all are of one kind."""
    count = len(pairs)
    if near.all() or not near.any():
        return pairs[rng.permutation(count)]
    wanted = np.where(near, share / near.sum(), (1 - share) / (~near).sum())
    return pairs[rng.choice(count, count, p=wanted)]
