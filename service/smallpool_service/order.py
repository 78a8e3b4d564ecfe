"""Orders scored candidates for one pool: by score, then by item_id; what has no finite score sinks to the end."""

from collections.abc import Sequence
from math import inf, isfinite

from smallpool_service.candidates import Scored

SUNK = inf
"""The place of a score that is no finite number: behind every one that is."""


def order(scored: Sequence[Scored]) -> list[Scored]:
    """Best first. Ids compare by code points, which is the order of their UTF-8 bytes."""
    places = [(-one.score if isfinite(one.score) else SUNK, one.candidate.hit.item_id, place) for place, one in enumerate(scored)]
    return [scored[place] for _, _, place in sorted(places)]
