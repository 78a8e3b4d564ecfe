"""The source of what is like a person's interests, whatever terms it bears: one search by vector for each interest, inside the scope."""

from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest

from msgspec.structs import replace

from smallpool_core.pages import Answer, Hit
from smallpool_core.source_ports import VectorIndex
from smallpool_service.candidates import Question
from smallpool_service.rewrite import shared

NOTHING = Answer((), exhausted=True)


class Vectors:
    """Rows by nearness to a person's interests, an equal number for each, by turns."""

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
        answers = await self._index.nearest(shared(question.query, 1 / len(known)), known.found.vectors)
        hits = in_turn(found_by(number, answer.hits) for number, answer in enumerate(answers, start=1))
        return Answer(tuple(hits[: question.query.limit]), all(answer.exhausted for answer in answers))


def found_by(interest: int, hits: Sequence[Hit]) -> list[Hit]:
    """The same rows, found by that interest (from 1)."""
    return [replace(hit, interest=interest) for hit in hits]


def in_turn(lists: Iterable[Sequence[Hit]]) -> list[Hit]:
    """The first of each, then the second of each, and so on; each item where it comes first."""
    hits: dict[str, Hit] = {}
    for hit in chain.from_iterable(zip_longest(*lists)):
        if hit is not None:
            hits.setdefault(hit.item_id, hit)
    return list(hits.values())
