"""The best rows under a cap: exact, and without sorting what will not be asked for.

In: rows with a score each. Out: the first `limit` of them by score, then item_id, at most `cap` of a kind.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from smallpool_stores.memory.arrays import Rows

Indices = NDArray[np.intp]

_DEPTH = 3
"""Ranked at first: this many times what is wanted, since the cap takes some away."""
_DEEPER = 8


def best_under_cap(
    rows: Rows, scores: NDArray[np.int64], item_ids: Sequence[str], spread: Callable[[Rows], NDArray[np.int32]], cap: int, limit: int
) -> tuple[Indices, bool]:
    """Positions in `rows` of the first `limit`, best first, and whether a longer limit would give no more.

    `scores` (n,) decide, descending, then `item_ids` by row, ascending: the order of code points, which is that of
    UTF-8 bytes. `spread` gives each of some rows the number of its spread key; of the rows with one number the first `cap` stay.
    """
    depth = _DEPTH * (limit + 1)
    while True:
        top = _ranked(_top(scores, depth), scores, rows, item_ids)
        kept = top[first_of_each(spread(rows.take(top)), cap)]
        if len(kept) > limit or len(top) == len(rows):
            return kept[:limit], len(kept) <= limit
        depth *= _DEEPER


def first_of_each(kinds: NDArray[np.int32], cap: int) -> NDArray[np.bool_]:
    """Whether each element is among the first `cap` of its kind, (n,) bool."""
    order = np.argsort(kinds, kind="stable")
    in_order = kinds.take(order)
    place = np.arange(len(kinds))
    begins = np.ones(len(kinds), np.bool_)
    begins[1:] = in_order[1:] != in_order[:-1]
    first = np.maximum.accumulate(np.where(begins, place, 0))
    kept = np.empty(len(kinds), np.bool_)
    kept[order] = place - first < cap
    return kept


def _top(scores: NDArray[np.int64], depth: int) -> Indices:
    """Positions of the `depth` largest scores and of all that equal the last of them, in no order."""
    if depth >= len(scores):
        return np.arange(len(scores))
    return np.flatnonzero(scores >= np.partition(scores, -depth)[-depth])


def _ranked(top: Indices, scores: NDArray[np.int64], rows: Rows, item_ids: Sequence[str]) -> Indices:
    found = scores.take(top)
    order = np.argsort(-found, kind="stable")
    top, found = top.take(order), found.take(order)
    tied = np.zeros(len(found) + 1, np.bool_)
    tied[1:-1] = found[1:] == found[:-1]
    places = np.flatnonzero(tied[1:] | tied[:-1])
    if places.size:
        names = [item_ids[row] for row in rows.take(top.take(places)).tolist()]
        in_order = sorted(zip((-found.take(places)).tolist(), names, top.take(places).tolist(), strict=True))
        top[places] = [position for _, _, position in in_order]
    return top
