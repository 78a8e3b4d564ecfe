"""The port `ItemReader` in two steps: the wide index, and where that fails or is late, as much as the live view can tell.

In: queries. Out: the wide index's answers; or the live view's to browse and pick, which say in `without` what did not answer. A wide index
that keeps failing is left alone by the breaker, so that pages need not wait for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from smallpool_core.errors import StoreError, StoreUnavailable
from smallpool_core.items import WideItem
from smallpool_core.pages import Answer, Query, SourceFailure
from smallpool_core.ports import Clock, ItemReader
from smallpool_core.rule_counts import Breakdown, Exclusion
from smallpool_core.rules import Rule
from smallpool_stores.breaker import Breaker
from smallpool_stores.memory.live_reader import LiveItemReader

FAILURES = (StoreUnavailable, asyncio.CancelledError)
"""Whoever gives a question up, by its deadline as a rule, had no answer."""
PATIENCE = 0.5
"""The share of a question's time that the wide index has before the live view answers: one source may ask twice in its time."""


def breaker_of(name: str, after: int, pause_ms: int) -> Breaker:
    """The breaker of a wide index of this name."""

    def refusal(found: str) -> StoreUnavailable:
        return StoreUnavailable(f"could not ask {name}: it is {found}; see that it runs and how busy it is")

    pause_s = pause_ms / 1000
    return Breaker(FAILURES, refusal, after=after, pause_s=pause_s, answer_s=pause_s)


class FallbackReader:
    """`name` is the wide index's in `degraded`. Term recall, whole items and counts of rules need it; so does a tag that is not trusted.
    Counts are asked past the breaker.
    """

    def __init__(self, name: str, index: ItemReader, live: LiveItemReader, breaker: Breaker, clock: Clock) -> None:
        self._name = name
        self._index = index
        self._live = live
        self._breaker = breaker
        self._clock = clock

    async def recall(self, query: Query, weights: Mapping[str, int]) -> Answer:
        with self._breaker.asking():
            return await self._index.recall(query, weights)

    async def browse(self, query: Query, by: Literal["newest", "static"]) -> Answer:
        return await self._either(query, lambda: self._index.browse(query, by), lambda: self._live.browse(query, by))

    async def pick(self, query: Query, item_ids: Sequence[str]) -> Answer:
        return await self._either(query, lambda: self._index.pick(query, item_ids), lambda: self._live.pick(query, item_ids))

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

    async def _either(self, query: Query, ask: Callable[[], Awaitable[Answer]], instead: Callable[[], Answer]) -> Answer:
        if not self._live.knows(query.scope):
            with self._breaker.asking():
                return await ask()
        patience_s = self._patience_s(query)
        try:
            async with asyncio.timeout(patience_s):
                with self._breaker.asking():
                    return await ask()
        except TimeoutError:
            found = f"no answer in {(patience_s or 0) * 1000:.0f} ms"
        except StoreError as error:
            found = str(error)
        return replace(instead(), without=SourceFailure(self._name, f"{found}; the live view answered in its place"))

    def _patience_s(self, query: Query) -> float | None:
        return None if query.until is None else max(0, query.until - self._clock.now_ms()) * PATIENCE / 1000
