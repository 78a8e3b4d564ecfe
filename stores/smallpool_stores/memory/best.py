"""The best rows under a cap: exact, and without sorting what will not be asked for.

In: rows with a score each. Out: the first `limit` of them by score, then item_id, at most `cap` of a kind.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smallpool_stores.memory.arrays import Rows

Indices = NDArray[np.intp]

_DEPTH = 3
"""Sorted at first: this many times what is wanted, since the cap takes some away."""
_DEEPER = 3


def best_under_cap(
    rows: Rows,
    scores: NDArray[np.int64],
    item_ids: Sequence[str],
    spread: Callable[[Rows], NDArray[np.int32]],
    cap: int,
    limit: int,
    excluded: Container[str] = (),
) -> tuple[Indices, bool]:
    """Positions in `rows` of the first `limit`, best first, and whether a longer limit would give no more.

    `scores` (n,) decide, descending, then `item_ids` by row, ascending: the order of code points, which is that of
    UTF-8 bytes. `spread` gives each of some rows the number of its spread key; of the rows with one number the first `cap` stay.
    Rows of `excluded` items count for nothing; they are looked for among the best rows alone.
    """
    depth = _DEPTH * (limit + 1)
    while True:
        top = _top(scores, depth)
        some = rows.take(top)
        named = _Named(some.tolist(), item_ids, excluded)
        kept = _first(scores.take(top), spread(some).tolist(), named, cap, limit + 1)
        if len(kept) > limit or len(top) == len(rows):
            return top.take(kept[:limit]), len(kept) <= limit
        depth *= _DEEPER


def _top(scores: NDArray[np.int64], depth: int) -> Indices:
    """Positions of the `depth` largest scores and of all that equal the last of them, in no order."""
    if depth >= len(scores):
        return np.arange(len(scores))
    least = scores.copy()
    least.partition(len(least) - depth)
    best: Indices = (scores >= least[-depth]).nonzero()[0]
    return best


class _Named(NamedTuple):
    """Rows and the ids of all rows, of which few are read and late: they lie all over memory."""

    rows: Sequence[int]
    item_ids: Sequence[str]
    excluded: Container[str]


def _first(scores: NDArray[np.int64], kinds: Sequence[int], named: _Named, cap: int, limit: int) -> list[int]:
    """Places of the first `limit` rows by score, descending, then item_id, under the cap and not excluded."""
    rows, item_ids, excluded = named
    counts: dict[int, int] = {}
    kept: list[int] = []
    for places in _by_score(scores):
        if len(places) > 1:
            free = [(item_ids[rows[place]], place) for place in places if counts.get(kinds[place], 0) < cap]
            in_order = [place for _, place in sorted(free)]
        else:
            in_order = places
        for place in in_order:
            kind = kinds[place]
            count = counts.get(kind, 0)
            if count < cap and item_ids[rows[place]] not in excluded:
                counts[kind] = count + 1
                kept.append(place)
        if len(kept) >= limit:
            break
    return kept[:limit]


def _by_score(scores: NDArray[np.int64]) -> Iterator[list[int]]:
    """Places by score, descending; those of one score together."""
    order = (-scores).argsort(kind="stable")
    in_order = scores.take(order)
    ends = ((in_order[1:] != in_order[:-1]).nonzero()[0] + 1).tolist()
    places, begin = order.tolist(), 0
    for end in (*ends, len(places)):
        yield places[begin:end]
        begin = end
