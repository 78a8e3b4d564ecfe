"""The source of what is like a person's interests, whatever terms it bears: one search by vector for each interest, inside the scope."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from smallpool_core.pages import Answer, Hit
from smallpool_core.source_ports import VectorIndex
from smallpool_service.candidates import Question
from smallpool_service.rewrite import shared

NOTHING = Answer((), exhausted=True)
SMALLEST: Final = 1e-6
"""Stands for a share of 0, which divides nothing."""


class Vectors:
    """Rows by nearness to a person's interests, of each as many as its share of what they did."""

    name = "vectors"

    def __init__(self, index: VectorIndex) -> None:
        self._index = index

    async def find(self, question: Question) -> Answer:
        """See `Source.find`. Each hit says by `interest` what it was found by. Nothing for somebody of whom nothing is known, and where the
        index does not search the scope.
        """
        known = question.interests
        if known is None:
            return NOTHING
        answers = await self._index.nearest(shared(question.query, max(known.found.shares)), known.found.vectors)
        lists = [found_by(number, answer.hits) for number, answer in enumerate(answers, start=1)]
        hits = by_shares(lists, known.found.shares)
        return Answer(tuple(hits[: question.query.limit]), all(answer.exhausted for answer in answers))


def found_by(interest: int, hits: Sequence[Hit]) -> list[Hit]:
    """The same rows, found by that interest (from 1)."""
    return [replace(hit, interest=interest) for hit in hits]


def by_shares(lists: Sequence[Sequence[Hit]], shares: Sequence[float]) -> list[Hit]:
    """The lists as one, of which any beginning holds of each about its share (Webster's method: by (place + 1/2) / share, from place 0; the
    first list where that is the same); each item where it comes first. An interest that stands for next to nothing, as two of three do of
    somebody with one act, comes last.
    """
    placed = [
        ((place + 0.5) / max(share, SMALLEST), number, hit)
        for number, (hits, share) in enumerate(zip(lists, shares, strict=True))
        for place, hit in enumerate(hits)
    ]
    found: dict[str, Hit] = {}
    for _, _, hit in sorted(placed, key=lambda one: one[:2]):
        found.setdefault(hit.item_id, hit)
    return list(found.values())
