"""What came in last, recallable by its terms before the wide index on servers shows it: two generations of a column index.

In: records as a tail gives them; what the wide index answered. Out: the answer that it would give if it held these records too.

Exact, because the best rows under a cap of two sets are among the best of each. It is bounded by the number of records alone, since
what the wide index has meanwhile is the same row in both; only what it still has in an older form must be taken out of its answer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import NamedTuple

from smallpool_core.items import Indexed, WideItem
from smallpool_core.pages import Answer, Hit, Query
from smallpool_core.versions import packed
from smallpool_stores.memory.columns import ColumnIndex
from smallpool_stores.memory.rows import TAKEN_AT_ONCE

KEPT = 8_192
"""Records a generation, so that between once and twice as many are kept: at 300 a second those of the last half minute or more."""


class Beside(NamedTuple):
    """What recent records say of a question: the answers to lay beside that of the wide index, and which of its hits are outdated."""

    answers: tuple[Answer, ...]
    outdated: frozenset[str]


class RecentIndex:
    """The port `ItemWriter`, of the last records only. Safe with one thread that indexes and any number that ask."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._lock = Lock()
        self._old, self._young = ColumnIndex(), ColumnIndex()
        self._count = 0

    def index(self, items: Sequence[WideItem]) -> Indexed:
        newer = 0
        for first in range(0, len(items), TAKEN_AT_ONCE):
            with self._lock:
                newer += sum([self._take(item) for item in items[first : first + TAKEN_AT_ONCE]])
        return Indexed(newer)

    def refresh(self) -> None:
        """As the port; every question sees every record anyhow."""

    def beside(self, query: Query, weights: Mapping[str, int], hits: Iterable[Hit]) -> Beside:
        """What the recent records say where the wide index answered so; the scope is one that tags tell of."""
        with self._lock:
            outdated = frozenset([hit.item_id for hit in hits if self._order_of(hit.item_id) > packed(hit.version, hit.enrich)])
            if outdated:  # the wide index is asked again, and this too
                return Beside((), outdated)
            return Beside(tuple([part.recall(query, weights) for part in (self._old, self._young) if len(part.rows)]), outdated)

    def _take(self, item: WideItem) -> bool:
        if packed(item.version, item.enrich) <= self._order_of(item.item_id):
            return False
        if self._count >= self._kept:
            self._old, self._young, self._count = self._young, ColumnIndex(), 0
        self._young.index([item])
        self._old.rows.forget(item.item_id)
        self._count += 1
        return True

    def _order_of(self, item_id: str) -> int:
        """The item's (version, enrich) as one integer, -1 where it is not among the recent ones."""
        return max(self._young.rows.order_of(item_id), self._old.rows.order_of(item_id))


def joined(answers: Sequence[Answer], query: Query) -> Answer:
    """One answer of several, each of a part of the rows and asked for one row more than the query; of an item that several have the
    newest counts.
    """
    told = [answer.hits for answer in answers if answer.hits]
    if len(told) <= 1:  # in order and under the cap, as it came
        hits = told[0] if told else ()
        return Answer(hits[: query.limit], exhausted=len(hits) <= query.limit)
    newest: dict[str, Hit] = {}
    for hit in (hit for hits in told for hit in hits):
        known = newest.get(hit.item_id)
        if known is None or (hit.version, hit.enrich) > (known.version, known.enrich):
            newest[hit.item_id] = hit
    taken: Counter[str] = Counter()
    kept: list[Hit] = []
    for hit in sorted(newest.values(), key=lambda hit: (-hit.rank_score, hit.item_id.encode())):
        taken[hit.spread_key] += 1
        if taken[hit.spread_key] <= query.cap:
            kept.append(hit)
    return Answer(tuple(kept[: query.limit]), exhausted=len(kept) <= query.limit)
