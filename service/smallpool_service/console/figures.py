"""Figures of one pool as it is right now, each counted and none estimated.

In: a pool. Out: its size, what leaves within the hour, what was listed in the last hour, and how listings came over the last hours.
"""

from typing import Final

from msgspec import Struct

from smallpool_core.catalogue import KnownPool
from smallpool_core.fields import FieldKind
from smallpool_core.pages import Hit, Query
from smallpool_core.rules import AllOf, Leaf, Rule
from smallpool_service.run import ReadPorts

HOUR_MS: Final = 3_600_000
HOURS: Final = 12
LOOKED_AT: Final = 1_000
"""Of a pool with no more items than this every item is looked at; of a larger one the wide table counts."""


class Figures(Struct, frozen=True):
    """`by_hour` counts what is on sale by the hour in which it was listed, oldest first; None for a pool that is too large for it."""

    size: int
    expiring: int
    listed: int
    by_hour: list[int] | None


async def figures_of(ports: ReadPorts, known: KnownPool) -> Figures:
    """The figures; raises `StoreError` where the wide index fails."""
    now = ports.clock.now_ms()
    scope = settled(ports, known).scope
    answer = await ports.reader.browse(Query(scope, frozenset(), cap=LOOKED_AT, limit=LOOKED_AT, now=now), "newest")
    hits = answer.hits
    if len(hits) < LOOKED_AT:
        expiring = sum(hit.expires_at is not None and hit.expires_at <= now + HOUR_MS for hit in hits)
        by_hour = _by_hour(hits, now)
        return Figures(len(hits), expiring, sum(hit.published_at > now - HOUR_MS for hit in hits), by_hour)
    counts = [
        (await ports.reader.preview(rule, now, 0))[0]
        for rule in (known.rule, _within(known.rule, "expires_at", "+1h"), _within(known.rule, "published_at", "-1h"))
    ]
    return Figures(counts[0], counts[1], counts[2], None)


def settled(ports: ReadPorts, known: KnownPool) -> KnownPool:
    """The pool as recall in it may look: of one that is not live the tag says nothing, so its rule decides."""
    from_here = known.seen_from(ports.tail.place())
    return from_here if known.pool.state == "live" else KnownPool(known.pool, known.rule, {}, known.partitions, known.refused)


def _within(rule: Rule, field: str, offset: str) -> Rule:
    return Rule.of(AllOf((rule.expression, Leaf(field, FieldKind.TIME, "within", offset))))


def _by_hour(hits: tuple[Hit, ...], now: int) -> list[int]:
    counts = [0] * HOURS
    for hit in hits:
        age = (now - hit.published_at) // HOUR_MS
        if 0 <= age < HOURS:
            counts[HOURS - 1 - age] += 1
    return counts
