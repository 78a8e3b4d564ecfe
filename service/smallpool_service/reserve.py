"""Keeps some places of a page for items that the source `explore` brought: the order by score would leave them behind what is known.

In: candidates in their final order. Out: the same candidates, a few of them moved up. Which places, and whether a page has one where its
share is less than a place, the request decides.
"""

from collections import Counter
from collections.abc import Sequence
from random import Random

from smallpool_service.candidates import Scored
from smallpool_service.spread import cut_key

EXPLORE = "explore"
PINNED = "pinned"


def reserve(ranked: Sequence[Scored], size: int, share: float, cap: int, level: int | None, seed: int) -> list[Scored]:
    """The order with `share` of the `size` places, rounded up or down by chance, given to explored items that would not be on the page,
    those first that the source put first.

    The places lie in the page's second half, behind what is pinned. An item whose spread key is full by then is passed over.
    """
    draw = Random(seed)  # noqa: S311  it decides who is seen, nothing that must be kept from anybody
    wanted = int(size * share + draw.random())
    first = max(size // 2, sum(PINNED in one.candidate.ranks for one in ranked[:size]))
    if wanted <= 0 or len(ranked) <= size:
        return list(ranked)
    page, behind = list(ranked[:size]), list(ranked[size:])
    explored = sorted([one for one in behind if EXPLORE in one.candidate.ranks], key=lambda one: one.candidate.ranks[EXPLORE])
    for place in sorted(draw.sample(range(first, size), min(wanted, size - first))):
        keys = Counter(_key(one, level) for one in page[:place])
        found = next((one for one in explored if keys[_key(one, level)] < cap), None)
        if found is None:
            break
        explored.remove(found)
        behind.remove(found)
        page.insert(place, found)
    return page + behind


def _key(scored: Scored, level: int | None) -> str:
    return cut_key(scored.candidate.hit.spread_key, level)
