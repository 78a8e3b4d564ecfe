"""The port `ItemReader` on Elasticsearch.

In: queries. Out: answers, exact, in one round trip, sometimes two, hardly ever three. The cap per spread key is counted here: to have
the server group rows by category takes ten times as long as to send three times as many of them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

from msgspec.structs import replace

from smallpool_core.cuts import Cut, CutBy
from smallpool_core.items import WideItem
from smallpool_core.pages import Answer, Query
from smallpool_core.rule_counts import Breakdown, Exclusion
from smallpool_core.rules import Rule
from smallpool_stores.elasticsearch import cutting, question, rule_counts
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.documents import records_of
from smallpool_stores.elasticsearch.edge import translated, unavailable
from smallpool_stores.elasticsearch.hits import Row, cut, hit_of, rows_of
from smallpool_stores.elasticsearch.mapping import MAX_ROWS
from smallpool_stores.elasticsearch.names import items_alias

_ROWS_A_HIT = 3
_FEW = 50
"""So many rows more than three a hit are asked for, so that a short question seldom needs its second trip."""
_ASKED_AT_ONCE = 1_000
_HEADERS = {"content-type": "application/json", "accept": "application/json"}
_WHOLE = {"allow_partial_search_results": "false"}

Kept = tuple[Row, str]
"""A row under the cap, and its spread key."""


class ElasticsearchItemReader:
    """Asks the index that serves. A question takes at most `read_timeout_ms`, all its trips together; where its caller gives up, its
    connection is closed, which cancels it in the server. `rows_asked` is for tests of the second trip.
    """

    def __init__(self, connection: Connection, rows_asked: Callable[[Query], int] | None = None) -> None:
        self._connection = connection
        self._index = items_alias(connection.settings.prefix)
        self._rows_asked = rows_asked or rows_of_first_trip

    async def recall(self, query: Query, weights: Mapping[str, int]) -> Answer:
        if not weights:
            return Answer((), exhausted=True)
        return await self._best("recall by terms", query, lambda narrowed: question.recalled(narrowed, weights), weights)

    async def browse(self, query: Query, by: Literal["newest", "static"]) -> Answer:
        return await self._best(f"browse by {by}", query, lambda narrowed: question.browsed(narrowed, by), {})

    async def pick(self, query: Query, item_ids: Sequence[str]) -> Answer:
        place = {item_id: number for number, item_id in enumerate(dict.fromkeys(item_ids))}
        if not place:
            return Answer((), exhausted=True)
        async with self._in_time("pick items"):
            hits = await self._search(question.picked(query, list(place)))
        rows = sorted(rows_of(hits["hits"]), key=lambda row: place[row.packed.item_id])
        return answer_of(under_cap(rows, query, {}), query, {})

    async def get(self, item_ids: Collection[str]) -> dict[str, WideItem]:
        asked, found = list(item_ids), dict[str, WideItem]()
        async with self._in_time("read items by id"):
            client = await self._connection.asynchronous()
            for start in range(0, len(asked), _ASKED_AT_ONCE):
                reply = await client.mget(index=self._index, ids=asked[start : start + _ASKED_AT_ONCE])
                found |= records_of(reply.body)
        return found

    async def preview(self, rule: Rule, now: int, sample: int) -> tuple[int, list[str]]:
        async with self._in_time("preview a rule"):
            hits = await self._search(question.previewed(rule, now, sample))
        return hits["total"]["value"], [row["sort"][0] for row in hits["hits"]]

    async def breakdown(self, rule: Rule, now: int, limit: int) -> Breakdown:
        async with self._in_time("count what a rule holds"):
            return rule_counts.breakdown_of(await self._count(rule_counts.breakdown(rule, now, limit)))

    async def exclusions(self, parts: Sequence[Rule], now: int) -> list[Exclusion]:
        if not parts:
            return []
        async with self._in_time("count what conditions keep out"):
            return rule_counts.exclusions_of(await self._count(rule_counts.exclusions(parts, now)), len(parts))

    async def cut_off(self, rule: Rule, by: CutBy, size: int, now: int) -> Cut | None:
        async with self._in_time("find the cut-off of a rule"):
            return await cutting.cut_off(self._count, rule, by, size, now)

    async def _best(self, operation: str, query: Query, search: Callable[[Query], dict[str, Any]], weights: Mapping[str, int]) -> Answer:
        asked, taken = self._rows_asked(query), dict[str, int]()
        async with self._in_time(operation):
            hits = await self._search(search(query) | {"size": asked})
            kept = under_cap(rows_of(hits["hits"]), query, taken)
            if len(hits["hits"]) == asked and len(kept) <= query.limit:
                # From here on of one generation, should another be swapped in meanwhile.
                index = hits["hits"][0]["_index"]
                hits = await self._search(_rest(query, search, kept, taken) | {"size": asked}, index)
                kept += under_cap(rows_of(hits["hits"]), query, taken, len(kept))
                if len(hits["hits"]) == asked and len(kept) <= query.limit:
                    kept += await self._best_of_keys(query, _rest(query, search, kept, taken), taken, len(kept), index)
        return answer_of(kept, query, weights)

    async def _best_of_keys(self, query: Query, rest: dict[str, Any], taken: dict[str, int], had: int, index: str) -> list[Kept]:
        """What is left of the best `wanted` rows under the cap: they have at most as many spread keys, so the best rows of that many
        keys hold them.
        """
        wanted = query.limit - had + 1
        hits = await self._search(question.grouped(rest, query.spread_level, wanted, min(query.cap, wanted)), index)
        rows = [row for group in hits["hits"] for row in rows_of(group["inner_hits"][question.GROUP]["hits"]["hits"])]
        rows.sort(key=lambda row: (-row.rank_score, row.packed.item_id.encode()))
        return under_cap(rows, query, taken, had)

    async def _search(self, body: dict[str, Any], index: str | None = None) -> dict[str, Any]:
        hits: dict[str, Any] = (await self._reply(body, index))["hits"]
        return hits

    async def _count(self, body: dict[str, Any]) -> dict[str, Any]:
        counts: dict[str, Any] = (await self._reply(body, None))["aggregations"]
        return counts

    async def _reply(self, body: dict[str, Any], index: str | None) -> dict[str, Any]:
        client = await self._connection.asynchronous()
        path = f"/{index or self._index}/_search"
        reply: dict[str, Any] = (await client.perform_request("POST", path, params=_WHOLE, headers=_HEADERS, body=body)).body
        return reply

    @asynccontextmanager
    async def _in_time(self, operation: str) -> AsyncIterator[None]:
        timeout_ms = self._connection.settings.read_timeout_ms
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                with translated(operation):
                    yield
        except TimeoutError as exc:
            raise unavailable(operation, f"did not answer within {timeout_ms} ms") from exc


def rows_of_first_trip(query: Query) -> int:
    """How many rows the first trip asks for, so that the cap seldom leaves fewer than the limit."""
    is_capped = query.cap <= query.limit
    return min(MAX_ROWS, _ROWS_A_HIT * query.limit + _FEW if is_capped else query.limit + 1)


def _rest(query: Query, search: Callable[[Query], dict[str, Any]], kept: Iterable[Kept], taken: dict[str, int]) -> dict[str, Any]:
    """The same question for what comes after the rows looked at: without those that were kept, and without full spread keys."""
    full = {key for key, count in taken.items() if count >= query.cap}
    seen = frozenset(row.packed.item_id for row, key in kept if key not in full)
    return question.without(search(replace(query, excluded=query.excluded | seen)), query.spread_level, full)


def under_cap(rows: Iterable[Row], query: Query, taken: dict[str, int], had: int = 0) -> list[Kept]:
    """The rows that the cap lets through, in order, up to one more than the limit with the `had` rows before them; counts those it
    looked at into `taken`.
    """
    kept: list[Kept] = []
    for row in rows:
        key = cut(row.packed.category, query.spread_level)
        count = taken[key] = taken.get(key, 0) + 1
        if count <= query.cap:
            kept.append((row, key))
            if had + len(kept) > query.limit:
                break
    return kept


def answer_of(kept: list[Kept], query: Query, weights: Mapping[str, int]) -> Answer:
    """The rows kept as hits, up to the limit, and whether there is none beyond it."""
    hits = tuple([hit_of(row, key, weights) for row, key in kept[: query.limit]])
    return Answer(hits, exhausted=len(kept) <= query.limit)
