"""A day of one pool served again, dry: today by the rule that holds, and today by a draft, with the page of then beside them.

In: a pool, a draft of it, a day. Out: what would differ, request by request and in all. The day itself cannot come back: items have sold
since, people have done and seen other things. So what differs between today's two pages is the draft's doing, and what differs between
then and today is not told from time's. Nothing is claimed, stored or counted.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from statistics import fmean
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.catalogue import KnownPool
from smallpool_core.errors import Problem, Refused
from smallpool_core.items import WideItem
from smallpool_core.pools import PoolDraft, drafted
from smallpool_core.users import Identity
from smallpool_service.items import get_items
from smallpool_service.operators import drafted_rule
from smallpool_service.page import PageItem, path_of
from smallpool_service.previews import BEFORE_THE_END, standing
from smallpool_service.recaller import Recaller
from smallpool_service.request import RecallRequest
from smallpool_service.served import ServedPage

MAX_SAMPLE: Final = 200
REPLAY_MS: Final = 20_000
"""Time to answer in where the caller sets none."""
PAGE_MS: Final = 2_000
"""Longest that one page is waited for; what is replayed is nobody's page, so it may take its time."""
STRETCHES: Final = 24
LOOKED_AT: Final = 500
"""So many records are looked at of each stretch of the day, of whichever pools: the log knows times, not pools."""
MOST_SHOWN: Final = 20

_decode = msgspec.json.Decoder(ServedPage).decode
Progress = Callable[[int, int], None]


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be replayed: at most `sample` requests to a pool on a day of its own time zone, `2026-11-27`; `until` (ms) is when an
    answer comes too late.
    """

    pool_id: str
    draft: PoolDraft
    day: str
    sample: int = MAX_SAMPLE
    until: int | None = None


class Line(Struct, frozen=True):
    """One item of a page; `sources` that gave it."""

    item_id: str
    title: str
    category: list[str]
    sources: list[str]


class ReplayedPage(Struct, frozen=True, kw_only=True):
    """One request: the page that was served, today's, and today's by the draft. `overlap` is the share of the longer of today's pages
    that both have; `sold` counts what was served then and is not on sale today.
    """

    request_id: str
    user_id: str | None
    device_id: str | None
    at: int
    then: list[Line]
    now: list[Line]
    draft: list[Line]
    overlap: float
    comes_in: list[str]
    falls_out: list[str]
    sold: int


class Shift(Struct, frozen=True):
    """How many lines of today's pages are of one source, category or item, by the rule that holds and by the draft."""

    key: str
    now: int
    draft: int


class Totals(Struct, frozen=True, kw_only=True):
    """Means over all pages replayed. `changed` is the share of pages that differ, order included; fills are shares of `size`; `sold` is the
    share of then's lines that are not on sale today.
    """

    changed: float
    overlap: float
    then_fill: float
    now_fill: float
    draft_fill: float
    sold: float


class Replay(Struct, frozen=True, kw_only=True):
    """What a draft would have changed. `served` counts the pool's requests among those looked at, `replayed` those that there was time
    for; `size` is how many items each page was asked for, which the log does not keep: as many as the longest page of the sample had.
    """

    pool_id: str
    revision: int
    day: str
    served: int
    replayed: int
    size: int
    totals: Totals | None
    sources: list[Shift]
    categories: list[Shift]
    more: list[Shift]
    less: list[Shift]
    pages: list[ReplayedPage]


async def replay(recaller: Recaller, wanted: Wanted, progress: Progress | None = None) -> Replay:
    """The day again. Raises `NotFound` for no such pool, `Refused` with every mistake of the draft or the day, `StoreError` where the
    log or the wide index fails.
    """
    clock = recaller.ports.clock
    began = clock.now_ms()
    until = began + REPLAY_MS if wanted.until is None else wanted.until
    stop = began + int((until - began) * BEFORE_THE_END)
    known = await standing(recaller, wanted.pool_id)
    changed = await _changed(recaller, known, wanted.draft)
    since, end = span_of(wanted.day, known.pool.schedule.timezone)
    served = await _served(recaller, wanted.pool_id, since, end)
    sampled = sample_of(served, wanted.sample)
    size = max((len(page.items) for page in sampled), default=0)
    pairs: list[tuple[ServedPage, list[PageItem], list[PageItem]]] = []
    for done, page in enumerate(sampled):
        if clock.now_ms() >= stop:
            break
        if progress is not None:
            progress(done, len(sampled))
        pair = (page, await _again(recaller, page, known, size, stop), await _again(recaller, page, changed, size, stop))
        if clock.now_ms() > stop:  # what time cut short says nothing of the draft
            break
        pairs.append(pair)
    items = await _items(recaller, pairs)
    pages = [_page(page, now, draft, items, began) for page, now, draft in pairs]
    return _told(wanted, known, len(served), size, pages)


def span_of(day: str, timezone: str) -> tuple[int, int]:
    """From when until before when (ms) a day of a time zone goes; raises `Refused` for what is no day."""
    try:
        begins = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=ZoneInfo(timezone))
        return int(begins.timestamp() * 1000), int((begins + timedelta(days=1)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Refused([Problem("day", repr(day[:40]), "a day such as 2026-11-27 is allowed")]) from None


def sample_of(served: Iterable[ServedPage], most: int) -> list[ServedPage]:
    """The same requests each time, by a hash of their ids, in the order in which they came."""
    by_hash = sorted(served, key=lambda page: sha256(page.request_id.encode()).digest())[:most]
    return sorted(by_hash, key=lambda page: (page.at, page.request_id))


async def _changed(recaller: Recaller, known: KnownPool, draft: PoolDraft) -> KnownPool:
    """The pool as the draft would have it: none of its items is tagged yet, unless its rule is the one that stands."""
    catalogue, pool_id = recaller.ports.catalogue, known.pool.pool_id
    rule = catalogue.served_rule(pool_id, drafted_rule(catalogue, pool_id, draft))
    pool = drafted(known.pool, draft)
    changed = replace(known, pool=pool, adjustments=catalogue.adjustments(pool.ordering))
    if rule != known.rule:
        changed = replace(changed, rule=rule, tagged={})
    return replace(changed, cut=await recaller.ports.cuts.found(changed, recaller.ports.clock.now_ms()))


async def _served(recaller: Recaller, pool_id: str, since: int, end: int) -> list[ServedPage]:
    """The pool's pages among the first that were served in each stretch of the day."""
    log, width = recaller.ports.log, -(-(end - since) // STRETCHES)
    found: list[ServedPage] = []
    for begins in range(since, end, width):
        records = await log.between("served", begins, min(begins + width, end), LOOKED_AT)
        found += [page for page in map(_decode, (record.value for record in records)) if page.pool_id == pool_id]
    return found


async def _again(recaller: Recaller, page: ServedPage, known: KnownPool, size: int, stop: int) -> list[PageItem]:
    """The page that its person would get; others are served meanwhile."""
    await asyncio.sleep(0)
    request = RecallRequest(
        pool_id=page.pool_id,
        identity=Identity(page.user_id, page.device_id),
        size=max(1, size),
        dry_run=True,
        context=page.context,
        deadline_ms=min(recaller.ports.clock.now_ms() + PAGE_MS, stop),
        admitted=True,
    )
    return (await recaller.rehearse(request, known)).items


async def _items(recaller: Recaller, pairs: Sequence[tuple[ServedPage, list[PageItem], list[PageItem]]]) -> dict[str, WideItem]:
    wanted = {line.item_id for page, _, _ in pairs for line in page.items}
    wanted |= {line.item_id for _, now, draft in pairs for line in (*now, *draft)}
    return await get_items(recaller.ports.reader, wanted) if wanted else {}


def _page(page: ServedPage, now: Sequence[PageItem], draft: Sequence[PageItem], items: dict[str, WideItem], at: int) -> ReplayedPage:
    ids, changed = [line.item_id for line in now], [line.item_id for line in draft]
    longer = max(len(ids), len(changed))
    on_sale = {item_id for item_id, item in items.items() if item.state == "on_sale" and (item.expires_at is None or item.expires_at > at)}
    return ReplayedPage(
        request_id=page.request_id,
        user_id=page.user_id,
        device_id=page.device_id,
        at=page.at,
        then=[_line(line.item_id, line.sources, items) for line in page.items],
        now=[_line(line.item_id, line.sources, items) for line in now],
        draft=[_line(line.item_id, line.sources, items) for line in draft],
        overlap=round(len(set(ids) & set(changed)) / longer, 3) if longer else 1.0,
        comes_in=[item_id for item_id in changed if item_id not in ids],
        falls_out=[item_id for item_id in ids if item_id not in changed],
        sold=sum(line.item_id not in on_sale for line in page.items),
    )


def _line(item_id: str, sources: list[str], items: dict[str, WideItem]) -> Line:
    item = items.get(item_id)
    title = item.given.title if item is not None and item.given is not None else ""
    return Line(item_id, title, path_of(item.category) if item is not None and item.category else [], sources)


def _told(wanted: Wanted, known: KnownPool, served: int, size: int, pages: list[ReplayedPage]) -> Replay:
    items = _shifts(pages, lambda line: [line.item_id])
    return Replay(
        pool_id=wanted.pool_id,
        revision=known.pool.revision,
        day=wanted.day,
        served=served,
        replayed=len(pages),
        size=size,
        totals=_totals(pages, size) if pages else None,
        sources=_shifts(pages, lambda line: line.sources),
        categories=_shifts(pages, lambda line: [" › ".join(line.category)])[:MOST_SHOWN],
        more=[one for one in items if one.draft > one.now][:MOST_SHOWN],
        less=[one for one in items if one.draft < one.now][:MOST_SHOWN],
        pages=pages,
    )


def _totals(pages: Sequence[ReplayedPage], size: int) -> Totals:
    def fill(lengths: Iterable[int]) -> float:
        return round(fmean(lengths) / max(1, size), 3)

    lines = sum(len(page.then) for page in pages)
    return Totals(
        changed=round(fmean(_ids(page.now) != _ids(page.draft) for page in pages), 3),
        overlap=round(fmean(page.overlap for page in pages), 3),
        then_fill=fill([len(page.then) for page in pages]),
        now_fill=fill([len(page.now) for page in pages]),
        draft_fill=fill([len(page.draft) for page in pages]),
        sold=round(sum(page.sold for page in pages) / lines, 3) if lines else 0.0,
    )


def _ids(lines: Sequence[Line]) -> list[str]:
    return [line.item_id for line in lines]


def _shifts(pages: Sequence[ReplayedPage], keys: Callable[[Line], list[str]]) -> list[Shift]:
    """Counts by key, those first that move most."""
    now = Counter(key for page in pages for line in page.now for key in keys(line))
    draft = Counter(key for page in pages for line in page.draft for key in keys(line))
    shifts = [Shift(key, now[key], draft[key]) for key in now.keys() | draft.keys()]
    return sorted(shifts, key=lambda one: (-abs(one.draft - one.now), -max(one.draft, one.now), one.key))
