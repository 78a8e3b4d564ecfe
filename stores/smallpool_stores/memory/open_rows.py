"""The rows that a question is about: in its scope and on sale.

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
from smallpool_stores.memory.rows import LIVE_FROM, STATIC, ItemRows, are_live
from smallpool_stores.memory.terms import RowTerms


class Open(Struct, frozen=True):
    """Open rows, and for each of them when it was published (ms) and its static score, (n,) int64."""

    terms: RowTerms
    published: NDArray[np.int64]
    static: NDArray[np.int64]

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
        """The rows. Where a caller gives `among`, those ids alone are in scope, whatever the pool's tag says."""
        if among is not None and not query.scope.everything:
            return self._opened(np.array(self._rows.rows_of(among), np.int32), query.now)
        pool_id = HOME if query.scope.everything else query.scope.pool_id
        moment = (pool_id, query.now, self._rows.changes)
        if self._last is None or self._last[0] != moment:
            self._last = (moment, self._opened(self._rows.in_pool(pool_id, query.now), query.now))
        return self._last[1]

    def _opened(self, rows: Rows, now: int) -> Open:
        facts = self._rows.facts_of(rows)
        places = are_live(facts, now).nonzero()[0]
        return Open(RowTerms(rows.take(places)), facts[:, LIVE_FROM].take(places), facts[:, STATIC].take(places))
