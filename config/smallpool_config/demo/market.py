"""The marketplace of the demo: listings published as sellers publish them, buyers who do what buyers do.

In: an open system whose write path this process owns, sizes and a seed. Out: everything on the logs, and taken in.
"""

import time
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from smallpool_config.settle import settle
from smallpool_config.wiring import System
from smallpool_core.events import encode_item_event, encode_user_event
from smallpool_core.items import ItemEvent, WideItem
from smallpool_core.users import UserEvent
from smallpool_models.listings import Buyer, generate_buyers, generate_listings, generate_user_events

HOUR_MS = 3_600_000
OPENED_BEFORE_MS = 5 * HOUR_MS + HOUR_MS // 2
"""How long ago the first listing was published; an auction takes six hours, so that none has ended yet."""
LISTED_OVER_MS = 5 * HOUR_MS
VISITED_BEFORE_MS = 50 * 60_000
VISITED_OVER_MS = 40 * 60_000
BUYERS = 80
MOST_EVENTS = 4_000
APPENDED_AT_ONCE = 100

Taken = Callable[[int, list[WideItem]], None]
"""Told of each batch: how many listings were taken in so far, and the items of this batch as they are stored."""


class Market(Struct, frozen=True):
    """What was generated: listings, buyers, and what they did, each in order of time. Times of taking them in are in seconds."""

    listings: list[ItemEvent]
    buyers: tuple[Buyer, ...]
    events: list[UserEvent]


def generate(system: System, items: int, seed: int) -> Market:
    """The same marketplace for the same seed, moved so that it is now."""
    now = system.clock.now_ms()
    listings = list(
        generate_listings(system.knowledge, count=items, seed=seed, start_ms=now - OPENED_BEFORE_MS, gap_ms=max(1, LISTED_OVER_MS // items))
    )
    buyers = generate_buyers(system.knowledge, listings, count=BUYERS, seed=seed)
    count = min(items, MOST_EVENTS)
    visits = generate_user_events(
        buyers, listings, count=count, seed=seed, start_ms=now - VISITED_BEFORE_MS, gap_ms=max(1, VISITED_OVER_MS // count)
    )
    return Market(listings, buyers, list(visits))


def publish(system: System, listings: Sequence[ItemEvent], taken: Taken) -> float:
    """Appends the listings to the log and lets them be taken in; returns the seconds that took."""
    started, told = time.perf_counter(), 0
    for batch in _batches(listings):
        records = [(event.item_id, encode_item_event(event)) for event in batch]
        system.acknowledged_log.append_now("item-events", records, system.clock.now_ms())

    def tell(done: int, _total: int) -> None:
        nonlocal told
        if done >= min(told + APPENDED_AT_ONCE, len(listings)) and done > told:
            stored = system.items.get([event.item_id for event in listings[told:done]])
            told = done
            taken(done, list(stored.values()))

    settle(system, tell)
    return time.perf_counter() - started


def visit(system: System, events: Sequence[UserEvent]) -> float:
    """Appends what buyers did to the log and lets it be applied; returns the seconds that took."""
    started = time.perf_counter()
    records = [(event.identity.key, encode_user_event(event)) for event in events]
    system.acknowledged_log.append_now("user-events", records, system.clock.now_ms())
    settle(system)
    return time.perf_counter() - started


def _batches(listings: Sequence[ItemEvent]) -> Iterator[Sequence[ItemEvent]]:
    for start in range(0, len(listings), APPENDED_AT_ONCE):
        yield listings[start : start + APPENDED_AT_ONCE]
