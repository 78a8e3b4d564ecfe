"""What the live view answers of the port `ItemReader`: rows of a pool by publication or static score, and given ids.

In: queries whose scope is the home pool or a trusted tag. Out: exact answers, those that the wide index gives of the same records.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from smallpool_core.pages import Answer, Query, Scope
from smallpool_stores.memory.allowed import best_allowed
from smallpool_stores.memory.hits import hits_of
from smallpool_stores.memory.in_scope import Ranked
from smallpool_stores.memory.rows import LIVE_FROM, STATIC, ItemRows


class LiveItemReader:
    """Reads the rows that a `PackedLiveView` keeps, each question under one hold of their lock."""

    def __init__(self, rows: ItemRows) -> None:
        self._rows = rows

    @staticmethod
    def knows(scope: Scope) -> bool:
        """Whether the scope can be told from what the live view holds."""
        return scope.trusted or scope.everything

    def browse(self, query: Query, by: Literal["newest", "static"]) -> Answer:
        """As the port; an item without `published_at` counts as published at 0."""
        base = self._rows
        with base.lock:
            fact = LIVE_FROM if by == "newest" else STATIC
            if query.scope.everything:
                rows = base.everywhere()
                ranked = Ranked(rows, base.all_facts[:, fact].take(rows))
            else:
                rows = base.pool(query.scope.pool_id).at(query.now)
                ranked = Ranked(rows, base.facts_of(rows)[:, fact])
            found, is_all = best_allowed(base, query, ranked)
            return self._answer(query, found, found.scores.tolist(), is_all=is_all)

    def pick(self, query: Query, item_ids: Sequence[str]) -> Answer:
        """As the port; an id given twice counts once."""
        base = self._rows
        with base.lock:
            rows = np.array(base.rows_of(dict.fromkeys(item_ids)), np.int32)
            rows = rows[base.inside(query.scope, rows, query.now)]
            found, is_all = best_allowed(base, query, Ranked(rows, np.arange(len(rows), 0, -1)))
            return self._answer(query, found, [0] * len(found.rows), is_all=is_all)

    def _answer(self, query: Query, found: Ranked, scores: Sequence[int], *, is_all: bool) -> Answer:
        return Answer(hits_of(self._rows, query, found.rows, scores, [()] * len(found.rows)), is_all)
