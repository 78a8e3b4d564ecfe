"""The distributed wiring whose searches are kept, so that they can be sent again with nothing around them.

In: pages asked for. Out: the searches that each sent, which of them together, and for how long.
"""

from collections.abc import Sequence
from functools import cached_property
from time import perf_counter
from typing import Any

from msgspec import Struct

from smallpool_config.wiring.distributed import Distributed
from smallpool_stores.elasticsearch.reader import ElasticsearchItemReader


class Search(Struct):
    """One search that was sent, and when it was under way (seconds)."""

    body: dict[str, Any]
    began: float
    ended: float = float("inf")


class RecordedReader(ElasticsearchItemReader):
    """Keeps what is asked, in `sent`."""

    sent: list[Search]

    def begin(self) -> None:
        """Forgets what was asked before."""
        self.sent = []

    async def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """One search, its answer parsed and not looked at; it is not kept."""
        return await super()._search(body)

    async def _search(self, body: dict[str, Any], index: str | None = None) -> dict[str, Any]:
        search = Search(body, perf_counter())
        self.sent.append(search)
        try:
            return await super()._search(body, index)
        finally:
            search.ended = perf_counter()


class Recorded(Distributed):
    """The wiring."""

    @cached_property
    def index_reader(self) -> RecordedReader:
        """The wide index, while it answers."""
        reader = RecordedReader(self.connection)
        reader.begin()
        return reader


def waves_of(sent: Sequence[Search]) -> list[list[dict[str, Any]]]:
    """The bodies in their order, those together of which each began before any of the others had ended."""
    waves: list[list[dict[str, Any]]] = []
    until = float("-inf")
    for search in sent:
        if search.began >= until:
            waves.append([])
            until = float("inf")
        waves[-1].append(search.body)
        until = min(until, search.ended)
    return waves


def under_way_s(sent: Sequence[Search]) -> float:
    """For how long at least one of the searches was under way."""
    total, until = 0.0, float("-inf")
    for search in sent:
        total += max(0.0, search.ended - max(search.began, until))
        until = max(until, search.ended)
    return total
