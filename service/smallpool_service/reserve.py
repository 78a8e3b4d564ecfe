"""Keeps some places of a page for what the order by score would leave behind what is known: items that nobody was shown, and items of
categories that are new to the person.

In: candidates in their final order. Out: the same candidates, a few of them moved up. Which places, and whether a page has one where a
share is less than a place, the request decides.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

from smallpool_service.candidates import Scored
from smallpool_service.spread import cut_key

EXPLORE = "explore"
LATENT = "latent"
PINNED = "pinned"


def reserve(ranked: Sequence[Scored], size: int, shares: Mapping[str, float], cap: int, level: int | None, seed: int) -> list[Scored]:
    """The order with a share of the `size` places, rounded up or down by chance, given to items of each of these sources that would not be
    on the page, those first that the source put first. What a source of latent interests has on the page already counts, as
    far as the places of others leave it there.

    The places lie in the page's second half, behind what is pinned. An item whose spread key is full by then is passed over.
    """
    draw = Random(seed)  # noqa: S311  it decides who is seen, nothing that must be kept from anybody
    wanted = list[str]()
    for source, share in shares.items():
        if share > 0:
            wanted += [source] * _places(source, ranked[: size - len(wanted)], size * share, draw)
    first = max(size // 2, sum(PINNED in one.candidate.ranks for one in ranked[:size]))
    if not wanted or len(ranked) <= size:
        return list(ranked)
    page, behind = list(ranked[:size]), list(ranked[size:])
    places = draw.sample(range(first, size), min(len(wanted), size - first))
    for place, source in sorted(zip(places, wanted, strict=False)):
        keys = Counter(_key(one, level) for one in page[:place])
        brought = sorted([one for one in behind if source in one.candidate.ranks], key=lambda one: one.candidate.ranks[source])
        found = next((one for one in brought if keys[_key(one, level)] < cap), None)
        if found is not None:
            behind.remove(found)
            page.insert(place, found)
    return page + behind


def _places(source: str, page: Sequence[Scored], wanted: float, draw: Random) -> int:
    """How many places a source is given; `page` is what the places given so far leave of it, and each further one takes its last item."""
    places = int(wanted + draw.random())
    if source != LATENT:
        return places
    there = [source in one.candidate.ranks for one in page]
    return next(more for more in range(places + 1) if more + sum(there[: max(0, len(there) - more)]) >= places)


def _key(scored: Scored, level: int | None) -> str:
    return cut_key(scored.candidate.hit.spread_key, level)
