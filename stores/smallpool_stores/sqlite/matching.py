"""Which listed items a rule matches, for pools whose tag does not say it yet: until their backfill is done the rule alone decides.

In: rules. Out: ids by the wide table as it is now. The first answer takes a scan of all listed items, off the event loop, which every
question that comes meanwhile waits for together; from then on a rule without time is kept true by the table's tail.
"""

import asyncio
from collections.abc import Collection

from smallpool_core.rules import Rule, compiled
from smallpool_core.rules.expression import Expression
from smallpool_stores.sqlite.wide_table import SqliteWideTable

KEPT_RULES = 64
"""Rules whose answers are kept; the one asked least recently goes first."""
CAUGHT_UP_AT_MOST = 5_000
"""With more new records than these a scan is the shorter way."""


class RuleMatches:
    """Ids of the listed items that one rule matched at one instant, and how far in the wide table that is true."""

    def __init__(self, table: SqliteWideTable, rule: Rule, now: int) -> None:
        self._table = table
        self._holds = compiled(rule)
        self._now = now
        self._offset = table.newest()
        self.ids = set(table.matching_ids(rule, now))

    def is_far_behind(self) -> bool:
        """Whether a new scan is the shorter way."""
        return self._table.newest() - self._offset > CAUGHT_UP_AT_MOST

    def catch_up(self) -> None:
        """Takes in what was recorded since."""
        for record in self._table.tail(self._offset, CAUGHT_UP_AT_MOST):
            item = record.item
            if item.state == "on_sale" and self._holds(item, self._now):
                self.ids.add(item.item_id)
            else:
                self.ids.discard(item.item_id)
            self._offset = record.offset


class Matching:
    """Answers for the rules asked last. Used from one event loop at a time."""

    def __init__(self, table: SqliteWideTable) -> None:
        self._table = table
        self._kept: dict[tuple[Expression, int], RuleMatches] = {}
        self._scans: dict[tuple[Expression, int], asyncio.Task[RuleMatches]] = {}

    async def ids(self, rule: Rule, now: int) -> Collection[str]:
        """Ids of all listed items that the rule matches at `now` (ms). Where the rule depends on time, each instant takes a scan."""
        key = (rule.expression, now if rule.is_timed else 0)
        found = self._kept.pop(key, None)
        if found is None or found.is_far_behind():
            found = await self._scan(key, rule, now)
        found.catch_up()
        self._kept.pop(key, None)
        self._kept[key] = found
        if len(self._kept) > KEPT_RULES:
            del self._kept[next(iter(self._kept))]
        return found.ids

    async def _scan(self, key: tuple[Expression, int], rule: Rule, now: int) -> RuleMatches:
        """One scan for all that ask meanwhile; it goes on, and is kept, when who asked first runs out of time."""
        scan = self._scans.get(key)
        if scan is None or scan.get_loop() is not asyncio.get_running_loop():
            scan = self._scans[key] = asyncio.create_task(asyncio.to_thread(RuleMatches, self._table, rule, now))
            scan.add_done_callback(lambda done: self._keep(key, done))
        return await asyncio.shield(scan)

    def _keep(self, key: tuple[Expression, int], done: asyncio.Task[RuleMatches]) -> None:
        if self._scans.get(key) is done:
            del self._scans[key]
        if not done.cancelled() and done.exception() is None:
            self._kept[key] = done.result()
