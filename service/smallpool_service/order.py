"""Orders scored candidates for one pool: the pinned ones first, then by score, then by item_id; what has no finite score sinks to the end.

A pin fixes rank among what may be served, nothing else: whatever came here has passed every filter.
"""

from collections.abc import Sequence
from math import inf, isfinite

from smallpool_service.candidates import Scored

SUNK = inf
"""The place of a score that is no finite number: behind every one that is."""


def order(scored: Sequence[Scored], pins: Sequence[str]) -> list[Scored]:
    """Best first. Ids compare by code points, which is the order of their UTF-8 bytes."""
    places = [(-one.score if isfinite(one.score) else SUNK, one.candidate.hit.item_id, place) for place, one in enumerate(scored)]
    ranked = [scored[place] for _, _, place in sorted(places)]
    if not pins:
        return ranked
    pinned = {item_id: place for place, item_id in enumerate(pins)}
    return sorted(ranked, key=lambda one: pinned.get(one.item_id, len(pins)))
