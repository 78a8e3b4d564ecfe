"""The source of what nobody has been shown: it gives a new item its first exposures within its hours of life.

Each request looks at another sample of the scope, so that people who come at once are not all shown the same item, and takes the
items of it that were shown least; of equally little-shown ones those whose time ends first.
"""

from hashlib import blake2b
from math import inf
from typing import Final

from msgspec.structs import replace

from smallpool_core.pages import Answer, Hit
from smallpool_core.ports import ItemStats, LiveView
from smallpool_service.candidates import Question
from smallpool_service.sources.popular import SITE

LOOKED_AT: Final = 6
"""Sampled for each item that is wanted."""
LITTLE_SHOWN: Final = 5.0
"""Exposures over the whole site, decayed, from which on an item has had its chance."""


class Explore:
    """Rows that fewer than `LITTLE_SHOWN` exposures are known of, of a sample that the question's seed decides."""

    name = "explore"

    def __init__(self, live: LiveView, stats: ItemStats) -> None:
        self._live = live
        self._stats = stats

    async def find(self, question: Question) -> Answer:
        """See `Source.find`. Nothing in a pool whose tag is not trusted; always exhausted: asking for more fills no page."""
        query = question.query
        if not (query.scope.trusted or query.scope.everything):
            return Answer((), exhausted=True)
        sample = self._live.sample(replace(query, limit=LOOKED_AT * query.limit), question.seed).hits
        shown = await self._stats.exposures(SITE, [hit.item_id for hit in sample], query.now)
        little = [hit for hit in sample if shown.get(hit.item_id, 0.0) < LITTLE_SHOWN]
        # Whole exposures, because decay alone tells two items apart that were shown once each.
        first = sorted(little, key=lambda hit: (round(shown.get(hit.item_id, 0.0)), _left_ms(hit, query.now)))
        return Answer(tuple(first[: query.limit]), exhausted=True)


def seed_of(request_id: str) -> int:
    """A number below 2^63 of a request's own."""
    return int.from_bytes(blake2b(request_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1


def _left_ms(hit: Hit, now: int) -> float:
    """How long the item is still on sale; one without an end has all the time."""
    return inf if hit.expires_at is None else hit.expires_at - now
