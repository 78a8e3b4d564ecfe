"""Orders scored candidates for one pool: the pinned ones first, then by score, then by item_id; what has no finite score sinks to the end.
Where the pool wants its pages diverse, the best are arranged by that too.

A pin fixes rank among what may be served, nothing else: whatever came here has passed every filter.
"""

from collections.abc import Sequence
from math import inf, isfinite

from smallpool_core.pools import Ordering
from smallpool_service.candidates import Scored
from smallpool_service.diverse import diversified

SUNK = inf
"""The place of a score that is no finite number: behind every one that is."""


def order(scored: Sequence[Scored], ordering: Ordering, most: int) -> list[Scored]:
    """Best first; where diversity counts, the first `most` are arranged by it. Ids compare by code points, which is the order of their
    UTF-8 bytes.
    """
    places = [(-one.score if isfinite(one.score) else SUNK, one.candidate.hit.item_id, place) for place, one in enumerate(scored)]
    ranked = [scored[place] for _, _, place in sorted(places)]
    if ordering.diversity > 0:
        ranked = diversified(ranked, ordering.diversity, most)
    pins = ordering.pins
    if not pins:
        return ranked
    pinned = {item_id: place for place, item_id in enumerate(pins)}
    return sorted(ranked, key=lambda one: pinned.get(one.item_id, len(pins)))
