"""What the live view alone can answer of the port `ItemReader`: rows of a pool by publication or static score, and given ids.

In: queries whose scope is the home pool or a trusted tag. Out: exact answers, but for three fields of a hit that the live view does not
keep: a hit has no price and no way of sale, and its quality and seller score are read off the static score, of which they are the most.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from smallpool_core.pages import Answer, Hit, Query, Scope
from smallpool_stores.memory import gather
from smallpool_stores.memory.allowed import best_allowed, spread_out
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.in_scope import STATIC_RANGE, Ranked
from smallpool_stores.memory.rows import LIVE_FROM, STATIC, ItemRows

_BEST_STATIC = STATIC_RANGE - 1
_THOUSAND = 1_000


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
            return Answer(self._hits(query, found.rows, found.scores.tolist()), is_all)

    def pick(self, query: Query, item_ids: Sequence[str]) -> Answer:
        """As the port; an id given twice counts once."""
        base = self._rows
        with base.lock:
            rows = np.array(base.rows_of(dict.fromkeys(item_ids)), np.int32)
            rows = rows[base.inside(query.scope, rows, query.now)]
            found, is_all = best_allowed(base, query, Ranked(rows, np.arange(len(rows), 0, -1)))
            return Answer(self._hits(query, found.rows, [0] * len(found.rows)), is_all)

    def _hits(self, query: Query, rows: Rows, scores: Sequence[int]) -> tuple[Hit, ...]:
        base, facts = self._rows, self._rows.facts_of(rows)
        version, enrich = gather.versions(facts)
        categories, keys = spread_out(base, query, rows)
        return tuple(
            Hit(
                item_id=item_id,
                version=version[place],
                enrich=enrich[place],
                category=categories[place],
                spread_key=keys[place],
                seller_id=seller_id,
                price_cents=None,
                quality=estimate,
                seller_score=estimate,
                published_at=published_at,
                expires_at=expires_at,
                static_score=static,
                rank_score=scores[place],
            )
            for place, (item_id, seller_id, published_at, expires_at, static, estimate) in enumerate(
                zip(
                    gather.item_ids(base, rows),
                    gather.sellers(base, rows),
                    facts[:, LIVE_FROM].tolist(),
                    gather.expiries(facts),
                    facts[:, STATIC].tolist(),
                    (facts[:, STATIC] * _THOUSAND // _BEST_STATIC).tolist(),
                    strict=True,
                )
            )
        )
