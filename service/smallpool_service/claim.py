"""Turns ranked candidates into a page: rounds of the atomic claim, each held against the live view just before.

Where nobody is there to claim for (anonymous, a dry run, a seen list that fails) the same rules make the page here, and
nothing is remembered.
"""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import msgspec
from msgspec.structs import replace

from smallpool_core.pages import Claimed, ClaimRequest, Dropped, Entry, Hit, LiveItem, Short
from smallpool_core.rules import matches
from smallpool_service.bans import banned_meanwhile
from smallpool_service.candidates import Scored
from smallpool_service.filter import DETAILS, live_reason, look_up
from smallpool_service.page import PageItem, path_of
from smallpool_service.room import Limits, Placed, Room, offer, placed
from smallpool_service.run import ReadPorts, Run
from smallpool_service.settings import ReadSettings
from smallpool_service.spread import cut_key

STAGE = "claim"
MOVED = "it went to another spread key or seller while the page was made"
_ENCODER = msgspec.json.Encoder()


class Claiming:
    """The page of one request while it is filled; `page` is what has been claimed so far."""

    def __init__(self, run: Run, ports: ReadPorts, page: Claimed, settings: ReadSettings) -> None:
        self.page = page
        self.limits = Limits.of(run.known, run.request.size)
        self._run = run
        self._ports = ports
        self._most = settings.offered_per_item * run.request.size
        self._least_left_ms = settings.least_left_s * 1000
        self._opening_share = settings.opening_share
        self._placed: dict[str, Placed] = {}
        self._unknown: set[str] = set()

    @property
    def knows_its_page(self) -> bool:
        """Whether what every line counts as is known. Where it is not nobody can tell what the page has room for."""
        return not self._unknown

    async def take(self, ranked: Sequence[Scored], *, allow_seen: bool = False) -> tuple[Entry, ...]:
        """Claims rounds of the best first until the page is closed or nothing is left to offer; returns the page so far. Nothing is
        offered to a page whose limits cannot be counted.
        """
        level = self.limits.level
        waiting: Sequence[Scored] = ranked
        while not self.page.closed:
            offered, waiting = offer(waiting, await self.on_page(), self.limits, self._most)
            if not offered or not self.knows_its_page:
                break
            if self.limits.count_more_than_keys:
                self._placed.update((scored.item_id, placed(scored.candidate.hit, level, scored.kinds)) for scored in offered)
            now = self._run.now()  # of one instant: what holds when it is looked at holds when it is claimed
            entries = [entry_of(scored, level) for scored in await self._still_live(offered, now)]
            late = now >= self._run.deadline
            if entries or late:
                await self._claim(entries, now, final=late, short="deadline" if late else None, allow_seen=allow_seen)
        return self.page.entries

    async def on_page(self) -> list[Placed]:
        """What each line of the page counts as. A line that another call of this request claimed is looked up once, where more than its
        spread key counts.
        """
        entries = self.page.entries
        if self.limits.count_more_than_keys:
            asked = [entry for entry in entries if entry.item_id not in self._placed and entry.item_id not in self._unknown]
            if asked:
                await self._look_up(asked)
        return [self._placed.get(entry.item_id, Placed(entry.spread_key)) for entry in entries]

    async def _look_up(self, entries: Sequence[Entry]) -> None:
        run = self._run
        items = await run.attempt("items", self._ports.reader.get([entry.item_id for entry in entries]), {}, self._opening_share)
        for entry in entries:
            item = items.get(entry.item_id)
            if item is None:
                self._unknown.add(entry.item_id)
                run.degrade("items", f"whose {entry.item_id!r} is, which stands on the page already, is not known")
            else:
                self._placed[entry.item_id] = Placed(entry.spread_key, item.seller_id, run.known.adjustments.kinds_of(item, run.started))

    async def room(self) -> Room:
        """What the page has room for."""
        return Room(self.limits, await self.on_page())

    async def close(self, short: Short | None) -> None:
        """Closes a page that cannot be filled, for the reason given."""
        if not self.page.closed:
            await self._claim((), self._run.now(), final=True, short=short, allow_seen=False)

    async def _still_live(self, offered: Sequence[Scored], now: int) -> list[Scored]:
        run, scope = self._run, self._run.known.scope
        item_ids = [scored.item_id for scored in offered]
        outside = await self._outside(item_ids, now)
        banned = await banned_meanwhile(item_ids, run, self._ports)
        known = look_up(self._ports.live, item_ids, scope, now)
        kept = []
        for scored in offered:
            live = known[scored.item_id]
            forbidden = "banned" if scored.item_id in banned else "not_in_pool" if scored.item_id in outside else None
            reason = live_reason(scored.candidate.hit, live, scope, now + self._least_left_ms) or forbidden
            if reason is not None:
                run.drops.append(Dropped(scored.item_id, STAGE, reason, DETAILS[reason]))
            elif live is not None and has_moved(scored.candidate.hit, live, run.known.pool.settings.spread_level):
                run.drops.append(Dropped(scored.item_id, STAGE, "stale", MOVED))
            else:
                kept.append(scored)
        return kept

    async def _outside(self, item_ids: Sequence[str], now: int) -> AbstractSet[str]:
        """Items that time has taken out of a pool whose tag is not trusted: the live view has no intervals of its rule yet."""
        scope = self._run.known.scope
        if scope.trusted or scope.everything or not scope.rule.is_timed:
            return frozenset()
        items = await self._run.attempt("items", self._ports.reader.get(item_ids), {})
        return {item_id for item_id in item_ids if item_id not in items or not matches(scope.rule, items[item_id], now)}

    async def _claim(self, entries: Sequence[Entry], now: int, *, final: bool, short: Short | None, allow_seen: bool) -> None:
        run, settings = self._run, self._run.known.pool.settings
        request = ClaimRequest(
            identity=run.request.identity.key,
            pool_id=run.request.pool_id,
            request_id=run.request_id,
            round=self.page.rounds,
            ordered=tuple(entries),
            n=run.request.size,
            cap=settings.max_per_category,
            seen_size=settings.seen_size,
            allow_seen=allow_seen,
            now=now,
            deadline=run.deadline,
            final=final,
            fingerprint=run.fingerprint,
            short=short,
        )
        claimed = await run.attempt("seen_list", self._ports.seen.claim(request), None) if run.claims else None
        if claimed is None:
            run.claims = False
            claimed = unclaimed(request, self.page)
        self.page = claimed


def has_moved(hit: Hit, live: LiveItem, level: int | None) -> bool:
    """Whether the item has another spread key or seller than when it was recalled: the cap would count it under the wrong key."""
    return live.seller_id != hit.seller_id or cut_key(live.spread_key, level) != cut_key(hit.spread_key, level)


def entry_of(scored: Scored, level: int | None) -> Entry:
    """A candidate as the claim takes it; its payload is the item's JSON in `Page`, without an explanation."""
    hit = scored.candidate.hit
    return Entry(hit.item_id, cut_key(hit.spread_key, level), hit.expires_at, _ENCODER.encode(page_item(scored)))


def page_item(scored: Scored) -> PageItem:
    """A candidate as a line of a page; a score that is no number shows as 0."""
    hit = scored.candidate.hit
    shown = round(scored.score, 6) if scored.is_finite else 0.0
    return PageItem(item_id=hit.item_id, category=path_of(hit.category), score=shown, sources=list(scored.candidate.ranks))


def unclaimed(request: ClaimRequest, page: Claimed) -> Claimed:
    """The page after a round that nobody remembers: the rules of the claim, but for what others were served meanwhile."""
    entries = list(page.entries)
    counts = Counter(entry.spread_key for entry in entries)
    taken = {entry.item_id for entry in entries}
    for entry in request.ordered:
        if len(entries) == request.n:
            break
        expired = entry.expires_at is not None and entry.expires_at <= request.now
        if entry.item_id in taken or expired or counts[entry.spread_key] >= request.cap:
            continue
        entries.append(entry)
        counts[entry.spread_key] += 1
        taken.add(entry.item_id)
    full = len(entries) >= request.n
    short = request.short if request.final and not full else None
    return replace(page, entries=tuple(entries), rounds=page.rounds + 1, closed=full or request.final, closed_now=False, short=short)
