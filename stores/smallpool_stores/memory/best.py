"""The best rows under a cap: exact, and without sorting what will not be asked for.

In: rows with a score each. Out: the first `limit` of them by score, then item_id, at most `cap` of a kind.
"""

from bisect import bisect
from collections.abc import Callable, Container, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smallpool_stores.memory.arrays import Places, Rows

_DEPTH = 3
"""Sorted at first: some times as many as are wanted, since the cap takes some away."""
_DEEPER = 3
_SAMPLED = 8
"""How low that reaches is guessed from every eighth score. A wrong guess costs time, and changes no answer."""
NOT_OPEN = -1
"""The kind of a row that may not come."""

Scores = NDArray[np.int32] | NDArray[np.int64]
Kinds = NDArray[np.int32]


class Limits(NamedTuple):
    """At most `cap` rows of a kind and `limit` in all; rows of `excluded` items count for nothing."""

    cap: int
    limit: int
    excluded: Container[str]


def best_under_cap(
    rows: Rows, scores: Scores, item_ids: Sequence[str], kinds: Callable[[Rows], Kinds], limits: Limits
) -> tuple[Places, bool]:
    """Places in `rows` of the best ones, best first, and whether a longer limit would give no more.

    `scores` (n,) decide, descending, then `item_ids` by row, ascending: the order of code points, which is that of UTF-8 bytes.
    `kinds` gives each of some rows the number of its kind, or `NOT_OPEN`; of the rows with one number the first `cap` stay. Both are
    asked of the best rows alone, because what they read lies all over memory.
    """
    wanted = limits.limit + 1
    depth = _DEPTH * wanted
    while True:
        top = _top(scores, depth)
        some = rows.take(top)
        kept = _first(scores.take(top), kinds(some), some.tolist(), item_ids, limits)
        if len(kept) == wanted or len(top) == len(rows):
            return top.take(kept[: limits.limit]), len(kept) < wanted
        depth *= _DEEPER


def _top(scores: Scores, depth: int) -> Places:
    """Places of about the `depth` largest scores, or of all: no score that is left out is as large as one of them; in no order."""
    if depth >= len(scores):
        return np.arange(len(scores))
    some = scores[::_SAMPLED]
    last = max(0, len(some) - depth // _SAMPLED - 1)
    best: Places = (scores >= np.partition(some, last)[last]).nonzero()[0]
    return best


def _first(scores: Scores, kinds: Kinds, rows: Sequence[int], item_ids: Sequence[str], limits: Limits) -> list[int]:
    """Places of the first `limit` + 1 rows by score, descending, then item_id: open, under the cap and not excluded."""
    cap, limit, excluded = limits
    kind_of = kinds.tolist()
    counts = dict.fromkeys(kind_of, 0)
    counts[NOT_OPEN] = cap
    kept: list[int] = []
    for place in _by_score(scores, lambda place: item_ids[rows[place]]):
        kind = kind_of[place]
        if counts[kind] < cap and item_ids[rows[place]] not in excluded:
            counts[kind] += 1
            kept.append(place)
            if len(kept) > limit:
                break
    return kept


def _by_score(scores: Scores, name: Callable[[int], str]) -> Iterator[int]:
    """Every place by score, descending, then by name; names are asked for as late as can be, since they too lie all over memory."""
    order = scores.argsort()[::-1]
    falling = scores.take(order)
    breaks = [*((falling[1:] != falling[:-1]).nonzero()[0] + 1).tolist(), len(falling)]
    places, done = order.tolist(), 0
    for tied in (falling[1:] == falling[:-1]).nonzero()[0].tolist():
        if tied >= done:
            yield from places[done:tied]
            done = breaks[bisect(breaks, tied)]
            yield from sorted(places[tied:done], key=name)
    yield from places[done:]
