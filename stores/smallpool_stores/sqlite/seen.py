"""Seen lists and claimed pages in SQLite, laid out so that a claim reads and writes two rows.

In: one round of one page. Out: the page as it stands after it, committed. It agrees with `MemorySeenList` in every case.
A list is one msgpack array of runs `[at, [item_id, …]]`, oldest first, a run for each page; a page is one msgpack `StoredPage`.
"""

from collections import Counter
from collections.abc import Sequence
from sqlite3 import Connection

from msgspec import msgpack

from smallpool_core.errors import RequestIdReused
from smallpool_core.linking import Runs, joined_runs
from smallpool_core.pages import PAGE_KEPT_MS, RESUMABLE_MS, Claimed, ClaimRequest, Entry, Opening, SeenEntry, StoredPage
from smallpool_stores.sqlite.database import Database, translated

TABLES = """
CREATE TABLE seen_lists (
    identity TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (identity, pool_id)
);
CREATE TABLE claimed_pages (
    identity TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    kept_until INTEGER NOT NULL,
    page BLOB NOT NULL,
    PRIMARY KEY (identity, pool_id, request_id)
);
CREATE INDEX claimed_pages_by_end ON claimed_pages (kept_until);
"""

# One statement, so that list and page are of one moment.
_READ = """
SELECT (SELECT entries FROM seen_lists WHERE identity = ?1 AND pool_id = ?2),
       (SELECT page FROM claimed_pages WHERE identity = ?1 AND pool_id = ?2 AND request_id = ?3 AND kept_until >= ?4)
"""
_WRITE_LIST = "INSERT INTO seen_lists VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET entries = excluded.entries"
_WRITE_PAGE = """
INSERT INTO claimed_pages VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET kept_until = excluded.kept_until, page = excluded.page
"""
# A claim adds one page at most and takes up to four away, so the table holds what lives and little more. Pages go only
# some time after their end, because the clocks of two processes differ a little.
_PRUNE = "DELETE FROM claimed_pages WHERE rowid IN (SELECT rowid FROM claimed_pages WHERE kept_until < ? ORDER BY kept_until LIMIT 4)"
_ERASE_LISTS = "DELETE FROM seen_lists WHERE identity = ?1 AND (?2 IS NULL OR pool_id = ?2)"
_ERASE_PAGES = "DELETE FROM claimed_pages WHERE identity = ?1 AND (?2 IS NULL OR pool_id = ?2)"

_encode = msgpack.Encoder().encode
_decode_seen = msgpack.Decoder(Runs).decode
_decode_page = msgpack.Decoder(StoredPage).decode


class SqliteSeenList:
    """Seen lists and pages by identity and pool. `BEGIN IMMEDIATE` makes a claim one atomic step, across processes too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, identity: str, pool_id: str, request_id: str, now: int) -> Opening:
        with translated(f"read the seen list of {identity!r} in pool {pool_id!r}"):
            runs, page = _read(self._database.connection, identity, pool_id, request_id, now)
        return Opening(tuple([SeenEntry(item_id, at) for at, item_ids in runs for item_id in item_ids]), page)

    async def claim(self, request: ClaimRequest) -> Claimed:
        with self._database.atomic(), translated(f"claim a page for {request.identity!r} in pool {request.pool_id!r}"):
            return _claim(self._database.connection, request)

    async def erase(self, identity: str, pool_id: str | None) -> None:
        with self._database.atomic(), translated(f"erase the seen lists of {identity!r}"):
            erase_seen(self._database.connection, identity, pool_id)


def erase_seen(connection: Connection, identity: str, pool_id: str | None) -> None:
    """Deletes seen lists and pages of one pool or of all, in the caller's transaction and translation of errors."""
    connection.execute(_ERASE_LISTS, (identity, pool_id))
    connection.execute(_ERASE_PAGES, (identity, pool_id))


def move_seen(connection: Connection, device: str, user: str) -> bool:
    """Adds every seen list of one identity to that of another, in the caller's transaction and translation of errors; whether there was
    one. Pages stay: whoever asks for one of them again is the first one still.
    """
    moved = connection.execute("DELETE FROM seen_lists WHERE identity = ? RETURNING pool_id, entries", (device,)).fetchall()
    for pool_id, entries in moved:
        kept = connection.execute("SELECT entries FROM seen_lists WHERE identity = ? AND pool_id = ?", (user, pool_id)).fetchone()
        runs = entries if kept is None else _encode(joined_runs(_decode_seen(kept[0]), _decode_seen(entries)))
        connection.execute(_WRITE_LIST, (user, pool_id, runs))
    return bool(moved)


def _read(connection: Connection, identity: str, pool_id: str, request_id: str, now: int) -> tuple[Runs, StoredPage | None]:
    """The seen list, and the page if it is still there at `now`."""
    seen, page = connection.execute(_READ, (identity, pool_id, request_id, now)).fetchone()
    return _decode_seen(seen) if seen is not None else [], _decode_page(page) if page is not None else None


def _claim(connection: Connection, request: ClaimRequest) -> Claimed:
    runs, page = _read(connection, request.identity, request.pool_id, request.request_id, request.now)
    if page is None:
        page = StoredPage(request.request_id, request.fingerprint, 0, closed=False, entries=())
    if page.fingerprint != request.fingerprint:
        raise RequestIdReused(request.request_id)
    if page.closed or page.rounds != request.round:
        return Claimed(page.entries, page.rounds, page.closed, closed_now=False, short=page.short)

    added = _allowed(page.entries, request, runs)
    entries = page.entries + tuple(added)
    closed = request.final or len(entries) >= request.n
    short = request.short if closed and len(entries) < request.n else None
    _write_list(connection, request, runs, [entry.item_id for entry in added])
    _write_page(connection, request, StoredPage(request.request_id, request.fingerprint, page.rounds + 1, closed, entries, short))
    connection.execute(_PRUNE, (request.now - PAGE_KEPT_MS,))
    return Claimed(entries, page.rounds + 1, closed, closed_now=closed, short=short)


def _allowed(page: Sequence[Entry], request: ClaimRequest, runs: Runs) -> list[Entry]:
    """What this round adds to the page, in the order offered."""
    taken = {entry.item_id for entry in page}
    if not request.allow_seen:
        taken.update(*[item_ids for _, item_ids in runs])
    per_key = Counter(entry.spread_key for entry in page)
    free = request.n - len(page)
    added: list[Entry] = []
    for candidate in request.ordered:
        if len(added) >= free:
            break
        if candidate.item_id in taken or per_key[candidate.spread_key] >= request.cap:
            continue
        if candidate.expires_at is not None and candidate.expires_at <= request.now:
            continue
        taken.add(candidate.item_id)
        per_key[candidate.spread_key] += 1
        added.append(candidate)
    return added


def _write_list(connection: Connection, request: ClaimRequest, runs: Runs, added: list[str]) -> None:
    if request.allow_seen:  # an item served again moves to the newest place
        runs = [(at, [item_id for item_id in item_ids if item_id not in added]) for at, item_ids in runs]
    runs = [*runs, (request.now, added)]
    too_many = sum([len(item_ids) for _, item_ids in runs]) - request.seen_size
    if added or too_many > 0:
        connection.execute(_WRITE_LIST, (request.identity, request.pool_id, _encode(_newest(runs, too_many))))


def _newest(runs: Runs, too_many: int) -> Runs:
    """The runs without that many of the oldest items, and without those that are empty."""
    kept: Runs = []
    for at, item_ids in runs:
        if newest := item_ids[max(0, too_many) :]:
            kept.append((at, newest))
        too_many -= len(item_ids)
    return kept


def _write_page(connection: Connection, request: ClaimRequest, page: StoredPage) -> None:
    until = request.now + PAGE_KEPT_MS if page.closed else request.deadline + RESUMABLE_MS
    connection.execute(_WRITE_PAGE, (request.identity, request.pool_id, request.request_id, until, _encode(page)))
