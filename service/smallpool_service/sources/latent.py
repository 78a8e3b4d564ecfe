"""The source of what a person may come to like: items of categories that are near to an interest and were never visited (seed 000,
section 05: {k nearest categories of an interest} − {categories visited}).

A pool's own categories are looked at, as the items in it make them, so a category that has nothing here takes no place of one that has.
"""

from typing import Final

from msgspec.structs import replace

from smallpool_core.latent import ALIKE_ABOVE, LatentCategory, latent_categories
from smallpool_core.pages import Answer, Hit
from smallpool_core.source_ports import VectorIndex
from smallpool_core.vectors import FLOAT_BYTES, Vectors
from smallpool_service.candidates import Question
from smallpool_service.interests import KnownInterests
from smallpool_service.sources.vectors import by_shares, found_by

MOST_NEAR: Final = 10
"""Categories of the pool that count as near to an interest, those visited among them."""
MORE_WHEN_ALIKE: Final = 2
"""So many times its share is wanted for somebody whose last items are all of one kind."""
NOTHING: Final = Answer((), exhausted=True)


class Latent:
    """Rows of categories that are new to the person, by nearness to the interest that leads there."""

    name = "latent"

    def __init__(self, index: VectorIndex) -> None:
        self._index = index

    async def find(self, question: Question) -> Answer:
        """See `Source.find`. Each hit says by `interest` which one led to it; always exhausted: asking for more fills no page."""
        known = question.interests
        if known is None:
            return NOTHING
        by_interest: dict[int, list[str]] = {}
        for one in latent_of(known):
            by_interest.setdefault(one.interest, []).append(one.category)
        limit = question.query.limit * times_the_share(known)
        query = replace(question.query, limit=limit)
        lists: list[list[Hit]] = []
        for interest, categories in by_interest.items():
            [answer] = await self._index.nearest(query, _only(known.found.vectors, interest), categories)
            lists.append(found_by(interest + 1, answer.hits))
        shares = [known.found.shares[interest] for interest in by_interest]
        return Answer(tuple(by_shares(lists, shares)[:limit]), exhausted=True, asked=limit)


def times_the_share(known: KnownInterests | None) -> int:
    """How many times its share the source is given, of candidates and of places: more for somebody who sees one kind alone."""
    if known is None:
        return 0
    return MORE_WHEN_ALIKE if known.ils > ALIKE_ABOVE else 1


def latent_of(known: KnownInterests) -> tuple[LatentCategory, ...]:
    """The categories that a person may come to like."""
    return latent_categories([near[:MOST_NEAR] for near in known.near], known.visited)


def _only(vectors: Vectors, place: int) -> Vectors:
    """One of the vectors."""
    size = FLOAT_BYTES * vectors.dimensions
    return replace(vectors, values=vectors.values[place * size : (place + 1) * size])
