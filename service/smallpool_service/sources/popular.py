"""The source of what others act on, topped up with the best rows by static score."""

from msgspec.structs import replace

from smallpool_core.pages import Answer, Scope
from smallpool_core.ports import ItemReader, ItemStats
from smallpool_service.candidates import Question

SITE = ""
NOTHING = Answer((), exhausted=True)


def stats_pool(scope: Scope) -> str:
    """The pool under which statistics of this scope are kept: its own, or the whole site's for home."""
    return SITE if scope.everything else scope.pool_id


class Popular:
    """Rows by decayed weight of events in this pool, then by static score; covers the whole scope when asked deep enough."""

    name = "popular"

    def __init__(self, reader: ItemReader, stats: ItemStats) -> None:
        self._reader = reader
        self._stats = stats

    async def find(self, question: Question) -> Answer:
        """See `Source.find`. The cap holds within each of the two parts; the spread stage holds it over both."""
        query = question.query
        wanted = query.limit
        item_ids = await self._stats.popular(stats_pool(query.scope), wanted)
        picked = await self._reader.pick(query, item_ids) if item_ids else NOTHING
        if len(picked.hits) >= wanted:
            return replace(picked, exhausted=False, found=len(item_ids))
        topping = await self._reader.browse(query, "static")
        popular = {hit.item_id for hit in picked.hits}
        hits = picked.hits + tuple([hit for hit in topping.hits if hit.item_id not in popular])
        found = len(item_ids) + len(hits) - len(picked.hits)
        return Answer(hits[:wanted], topping.exhausted and len(hits) <= wanted, found=found)
