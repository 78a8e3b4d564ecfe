"""Finds the cut-off of a pool of a largest size in the wide index, exactly, however many items there are.

In: a rule, a field to cut by, and what asks the server for counts. Out: the cut-off. The range in which it lies is counted in 64 parts,
then that part in 64, until it is one value: two questions more for a score, four or five for a price, seven for a time.
"""

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

from smallpool_core.cuts import Cut, CutBy, cut_at, cut_field, falls
from smallpool_core.rules import Rule
from smallpool_stores.elasticsearch import rule_counts

_PARTS = 64

Count = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


async def cut_off(count: Count, rule: Rule, by: CutBy, size: int, now: int) -> Cut | None:
    """The port's `cut_off`; `count` gives what the aggregations of a search say."""
    field = cut_field(by)
    found = await count(rule_counts.extent(rule, field, now))
    known = int(found["values"]["count"])
    if known + found["unknown"]["doc_count"] <= size or known < size:
        return None
    low, high, room = int(found["values"]["min"]), int(found["values"]["max"]) + 1, size
    while high - low > 1:
        ends = _ends(low, high)
        counts = rule_counts.steps_of(await count(rule_counts.steps(rule, field, now, ends)))
        parts = list(zip(pairwise(ends), counts, strict=True))
        for (low, high), inside in reversed(parts) if falls(by) else parts:  # noqa: B007, the part in which it ends is the next range
            if inside >= room:
                break
            room -= inside
    return cut_at(by, low)


def _ends(low: int, high: int) -> list[int]:
    """The ends of about equal parts of a range, from `low` to `high`."""
    width = -(-(high - low) // _PARTS)
    return [*range(low, high, width), high]
