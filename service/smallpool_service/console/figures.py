"""Figures of one pool as it is right now, each counted and none estimated.

In: a pool. Out: its size, what leaves within the hour, and by which of the last hours what is on sale was listed.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.catalogue import KnownPool
from smallpool_core.pages import Hit, Query
from smallpool_service.run import ReadPorts

HOUR_MS: Final = 3_600_000
HOURS: Final = 12
LOOKED_AT: Final = 1_000
"""So many of the newest items are looked at, so that a list of large pools costs little."""


class Figures(Struct, frozen=True):
    """Counts of items on sale: `expiring` within the next hour, `by_hour` by the hour in which they were listed, oldest first. Of a pool
    with more items than are looked at both are None.
    """

    size: int
    expiring: int | None
    by_hour: list[int] | None


async def figures_of(ports: ReadPorts, known: KnownPool) -> Figures:
    """The figures; raises `StoreError` where the wide index fails."""
    now = ports.clock.now_ms()
    scope = (await settled(ports, known)).scope
    answer = await ports.reader.browse(Query(scope, frozenset(), cap=LOOKED_AT, limit=LOOKED_AT, now=now), "newest")
    hits = answer.hits
    if len(hits) == LOOKED_AT:
        return Figures(len(hits), None, None)
    expiring = sum(hit.expires_at is not None and hit.expires_at <= now + HOUR_MS for hit in hits)
    return Figures(len(hits), expiring, _by_hour(hits, now))


async def settled(ports: ReadPorts, known: KnownPool) -> KnownPool:
    """The pool as recall in it may look: of one that is not live the tag says nothing, so its rule decides. Raises `StoreError`."""
    from_here = known.seen_from(ports.tail.place())
    if known.pool.state != "live" or not from_here.is_trusted:
        from_here = replace(known, rule=ports.catalogue.served_rule(known.pool.pool_id, known.rule), tagged={})
    return replace(from_here, cut=await ports.cuts.found(from_here, ports.clock.now_ms()))


def _by_hour(hits: tuple[Hit, ...], now: int) -> list[int]:
    counts = [0] * HOURS
    for hit in hits:
        age = (now - hit.published_at) // HOUR_MS
        if 0 <= age < HOURS:
            counts[HOURS - 1 - age] += 1
    return counts
