"""The seen list in plain dicts and lists: the readable reference that every other adapter must agree with.

In: one round of one page. Out: the page as it stands after it. Nothing outlives the process.
"""

from collections import defaultdict
from threading import Lock

from msgspec import Struct, field

from smallpool_core.errors import RequestIdReused
from smallpool_core.pages import PAGE_KEPT_MS, RESUMABLE_MS, Claimed, ClaimRequest, Entry, Opening, SeenEntry, StoredPage


class _Kept(Struct):
    """A page and the last instant (ms) at which it is still there."""

    page: StoredPage
    until: int


class _Place(Struct):
    """What is kept of one person in one pool; `seen` is oldest first, `pages` is by request_id."""

    seen: list[SeenEntry] = field(default_factory=list)
    pages: dict[str, _Kept] = field(default_factory=dict)


class MemorySeenList:
    """Seen lists and pages by identity and pool. A lock makes a claim one atomic step, across threads too."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._people: defaultdict[str, defaultdict[str, _Place]] = defaultdict(lambda: defaultdict(_Place))

    async def open(self, identity: str, pool_id: str, request_id: str, now: int) -> Opening:
        with self._lock:
            pools = self._people.get(identity)
            place = pools.get(pool_id) if pools is not None else None
            return Opening(tuple(place.seen), _stored(place, request_id, now)) if place is not None else Opening((), None)

    async def claim(self, request: ClaimRequest) -> Claimed:
        with self._lock:
            return _claim(self._people[request.identity][request.pool_id], request)

    async def erase(self, identity: str, pool_id: str | None) -> None:
        with self._lock:
            if pool_id is None:
                self._people.pop(identity, None)
            elif identity in self._people:
                self._people[identity].pop(pool_id, None)


def _claim(place: _Place, request: ClaimRequest) -> Claimed:
    page = _stored(place, request.request_id, request.now) or StoredPage(
        request.request_id, request.fingerprint, 0, closed=False, entries=()
    )
    if page.fingerprint != request.fingerprint:
        raise RequestIdReused(request.request_id)
    if page.closed or page.rounds != request.round:
        return Claimed(page.entries, page.rounds, page.closed, closed_now=False, short=page.short)

    entries = _with_new_entries(page.entries, request, seen={entry.item_id for entry in place.seen})
    _push(place, [entry.item_id for entry in entries[len(page.entries) :]], request)

    closed = request.final or len(entries) >= request.n
    short = request.short if closed and len(entries) < request.n else None
    after = StoredPage(request.request_id, request.fingerprint, page.rounds + 1, closed, tuple(entries), short)
    _keep(place, after, request)
    return Claimed(after.entries, after.rounds, closed, closed_now=closed, short=short)


def _stored(place: _Place, request_id: str, now: int) -> StoredPage | None:
    """The page of this request_id, unless its time is over."""
    kept = place.pages.get(request_id)
    return kept.page if kept is not None and now <= kept.until else None


def _with_new_entries(page: tuple[Entry, ...], request: ClaimRequest, seen: set[str]) -> list[Entry]:
    """The page, then what this round adds to it in the order offered."""
    entries = list(page)
    for candidate in request.ordered:
        if len(entries) >= request.n:
            break
        if any(entry.item_id == candidate.item_id for entry in entries):
            continue
        if candidate.item_id in seen and not request.allow_seen:
            continue
        if candidate.expires_at is not None and candidate.expires_at <= request.now:
            continue
        if sum(entry.spread_key == candidate.spread_key for entry in entries) >= request.cap:
            continue
        entries.append(candidate)
    return entries


def _push(place: _Place, item_ids: list[str], request: ClaimRequest) -> None:
    """Puts items at the newest end, each on the list once, and trims the oldest away."""
    others = [entry for entry in place.seen if entry.item_id not in item_ids]
    pushed = others + [SeenEntry(item_id, request.now) for item_id in item_ids]
    place.seen = pushed[max(0, len(pushed) - request.seen_size) :]


def _keep(place: _Place, page: StoredPage, request: ClaimRequest) -> None:
    """Stores the page, and drops this person's pages of this pool that ended more than `PAGE_KEPT_MS` ago.

    Not sooner, because the clocks of two servers differ a little and a page must not depend on who looked first.
    """
    until = request.now + PAGE_KEPT_MS if page.closed else request.deadline + RESUMABLE_MS
    place.pages = {key: kept for key, kept in place.pages.items() if kept.until >= request.now - PAGE_KEPT_MS}
    place.pages[page.request_id] = _Kept(page, until)
