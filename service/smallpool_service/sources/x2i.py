"""The source of what goes with the items that a person touched and bought last: lists of related items, made of everybody's behaviour.

An item that is sold still brings what goes with it: that is how most items of this kind end. Lists of the whole site are held against the
pool after they are read, so a small pool finds little in them; a pool may have lists of its own items beside (`X2iPool`).
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
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
MOST_OF_ITEM: Final = 100
"""Items taken from the list of one item."""
MOST_TERMS: Final = 5
MOST_OF_TERM: Final = 50
"""Items taken from the list of one term, and how many of the heaviest terms are looked up: of what people act on, the first will do."""
MOST_VIA: Final = 3
HEAVIEST: Final = 1024
"""The largest weight of a trigger."""

Weighed = tuple[str, float, Sequence[Related]]
"""One list: the item (`item:ID`) or term that it is of, what it weighs, and what is in it."""


class X2i:
    """Rows by Σ over the person's items of `decay^place · worth` (place 0 is the last one), and over their terms of a share of it."""

    name = "x2i"

    def __init__(self, reader: ItemReader, relations: Relations, settings: ReadSettings) -> None:
        self._reader = reader
        self._relations = relations
        self._settings = settings

    async def find(self, question: Question) -> Answer:
        """See `Source.find`. Each hit says by `via` what it goes with."""
        lists = await self._lists(question)
        weights: dict[str, float] = {}
        for _, weight, items in lists:
            for one in items:
                weights[one.item_id] = weights.get(one.item_id, 0.0) + weight * one.weight
        wanted = [item_id for item_id, _ in sorted(weights.items(), key=_heaviest_first) if item_id not in question.query.excluded]
        if not wanted:
            return NOTHING
        answer = await self._reader.pick(question.query, wanted)
        via = _via({hit.item_id for hit in answer.hits}, lists)
        hits = tuple([replace(hit, via=via[hit.item_id]) for hit in answer.hits])
        return replace(answer, hits=hits, found=len(wanted))

    async def _lists(self, question: Question) -> list[Weighed]:
        settings, pool_id = self._settings, self._lists_of(question.query)
        touched, bought = question.touched[: settings.x2i_items], question.bought[: settings.x2i_items]
        terms = _terms_of(question.weights) if settings.x2i_term_share > 0 else {}
        if not (touched or bought or terms):
            return []
        related = self._relations.related
        viewed, purchased, of_terms = await side_by_side(
            related("view", touched, MOST_OF_ITEM, pool_id),
            related("purchase", bought, MOST_OF_ITEM, pool_id),
            related("term", terms, MOST_OF_TERM, pool_id),
        )
        decay = settings.x2i_decay
        return [
            *_by_items(touched, viewed, decay),
            *_by_items(bought, purchased, decay),
            *_by_terms(terms, of_terms, settings.x2i_term_share),
        ]

    def _lists_of(self, query: Query) -> str:
        return SITE


class X2iPool(X2i):
    """The same from the lists that are made of the pool's items alone, for pools that have them."""

    name = "x2i_pool"

    def _lists_of(self, query: Query) -> str:
        return query.scope.pool_id


def _terms_of(weights: Mapping[str, int]) -> dict[str, int]:
    """The heaviest terms that have lists."""
    found = {name: weight for name, weight in weights.items() if kind_of(name) in RELATED_TERM_KINDS}
    return dict(sorted(found.items(), key=_heaviest_first)[:MOST_TERMS])


def _by_items(item_ids: Sequence[str], lists: Mapping[str, Sequence[Related]], decay: float) -> Iterator[Weighed]:
    """The lists of items, the first of which weighs most."""
    return ((term("item", item_id), decay**place, lists[item_id]) for place, item_id in enumerate(item_ids) if item_id in lists)


def _by_terms(weights: Mapping[str, int], lists: Mapping[str, Sequence[Related]], share: float) -> Iterator[Weighed]:
    """The lists of terms, each measured by its own heaviest item."""
    return (
        (name, share * weights[name] / HEAVIEST / items[0].weight, items) for name, items in lists.items() if items and items[0].weight > 0
    )


def _via(item_ids: AbstractSet[str], lists: Sequence[Weighed]) -> dict[str, tuple[str, ...]]:
    """For each of the items the names of the lists that brought most of its weight."""
    parts: dict[str, dict[str, float]] = {item_id: {} for item_id in item_ids}
    for name, weight, items in lists:
        for one in items:
            if one.item_id in item_ids:
                of_item = parts[one.item_id]
                of_item[name] = of_item.get(name, 0.0) + weight * one.weight
    return {item_id: tuple([name for name, _ in sorted(some.items(), key=_heaviest_first)[:MOST_VIA]]) for item_id, some in parts.items()}


def _heaviest_first(named: tuple[str, float]) -> tuple[float, str]:
    """Ties by name; code points sort as their UTF-8 bytes do."""
    return -named[1], named[0]
