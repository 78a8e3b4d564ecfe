"""The rows that a question is about: in its scope, on sale, not excluded.

In: queries. Out: row numbers, and what they are ordered by. The last answer is kept, since the sources of one request ask one after
another about the same rows: gathering these from all over memory, most of what a question costs, is done once a request.
"""

from collections.abc import Iterable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_core.pages import Query
from smallpool_core.pools import HOME
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.rows import LIVE_FROM, STATIC, Facts, ItemRows, are_live
from smallpool_stores.memory.terms import RowTerms


class Open(Struct, frozen=True):
    """Open rows, and for each of them when it was published (ms) and its static score, (n,) int64. Without `excluded` items."""

    terms: RowTerms
    published: NDArray[np.int64]
    static: NDArray[np.int64]
    excluded: frozenset[str]

    @property
    def rows(self) -> Rows:
        """The rows, (n,) int32."""
        return self.terms.rows


class OpenRows:
    """Asked and answered under the lock of the rows."""

    def __init__(self, rows: ItemRows) -> None:
        self._rows = rows
        self._last: tuple[tuple[str, int, int], Open] | None = None

    def of(self, query: Query, among: Iterable[str] | None) -> Open:
        """The rows, but for items that the query excludes and an earlier one of the same moment did not: see `Open.excluded`.

        Where a caller gives `among`, those ids alone are in scope, whatever the pool's tag says.
        """
        if among is not None and not query.scope.everything:
            return self._opened(query, np.array(self._rows.rows_of(among), np.int32))
        pool_id = HOME if query.scope.everything else query.scope.pool_id
        moment = (pool_id, query.now, self._rows.changes)
        if self._last is None or self._last[0] != moment or not self._last[1].excluded <= query.excluded:
            self._last = (moment, self._opened(query, self._rows.in_pool(pool_id, query.now)))
        return self._last[1]

    def are_open(self, query: Query, rows: Rows) -> NDArray[np.bool_]:
        """For each of the rows whether it is on sale and not excluded, whatever its pool, (n,) bool."""
        return are_live(self._facts(query, rows), query.now)

    def _opened(self, query: Query, rows: Rows) -> Open:
        facts = self._facts(query, rows)
        places = are_live(facts, query.now).nonzero()[0]
        return Open(RowTerms(rows.take(places)), facts[:, LIVE_FROM].take(places), facts[:, STATIC].take(places), query.excluded)

    def _facts(self, query: Query, rows: Rows) -> Facts:
        """Facts of the rows, in which an excluded item is as good as dead."""
        return self._rows.facts_of(rows, self._rows.rows_of(query.excluded))
