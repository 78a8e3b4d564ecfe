"""Columns of some rows as Python values, which is how hits and live items hold them.

In: rows or their facts, under the lock of the rows. Out: lists with a value for each of the rows, in their order.
"""

from smallpool_core.versions import ENRICH_BITS
from smallpool_stores.memory.arrays import Rows
from smallpool_stores.memory.rows import LIVE_UNTIL, NEVER_ENDS, NO_SELLER, ORDER, Facts, ItemRows

_ENRICH_MASK = (1 << ENRICH_BITS) - 1


def item_ids(base: ItemRows, rows: Rows) -> list[str]:
    """Ids of the rows' items."""
    ids = base.item_ids
    return [ids[row] for row in rows.tolist()]


def versions(facts: Facts) -> tuple[list[int], list[int]]:
    """`version` and `enrich` of each: `smallpool_core.versions.unpacked` of a whole column."""
    orders = facts[:, ORDER]
    return (orders >> ENRICH_BITS).tolist(), (orders & _ENRICH_MASK).tolist()


def expiries(facts: Facts) -> list[int | None]:
    """`expires_at` (ms), None where an item stays until it is sold."""
    return [None if until == NEVER_ENDS else until for until in facts[:, LIVE_UNTIL].tolist()]


def categories(base: ItemRows, rows: Rows) -> list[str]:
    """Category keys."""
    names = base.categories.names
    return [names[number] for number in base.category.values.take(rows).tolist()]


def sellers(base: ItemRows, rows: Rows) -> list[str | None]:
    """Seller ids, None where there is no seller."""
    names = base.sellers.names
    return [None if number == NO_SELLER else names[number] for number in base.seller.values.take(rows).tolist()]
