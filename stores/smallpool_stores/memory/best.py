"""The best rows under a cap: exact, and without sorting what will not be asked for.

In: rows with a score each. Out: the first `limit` of them by score, then item_id, at most `cap` of a kind.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from smallpool_stores.memory.arrays import Rows

Indices = NDArray[np.intp]

_DEPTH = 3
"""Sorted at first: this many times what is wanted, since the cap takes some away."""
_DEEPER = 3


def best_under_cap(
    rows: Rows, scores: NDArray[np.int64], item_ids: Sequence[str], spread: Callable[[Rows], NDArray[np.int32]], cap: int, limit: int
) -> tuple[Indices, bool]:
    """Positions in `rows` of the first `limit`, best first, and whether a longer limit would give no more.

    `scores` (n,) decide, descending, then `item_ids` by row, ascending: the order of code points, which is that of
    UTF-8 bytes. `spread` gives each of some rows the number of its spread key; of the rows with one number the first `cap` stay.
    """
    depth = _DEPTH * (limit + 1)
    while True:
        top = _top(scores, depth)
        some = rows.take(top)
        kept = first_under_cap(_by_score(scores.take(top), some.tolist(), item_ids), spread(some).tolist(), cap, limit + 1)
        if len(kept) > limit or len(top) == len(rows):
            return top.take(kept[:limit]), len(kept) <= limit
        depth *= _DEEPER


def first_under_cap(places: Iterable[int], kinds: Sequence[int], cap: int, limit: int) -> list[int]:
    """The first `limit` of the places at most `cap` of which are of one kind; looks no further than it must."""
    counts: dict[int, int] = {}
    kept: list[int] = []
    for place in places:
        kind = kinds[place]
        count = counts.get(kind, 0)
        if count < cap:
            counts[kind] = count + 1
            kept.append(place)
            if len(kept) == limit:
                break
    return kept


def _top(scores: NDArray[np.int64], depth: int) -> Indices:
    """Positions of the `depth` largest scores and of all that equal the last of them, in no order."""
    if depth >= len(scores):
        return np.arange(len(scores))
    least = scores.copy()
    least.partition(len(least) - depth)
    best: Indices = (scores >= least[-depth]).nonzero()[0]
    return best


def _by_score(scores: NDArray[np.int64], rows: Sequence[int], item_ids: Sequence[str]) -> Iterator[int]:
    """Places in `rows` by score, descending, then item_id. Ids are compared as far as places are asked for, and where scores are equal."""
    order = (-scores).argsort(kind="stable")
    in_order = scores.take(order)
    ends = (in_order[1:] != in_order[:-1]).nonzero()[0] + 1
    places, begin = order.tolist(), 0
    for end in (*ends.tolist(), len(places)):
        if end == begin + 1:
            yield places[begin]
        else:
            yield from sorted(places[begin:end], key=lambda place: item_ids[rows[place]])
        begin = end
