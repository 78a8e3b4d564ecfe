"""What the deltas of one log record add up to in each pool, as `add.lua` takes it.

In: deltas. Out: by pool, log2 shares of items, of terms and of exposures, and events by hour.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from smallpool_core.statistics import EXPOSURE, StatDelta
from smallpool_stores.forward_decay import log_sum, log_weight

SITE = ""
"""The pool that stands for the whole site: every delta counts there, and in its own pool if it names one."""
HOUR_MS = 3_600_000
WEIGHT = "weight"
"""The total of what people did; that of exposures goes by their type."""


class PoolAddition(Struct):
    """What is added to one pool; `totals` are of all items, `hours` counts events by `type:item_id`."""

    items: dict[str, float] = field(default_factory=dict)
    terms: dict[str, float] = field(default_factory=dict)
    exposures: dict[str, float] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)
    hours: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def additions(deltas: Sequence[StatDelta], half_life_ms: float) -> dict[str, PoolAddition]:
    """By pool; deltas whose weight is not positive move the counters alone, one without an item moves terms alone."""
    by_pool: defaultdict[str, PoolAddition] = defaultdict(PoolAddition)
    for delta in deltas:
        for pool_id in {SITE, delta.pool_id}:
            addition = by_pool[pool_id]
            if delta.item_id:
                addition.hours[delta.at // HOUR_MS][f"{delta.type}:{delta.item_id}"] += 1
            if delta.item_id and delta.type == EXPOSURE:
                _add(addition.exposures, [delta.item_id], log_weight(1.0, delta.at, half_life_ms))
                _add(addition.totals, [EXPOSURE], log_weight(1.0, delta.at, half_life_ms))
            if delta.weight > 0:
                share = log_weight(delta.weight, delta.at, half_life_ms)
                _add(addition.items, [delta.item_id] if delta.item_id else (), share)
                _add(addition.totals, [WEIGHT] if delta.item_id else (), share)
                _add(addition.terms, delta.terms, share)
    return dict(by_pool)


def _add(shares: dict[str, float], keys: Iterable[str], share: float) -> None:
    for key in keys:
        shares[key] = log_sum(shares[key], share) if key in shares else share
