"""Rows as the hits that they are.

In: rows that a question found, what they were ordered by, under the lock of the rows. Out: `Hit` values.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from smallpool_core.pages import Hit, Query
from smallpool_stores.memory import gather
from smallpool_stores.memory.allowed import spread_out
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.rows import LIVE_FROM, STATIC, ItemRows
from smallpool_stores.memory.shown import unpacked_shown


def hits_of(base: ItemRows, query: Query, found: Rows, scores: Sequence[int], shared: Sequence[tuple[str, ...]]) -> tuple[Hit, ...]:
    """A `Hit` for each of the rows, with its spread key as the query cuts it and the query's terms that it has."""
    facts, shown = base.facts_of(found), unpacked_shown(base.shown.values.take(found))
    version, enrich = gather.versions(facts)
    categories, keys = spread_out(base, query, found)
    fields: dict[str, Iterable[Any]] = {
        "item_id": gather.item_ids(base, found),
        "version": version,
        "enrich": enrich,
        "category": categories,
        "spread_key": keys,
        "seller_id": gather.sellers(base, found),
        "price_cents": shown.prices,
        "quality": shown.qualities,
        "seller_score": shown.seller_scores,
        "published_at": facts[:, LIVE_FROM].tolist(),
        "expires_at": gather.expiries(facts),
        "static_score": facts[:, STATIC].tolist(),
        "rank_score": scores,
        "terms": shared,
        "sale": shown.sales,
    }
    return tuple(map(Hit, *[fields[name] for name in Hit.__struct_fields__ if name in fields]))
