"""Reads what was served in a span of time and what people did then and for a while after, for a report or for training.

In: the logs `served` and `user-events`. Out: an `Outcomes` that has joined them. No more than `AT_ONCE` records are held in memory.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, ParamSpec, TypeVar

from msgspec import Struct

from smallpool_core.errors import Problem, Refused
from smallpool_core.experiment_ports import Followed, Outcomes
from smallpool_core.ports import Clock, EventLog

AT_ONCE: Final = 5_000
DAY_MS: Final = 86_400_000
WINDOW_MS: Final = DAY_MS
"""So long after a page what somebody does with an item of it is taken for the page's doing, where no request_id says whose it is."""
_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")
Progress = Callable[[int, int], None]
"""Told how far the reading has come: of the span and the window after it, for either log."""


class Span(Struct, frozen=True):
    """Pages from `since` until before `until`, and acts up to `window_ms` later; all in ms. `stop` is when reading takes too long."""

    since: int
    until: int
    window_ms: int = WINDOW_MS
    stop: int | None = None


async def follow(log: EventLog, clock: Clock, outcomes: Outcomes, span: Span, progress: Progress | None = None) -> None:
    """Fills `outcomes`. Raises `Refused` for a span that is none, or that could not be read by `stop`; `StoreError` where the log fails."""
    if span.since >= span.until:
        raise Refused([Problem("since", str(span.since), f"a time before `until`, which is {span.until}, is allowed")])
    length = span.until - span.since
    topics: tuple[tuple[Followed, int], ...] = (("served", span.until), ("user-events", span.until + span.window_ms))
    total = sum(end - span.since for _, end in topics)
    for topic, end in topics:
        began = 0 if topic == "served" else length
        await _read(log, clock, outcomes, topic, span, end, partial(_tell, progress, began, total))
    await apart(outcomes.attribute, span.since, span.until, span.window_ms)
    _check_time(clock, span)


async def apart(work: Callable[_Given, _Found], *given: _Given.args, **named: _Given.kwargs) -> _Found:
    """Does the work in a thread, since pages are served meanwhile. Whoever is cancelled waits for it first: what it works on would else be
    closed under its hands.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work, *given, **named))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise


async def _read(
    log: EventLog, clock: Clock, outcomes: Outcomes, topic: Followed, span: Span, end: int, told: Callable[[int], None]
) -> None:
    passed: dict[int, int] = {}
    while records := await log.between(topic, span.since, end, AT_ONCE, passed):
        await apart(outcomes.add, topic, [record.value for record in records])
        for record in records:
            passed[record.partition] = max(passed.get(record.partition, -1), record.offset)
        told(max(record.at for record in records) - span.since)
        _check_time(clock, span)


def _check_time(clock: Clock, span: Span) -> None:
    if span.stop is not None and clock.now_ms() >= span.stop:
        raise out_of_time(span.since)


def out_of_time(since: int) -> Refused:
    """What is said of a span whose answer would come too late."""
    advice = "choose a later one, or ask on the command line, which waits as long as it takes"
    return Refused([Problem("since", str(since), f"what was served and done since then could not be read in time; {advice}")])


def _tell(progress: Progress | None, began: int, total: int, at: int) -> None:
    if progress is not None:
        progress(began + at, total)
