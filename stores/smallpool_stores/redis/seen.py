"""Seen lists and claimed pages in Redis: a claim is one script, an opening one round trip.

In: one round of one page. Out: the page as it stands after it. It agrees with `MemorySeenList` in every case.

Whether a page is still there is told by the `now` of the request, which is stored with it; the time to live of its key only sweeps
up behind. All keys of one person share a hash tag.
"""

from collections.abc import Sequence

from msgspec import Struct, msgpack

from smallpool_core.errors import RequestIdReused
from smallpool_core.pages import PAGE_KEPT_MS, RESUMABLE_MS, Claimed, ClaimRequest, Entry, Opening, SeenEntry, Short, StoredPage
from smallpool_stores.redis.commands import Part
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.keys import is_of_pool
from smallpool_stores.redis.scripts import load_script


class _Asked(Struct, frozen=True):
    """What `claim.lua` needs to know of the request; times and times to live in ms."""

    fingerprint: str
    round: int
    n: int
    cap: int
    seen_size: int
    allow_seen: bool
    final: bool
    short: str
    now: int
    open_ends: int
    closed_kept: int
    slack: int
    seen_ttl: int
    seen_name: str
    page_name: str


class _Head(Struct, frozen=True):
    """The first element of a stored page; `ends` (ms) is the last instant at which it is there, `short` empty for none."""

    fingerprint: str
    rounds: int
    closed: bool
    ends: int
    short: str = ""


_encode = msgpack.Encoder().encode
_decode_runs = msgpack.Decoder(list[tuple[int, list[str]]]).decode
_decode_head = msgpack.Decoder(_Head).decode
_decode_candidate = msgpack.Decoder(tuple[str, str, int | None]).decode
_decode_short = msgpack.Decoder(Short).decode


class RedisSeenList:
    """Seen lists and pages by identity and pool; a script makes a claim one atomic step, across servers too."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._open = load_script("open")
        self._claim = load_script("claim")

    async def open(self, identity: str, pool_id: str, request_id: str, now: int) -> Opening:
        keys = self._connection.keys.person(identity)
        seen_key, page_key = keys.base + keys.seen(pool_id), keys.base + keys.page(pool_id, request_id)
        with self._connection.translated(f"read the seen list of {identity!r} in pool {pool_id!r}"):
            runs, page = await self._connection.read_by(self._open, (seen_key, page_key), ())
            return Opening(_seen_entries(runs), _stored_page(request_id, page, now))

    async def claim(self, request: ClaimRequest) -> Claimed:
        keys = self._connection.keys.person(request.identity)
        asked = self._asked(request, keys.seen(request.pool_id), keys.page(request.pool_id, request.request_id))
        names = [keys.base + asked.seen_name, keys.base + asked.page_name, keys.index]
        with self._connection.translated(f"claim a page for {request.identity!r} in pool {request.pool_id!r}"):
            reply = await self._connection.run(self._claim, names, [_encode(asked), *_candidates(request.ordered)])
            if reply == -1:
                raise RequestIdReused(request.request_id)
            rounds, closed, closed_now, short, *entries = reply
            return Claimed(_entries(entries), rounds, bool(closed), bool(closed_now), _short(short.decode()))

    async def erase(self, identity: str, pool_id: str | None) -> None:
        keys = self._connection.keys.person(identity)
        with self._connection.translated(f"erase the seen lists of {identity!r}"):
            names = [name.decode() for name in await self._connection.read("ZRANGE", keys.index, 0, -1)]
            doomed = [name for name in names if pool_id is None or is_of_pool(name, pool_id)]
            if doomed:
                # What is claimed meanwhile stays in the index, so that nothing is out of reach of the next call.
                await self._connection.write(("UNLINK", *[keys.base + name for name in doomed]), ("ZREM", keys.index, *doomed))

    def _asked(self, request: ClaimRequest, seen_name: str, page_name: str) -> _Asked:
        settings = self._connection.settings
        return _Asked(
            fingerprint=request.fingerprint,
            round=request.round,
            n=request.n,
            cap=request.cap,
            seen_size=request.seen_size,
            allow_seen=request.allow_seen,
            final=request.final,
            short=request.short or "",
            now=request.now,
            open_ends=request.deadline + RESUMABLE_MS,
            closed_kept=PAGE_KEPT_MS,
            slack=settings.page_slack_s * 1000,
            seen_ttl=settings.seen_kept_s * 1000,
            seen_name=seen_name,
            page_name=page_name,
        )


def _candidates(ordered: Sequence[Entry]) -> list[Part]:
    """Each entry as the script takes it: what it decides by, then the payload, which it cannot and need not read."""
    parts: list[Part] = []
    for entry in ordered:
        parts += (_encode((entry.item_id, entry.spread_key, entry.expires_at)), entry.payload)
    return parts


def _entries(parts: Sequence[bytes]) -> tuple[Entry, ...]:
    return tuple([Entry(*_decode_candidate(told), payload) for told, payload in zip(parts[::2], parts[1::2], strict=True)])


def _seen_entries(runs: bytes | None) -> tuple[SeenEntry, ...]:
    return tuple([SeenEntry(item_id, at) for at, item_ids in _decode_runs(runs) for item_id in item_ids]) if runs is not None else ()


def _stored_page(request_id: str, parts: Sequence[bytes], now: int) -> StoredPage | None:
    """The page, unless its time is over."""
    if not parts:
        return None
    head = _decode_head(parts[0])
    if head.ends < now:
        return None
    return StoredPage(request_id, head.fingerprint, head.rounds, head.closed, _entries(parts[1:]), _short(head.short))


def _short(text: str) -> Short | None:
    return _decode_short(_encode(text)) if text else None
