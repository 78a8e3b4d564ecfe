"""The port `ItemReader` over two: what the live view of this process knows it answers at once; the wide index is asked for the rest.

In: queries. Out: answers; the wide index's are exact of what it holds, the live view's of what it has taken in, which is never less
than what judges every candidate before it is claimed. A wide index that keeps failing is left alone by the breaker, so that pages need
not wait for it.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from smallpool_core.cuts import Cut, CutBy
from smallpool_core.errors import StoreUnavailable
from smallpool_core.items import WideItem
from smallpool_core.pages import Answer, Query
from smallpool_core.ports import ItemReader
from smallpool_core.rule_counts import Breakdown, Exclusion
from smallpool_core.rules import Rule
from smallpool_stores.breaker import Breaker
from smallpool_stores.memory.live_reader import LiveItemReader

FAILURES = (StoreUnavailable, asyncio.CancelledError)
"""Whoever gives a question up, by its deadline as a rule, had no answer."""


def breaker_of(name: str, after: int, pause_ms: int) -> Breaker:
    """The breaker of a wide index of this name."""

    def refusal(found: str) -> StoreUnavailable:
        return StoreUnavailable(f"could not ask {name}: it is {found}; see that it runs and how busy it is")

    pause_s = pause_ms / 1000
    return Breaker(FAILURES, refusal, after=after, pause_s=pause_s, answer_s=pause_s)


class LiveFirstReader:
    """Term recall, whole items and counts of rules need the wide index; so does a pool whose tag is not trusted. Counts are asked past
    the breaker.
    """

    def __init__(self, index: ItemReader, live: LiveItemReader, breaker: Breaker) -> None:
        self._index = index
        self._live = live
        self._breaker = breaker

    async def recall(self, query: Query, weights: Mapping[str, int]) -> Answer:
        with self._breaker.asking():
            return await self._index.recall(query, weights)

    async def browse(self, query: Query, by: Literal["newest", "static"]) -> Answer:
        if self._live.knows(query.scope):
            return self._live.browse(query, by)
        with self._breaker.asking():
            return await self._index.browse(query, by)

    async def pick(self, query: Query, item_ids: Sequence[str]) -> Answer:
        if self._live.knows(query.scope):
            return self._live.pick(query, item_ids)
        with self._breaker.asking():
            return await self._index.pick(query, item_ids)

    async def get(self, item_ids: Collection[str]) -> dict[str, WideItem]:
        with self._breaker.asking():
            return await self._index.get(item_ids)

    # Of these an operator's patience may cut many short, which tells nothing of how the index would serve a page.
    async def preview(self, rule: Rule, now: int, sample: int) -> tuple[int, list[str]]:
        return await self._index.preview(rule, now, sample)

    async def breakdown(self, rule: Rule, now: int, limit: int) -> Breakdown:
        return await self._index.breakdown(rule, now, limit)

    async def exclusions(self, parts: Sequence[Rule], now: int) -> list[Exclusion]:
        return await self._index.exclusions(parts, now)

    async def cut_off(self, rule: Rule, by: CutBy, size: int, now: int) -> Cut | None:
        return await self._index.cut_off(rule, by, size, now)
