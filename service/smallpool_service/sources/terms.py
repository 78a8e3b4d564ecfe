"""The source of what the person asked for: term recall by weighted triggers, exact.

Where a trigger crowds the others out, as many more rows are asked for with that trigger at the least weight, so that the
others bring what they have left.
"""

from collections import Counter
from collections.abc import Mapping

from msgspec.structs import replace

from smallpool_core.pages import Answer, Hit
from smallpool_core.ports import ItemReader
from smallpool_service.candidates import Question
from smallpool_service.spread import owners

STATIC_RANGE = 512
"""Static scores are below this, so a term's weight always outranks them (order of term recall)."""
MUTED = 1
"""The weight of a trigger that crowds: rows that match nothing else come last."""
NOTHING = Answer((), exhausted=True)


class Terms:
    """Rows that have at least one trigger term, by `512·Σweight + static_score`."""

    name = "terms"

    def __init__(self, reader: ItemReader, trigger_share: float) -> None:
        self._reader = reader
        self._trigger_share = trigger_share

    async def find(self, question: Question) -> Answer:
        """See `Source.find`. May give more than the limit, which the spread stage cuts back; `exhausted` says whether the
        triggers that do not crowd have nothing left.
        """
        if not question.weights:
            return NOTHING
        answer = await self._reader.recall(question.query, question.weights)
        if answer.exhausted:
            return answer
        over = self._over(answer, question)
        enough = question.query.limit * (1 - self._trigger_share)
        if len(over) == len(question.weights) or len(answer.hits) - sum(over.values()) >= enough:
            return answer
        return await self._asked_again(question, answer, over)

    async def _asked_again(self, question: Question, answer: Answer, over: Mapping[str, int]) -> Answer:
        excluded = question.query.excluded.union([hit.item_id for hit in answer.hits])
        query = replace(question.query, excluded=excluded, limit=sum(over.values()))
        muted = {term: MUTED if term in over else max(MUTED + 1, weight) for term, weight in question.weights.items()}
        more = await self._reader.recall(query, muted)
        others_left = not more.exhausted and not over.keys() >= set(more.hits[-1].terms)
        return Answer(_reranked(answer.hits + more.hits, question), exhausted=not others_left)

    def _over(self, answer: Answer, question: Question) -> dict[str, int]:
        """By how many rows a trigger brings more than its share, for those that do."""
        quota = int(question.query.limit * self._trigger_share)
        brings = Counter(owners(answer.hits, question.weights).values())
        return {term: count - quota for term, count in brings.items() if count > quota}


def _reranked(hits: tuple[Hit, ...], question: Question) -> tuple[Hit, ...]:
    sums = {terms: STATIC_RANGE * sum([question.weights[term] for term in terms]) for terms in {hit.terms for hit in hits}}
    places = [(-sums[hit.terms] - hit.static_score, hit.item_id, place) for place, hit in enumerate(hits)]
    return tuple([hits[place] for _, _, place in sorted(places)])
