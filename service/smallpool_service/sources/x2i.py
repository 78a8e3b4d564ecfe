"""The source of what goes with the items that a person touched and bought last: lists of related items, made of everybody's behaviour.

An item that is sold still brings what goes with it: that is how most items of this kind end. Lists of the whole site are held against the
pool after they are read, so a small pool finds little in them; a pool may have lists of its own items beside (`X2iPool`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from typing import Final

from msgspec.structs import replace

from smallpool_core.pages import Answer, Query
from smallpool_core.ports import ItemReader
from smallpool_core.relation_ports import Relations
from smallpool_core.relations import RELATED_TERM_KINDS, SITE, Related
from smallpool_core.terms import kind_of, term
from smallpool_service.candidates import Question
from smallpool_service.prompt import side_by_side
from smallpool_service.settings import ReadSettings

NOTHING: Final = Answer((), exhausted=True)
MOST_LISTED: Final = 200
"""Items taken from one list."""
MOST_PICKED: Final = 2_000
"""Items, the heaviest, that are held against the scope."""
MOST_VIA: Final = 3
HEAVIEST: Final = 1024
"""The largest weight of a trigger."""

Parts = dict[str, float]
"""What each list brings to one item, by the item (`item:ID`) or term whose list it is."""


class X2i:
    """Rows by Σ over the person's items of `decay^place · worth` (place 0 is the last one), and over their terms of a share of it."""

    name = "x2i"

    def __init__(self, reader: ItemReader, relations: Relations, settings: ReadSettings) -> None:
        self._reader = reader
        self._relations = relations
        self._settings = settings

    async def find(self, question: Question) -> Answer:
        """See `Source.find`. Each hit says by `via` what it goes with."""
        parts = await self._gathered(question)
        heaviest = nlargest(MOST_PICKED, ((sum(some.values()), item_id) for item_id, some in parts.items()))
        if not heaviest:
            return NOTHING
        wanted = [item_id for _, item_id in sorted(heaviest, key=lambda pair: (-pair[0], pair[1].encode()))]
        answer = await self._reader.pick(question.query, wanted)
        hits = tuple([replace(hit, via=_heaviest(parts[hit.item_id])) for hit in answer.hits])
        return Answer(hits, answer.exhausted and len(parts) <= MOST_PICKED)

    async def _gathered(self, question: Question) -> dict[str, Parts]:
        settings, pool_id = self._settings, self._lists_of(question.query)
        touched, bought = question.touched[: settings.x2i_items], question.bought[: settings.x2i_items]
        terms = {name: weight for name, weight in question.weights.items() if kind_of(name) in RELATED_TERM_KINDS}
        if not (touched or bought or terms):
            return {}
        related = self._relations.related
        viewed, purchased, of_terms = await side_by_side(
            related("view", touched, MOST_LISTED, pool_id),
            related("purchase", bought, MOST_LISTED, pool_id),
            related("term", terms, MOST_LISTED, pool_id),
        )
        parts: dict[str, Parts] = {}
        for some in (_by_items(touched, viewed, settings.x2i_decay), _by_items(bought, purchased, settings.x2i_decay)):
            _add(parts, some)
        _add(parts, _by_terms(terms, of_terms, settings.x2i_term_share))
        for item_id in question.query.excluded:
            parts.pop(item_id, None)
        return parts

    def _lists_of(self, query: Query) -> str:
        return SITE


class X2iPool(X2i):
    """The same from the lists that are made of the pool's items alone, for pools that have them."""

    name = "x2i_pool"

    def _lists_of(self, query: Query) -> str:
        return query.scope.pool_id


def _by_items(
    item_ids: Sequence[str], lists: Mapping[str, Sequence[Related]], decay: float
) -> Iterator[tuple[str, float, Sequence[Related]]]:
    """What each list says, with its name and the weight that it has."""
    return ((term("item", item_id), decay**place, lists[item_id]) for place, item_id in enumerate(item_ids) if item_id in lists)


def _by_terms(
    weights: Mapping[str, int], lists: Mapping[str, Sequence[Related]], share: float
) -> Iterator[tuple[str, float, Sequence[Related]]]:
    """The same of terms, whose lists are measured by their own heaviest item."""
    return (
        (name, share * weights[name] / HEAVIEST / items[0].weight, items)
        for name, items in lists.items()
        if share > 0 and items and items[0].weight > 0
    )


def _add(parts: dict[str, Parts], lists: Iterable[tuple[str, float, Sequence[Related]]]) -> None:
    for name, weight, items in lists:
        for related in items:
            of_item = parts.setdefault(related.item_id, {})
            of_item[name] = of_item.get(name, 0.0) + weight * related.weight


def _heaviest(parts: Parts) -> tuple[str, ...]:
    return tuple(sorted(parts, key=lambda name: (-parts[name], name))[:MOST_VIA])
