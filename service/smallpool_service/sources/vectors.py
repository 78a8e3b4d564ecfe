"""The source of what is like a person's interests, whatever terms it bears: one search by vector for each interest, inside the scope."""

from itertools import chain, zip_longest

from smallpool_core.pages import Answer
from smallpool_core.source_ports import VectorIndex
from smallpool_core.term_vectors import interests
from smallpool_service.candidates import Question
from smallpool_service.rewrite import shared

NOTHING = Answer((), exhausted=True)


class Vectors:
    """Rows by nearness to the interests that a person's triggers are grouped into, an equal number for each, by turns."""

    name = "vectors"

    def __init__(self, index: VectorIndex) -> None:
        self._index = index

    async def find(self, question: Question) -> Answer:
        """See `Source.find`. Nothing for somebody of whom nothing is known, and where the index does not search the scope."""
        asked = interests(question.weights)
        if not len(asked):
            return NOTHING
        answers = await self._index.nearest(shared(question.query, 1 / len(asked)), asked)
        in_turn = chain.from_iterable(zip_longest(*[answer.hits for answer in answers]))
        hits = {hit.item_id: hit for hit in in_turn if hit is not None}
        return Answer(tuple(hits.values())[: question.query.limit], all(answer.exhausted for answer in answers))
