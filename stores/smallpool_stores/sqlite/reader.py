"""The port `ItemReader` of the embedded wiring: the column index where a pool's tag is trusted, and SQL where it is not.

In: queries. Out: answers, computed inline. The wide table says what an untrusted pool's rule matches; the columns do the rest, so that
order, cap and `exhausted` are the same in both cases.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Event
from typing import Literal, TypeVar

from smallpool_core.cuts import Cut, CutBy
from smallpool_core.items import WideItem
from smallpool_core.pages import Answer, Query
from smallpool_core.rule_counts import Breakdown, Exclusion
from smallpool_core.rules import Rule
from smallpool_stores.memory.columns import ColumnIndex
from smallpool_stores.sqlite.matching import Matching
from smallpool_stores.sqlite.wide_table import SqliteWideTable

T = TypeVar("T")


class SqliteItemReader:
    """Reads `columns` for what is recalled and `table` for whole items; both are fed by the same indexer.

    Columns trail the table by the index stage alone, and a hit's (version, enrich) is that of the live view. What an untrusted rule
    matches is asked of the table, the truth; that question, like a preview, may take long and is put in a thread of its own.
    """

    def __init__(self, columns: ColumnIndex, table: SqliteWideTable) -> None:
        self._columns = columns
        self._table = table
        self._matching = Matching(table)

    async def recall(self, query: Query, weights: Mapping[str, int]) -> Answer:
        return self._columns.recall(query, weights, await self._among(query))

    async def browse(self, query: Query, by: Literal["newest", "static"]) -> Answer:
        return self._columns.browse(query, by, await self._among(query))

    async def pick(self, query: Query, item_ids: Sequence[str]) -> Answer:
        return self._columns.pick(query, item_ids, await self._among(query))

    async def get(self, item_ids: Collection[str]) -> dict[str, WideItem]:
        return self._table.get(item_ids)

    async def preview(self, rule: Rule, now: int, sample: int) -> tuple[int, list[str]]:
        return await self._apart(lambda: self._table.count_and_sample(rule, now, sample))

    async def breakdown(self, rule: Rule, now: int, limit: int) -> Breakdown:
        return await self._apart(lambda: self._table.breakdown(rule, now, limit))

    async def exclusions(self, parts: Sequence[Rule], now: int) -> list[Exclusion]:
        return await self._apart(lambda: self._table.exclusions(parts, now))

    async def cut_off(self, rule: Rule, by: CutBy, size: int, now: int) -> Cut | None:
        return await self._apart(lambda: self._table.cut_off(rule, by, size, now))

    async def _apart(self, ask: Callable[[], T]) -> T:
        """The answer of a thread of its own, which stops where nobody waits for it any more."""
        given_up = Event()
        try:
            return await asyncio.to_thread(self._table.while_wanted, ask, given_up.is_set)
        finally:
            given_up.set()

    async def _among(self, query: Query) -> Collection[str] | None:
        """Ids that an untrusted pool's rule matches; None where the tag decides, or nothing does."""
        if query.scope.trusted or query.scope.everything:
            return None
        return await self._matching.ids(query.scope.rule, query.now)
