"""Brings stored listings in line with what understands them now: after a change of knowledge base or model all of them are understood anew.

In: ids of those that others understood, from the wide table, a page at a time. Out: `enrich understand` events, sent to each listing's
own writer. What is left to do is seen in the stored items, each of which has the versions that it was understood by, so a crash loses
nothing, and a start where nothing is left to do reads none of them.
"""

from smallpool_core.events import INDEXER_GROUP, encode_item_event
from smallpool_core.items import ItemEvent
from smallpool_core.market_ports import Understander
from smallpool_core.places import Places, has_reached
from smallpool_core.ports import Clock, EventLog, WideTable
from smallpool_indexer.settings import IndexerSettings


class Renewer:
    """Looks once over the listings of its partitions for each set of versions; to be taken in turn with the pipeline, in its thread."""

    def __init__(
        self, *, clock: Clock, log: EventLog, wide: WideTable, understander: Understander, settings: IndexerSettings | None = None
    ) -> None:
        self._clock = clock
        self._log = log
        self._wide = wide
        self._understander = understander
        self._page = (settings or IndexerSettings()).backfill_page
        self._walked: tuple[dict[str, str], frozenset[int]] | None = None
        self._after: str | None = ""
        self._sent: Places = {}

    def step(self) -> bool:
        """Looks at one page and sends what has to be understood anew; whether there are more pages.

        The events of a page are taken in before the next is looked at, so that new listings never wait for more than one page.
        """
        walked = dict(self._understander.versions), frozenset(self._wide.end())
        if walked != self._walked:
            self._walked, self._after = walked, ""
        if self._after is None or (self._sent and not has_reached(self._log.committed("item-events", INDEXER_GROUP), self._sent)):
            return False
        old, now = self._wide.understood_otherwise(walked[0], self._after, self._page), self._clock.now_ms()
        events = [(item_id, encode_item_event(ItemEvent("enrich", item_id, 0, now, reason="understand"))) for item_id in old]
        self._sent = self._log.append_now("item-events", events, now) if events else {}
        self._after = old[-1] if len(old) == self._page else None
        return self._after is not None
