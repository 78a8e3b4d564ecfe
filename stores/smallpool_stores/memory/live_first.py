"""The port `ItemReader` over what this process knows by itself and the wide index: the live view answers what it can at once, and
beside what the wide index recalls by terms stands what came in since it was refreshed.

In: queries. Out: answers, exact of all that this process has taken in, which is never less than what judges every candidate before
it is claimed; where a pool's tag is not trusted, of what the wide index holds. A wide index that keeps failing is left alone by the
breaker, so that pages need not wait for it.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from smallpool_core.breaker import Breaker
from smallpool_core.cuts import Cut, CutBy
from smallpool_core.errors import StoreUnavailable
from smallpool_core.items import WideItem
from smallpool_core.pages import Answer, Query
from smallpool_core.ports import ItemReader
from smallpool_core.rule_counts import Breakdown, Exclusion
from smallpool_core.rules import Rule
from smallpool_stores.memory.live_reader import LiveItemReader
from smallpool_stores.memory.recent import RecentIndex, joined

FAILURES = (StoreUnavailable, asyncio.CancelledError)
"""Whoever gives a question up, by its deadline as a rule, had no answer."""


def breaker_of(name: str, after: int, pause_ms: int) -> Breaker:
    """The breaker of a wide index of this name."""

    def refusal(found: str) -> StoreUnavailable:
        return StoreUnavailable(f"could not ask {name}: it is {found}; see that it runs and how busy it is")

    pause_s = pause_ms / 1000
    return Breaker(FAILURES, refusal, after=after, pause_s=pause_s, answer_s=pause_s)


class LiveFirstReader:
    """Term recall, whole items and counts of rules need the wide index; so does a pool whose tag is not trusted. An operator's
    counts are asked past the breaker. `recent` is fed by the tail that feeds the live view.
    """

    def __init__(self, index: ItemReader, live: LiveItemReader, recent: RecentIndex, breaker: Breaker) -> None:
        self._index = index
        self._live = live
        self._recent = recent
        self._breaker = breaker

    async def recall(self, query: Query, weights: Mapping[str, int]) -> Answer:
        if not self._live.knows(query.scope):
            with self._breaker.asking():
                return await self._index.recall(query, weights)
        # One more than is wanted, since whether there are more is to be said of rows that are known not to be outdated.
        asked = wider = replace(query, limit=query.limit + 1)
        while True:
            with self._breaker.asking():
                answer = await self._index.recall(asked, weights)
            beside = self._recent.beside(wider, weights, answer.hits)
            if not beside.outdated:
                return joined((answer, *beside.answers), query)
            # What the wide index has in an older form took the place of others: seldom, and each round leaves fewer of them.
            asked = replace(asked, excluded=asked.excluded | beside.outdated)

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

    async def cut_off(self, rule: Rule, by: CutBy, size: int, now: int) -> Cut | None:
        with self._breaker.asking():
            return await self._index.cut_off(rule, by, size, now)

    # Of these an operator's patience may cut many short, which tells nothing of how the index would serve a page.
    async def preview(self, rule: Rule, now: int, sample: int) -> tuple[int, list[str]]:
        return await self._index.preview(rule, now, sample)

    async def breakdown(self, rule: Rule, now: int, limit: int) -> Breakdown:
        return await self._index.breakdown(rule, now, limit)

    async def exclusions(self, parts: Sequence[Rule], now: int) -> list[Exclusion]:
        return await self._index.exclusions(parts, now)
