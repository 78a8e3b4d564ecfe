"""Turns "n items in this pool" into the query that every source asks: ten times as many, without what was seen or bought.

In: the request, the pool and what opening found. Out: a `Query`; and the same query made deeper for a refill.
"""

from collections.abc import Set as AbstractSet
from math import ceil

from msgspec.structs import replace

from smallpool_core.catalogue import KnownPool
from smallpool_core.pages import Query


def rewrite(
    size: int, known: KnownPool, excluded: AbstractSet[str], now: int, per_item: int, sellers: AbstractSet[str] = frozenset()
) -> Query:
    """The query for a page of `size` without items of these `sellers`; `per_item` candidates are wanted for each item, `now` in ms."""
    settings = known.pool.settings
    return Query(
        scope=known.scope,
        excluded=frozenset(excluded),
        cap=settings.max_per_category,
        limit=per_item * size,
        now=now,
        spread_level=settings.spread_level,
        excluded_sellers=frozenset(sellers),
    )


def deeper(query: Query, settled: AbstractSet[str], times: int, sellers: AbstractSet[str] = frozenset()) -> Query:
    """The same query, `times` as deep, without the items that an earlier round has dealt with and those of `sellers` who have had their
    share.
    """
    return replace(query, excluded=query.excluded | settled, limit=query.limit * times, excluded_sellers=query.excluded_sellers | sellers)


def shared(query: Query, share: float) -> Query:
    """The same query for a source that is asked for `share` of the rows."""
    return replace(query, limit=ceil(query.limit * share))
