"""What happens to items: counters by item, pool and hour, and the popularity of items and terms with exponential decay.

In: the effects of user events, one log record at a time. Out: popular items, their weights, a pool's heaviest terms.

Everything is bounded: an hour's counters go after seven days and a weight once it has decayed to nothing, a few rows at
each addition and always more than it adds.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from sqlite3 import Connection

from msgspec.structs import replace

from smallpool_core.errors import Problem, SettingsRefused
from smallpool_core.statistics import EXPOSURE, Responses, StatDelta
from smallpool_core.terms import Trigger
from smallpool_stores.forward_decay import LEAST_WEIGHT, log_sum, log_weight, reaches, weight_at
from smallpool_stores.sqlite import decay
from smallpool_stores.sqlite.database import Database, translated
from smallpool_stores.sqlite.decay import DecayedWeights

SITE = ""
"""The pool that stands for the whole site: every delta counts there, and in its own pool if it names one."""
HOURS_KEPT = 7 * 24
HOUR_MS = 3_600_000

TABLES = f"""{decay.TABLES}
CREATE TABLE stats_clock (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    half_life_ms REAL NOT NULL,
    newest_at INTEGER NOT NULL
);
CREATE TABLE stats_offsets (
    partition INTEGER PRIMARY KEY,
    log_offset INTEGER NOT NULL
);
CREATE TABLE item_hours (
    hour INTEGER NOT NULL,
    pool_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    type TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (hour, pool_id, item_id, type)
) WITHOUT ROWID;
"""

_TAKE_OFFSET = """
INSERT INTO stats_offsets VALUES (?, ?) ON CONFLICT DO UPDATE SET log_offset = excluded.log_offset
WHERE excluded.log_offset > stats_offsets.log_offset
"""
_COUNT = "INSERT INTO item_hours VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events"
_OLD_HOURS = "SELECT hour, pool_id, item_id, type FROM item_hours WHERE hour <= ? ORDER BY hour LIMIT ?"
_DROP_HOUR = "DELETE FROM item_hours WHERE (hour, pool_id, item_id, type) = (?, ?, ?, ?)"
_READ_CLOCK = "SELECT half_life_ms, newest_at FROM stats_clock"
_WRITE_CLOCK = "INSERT OR REPLACE INTO stats_clock VALUES (1, ?, ?)"

_ITEMS = DecayedWeights("item")
_TERMS = DecayedWeights("term")
_EXPOSURES = DecayedWeights("exposure")
_TOTALS = DecayedWeights("total")
_WEIGHT = "weight"


class SqliteItemStats:
    """Counters and decayed weights; `add` and `forget` join the transaction of `Database.atomic`.

    Deltas whose weight is not positive move the counters alone; a delta without an item moves terms alone.
    """

    def __init__(self, database: Database, *, half_life_hours: float = 24.0) -> None:
        if not half_life_hours > 0:
            raise SettingsRefused([Problem("half_life_hours", repr(half_life_hours), "the half-life of popularity is a number above 0")])
        self._database = database
        self._half_life_ms = half_life_hours * HOUR_MS

    def add(self, deltas: Sequence[StatDelta], partition: int, offset: int) -> None:
        with self._database.atomic(), translated(f"add the statistics of record {offset} of partition {partition}"):
            connection = self._database.connection
            is_new = connection.execute(_TAKE_OFFSET, (partition, offset)).rowcount > 0
            if not is_new or not deltas:
                return
            newest = self._advance(connection, max(delta.at for delta in deltas))
            _count(connection, deltas, newest // HOUR_MS - HOURS_KEPT)
            self._weigh(connection, _ITEMS, ((delta, (delta.item_id,)) for delta in deltas if delta.item_id), newest)
            self._weigh(connection, _TERMS, ((delta, delta.terms) for delta in deltas), newest)
            shown = [replace(delta, weight=1.0) for delta in deltas if delta.item_id and delta.type == EXPOSURE]
            self._weigh(connection, _EXPOSURES, ((delta, (delta.item_id,)) for delta in shown), newest)
            self._weigh(connection, _TOTALS, ((delta, (EXPOSURE,)) for delta in shown), newest)
            self._weigh(connection, _TOTALS, ((delta, (_WEIGHT,)) for delta in deltas if delta.item_id), newest)

    def forget(self, item_ids: Sequence[str]) -> None:
        with self._database.atomic(), translated(f"forget the popularity of {len(item_ids)} items"):
            for weights in (_ITEMS, _EXPOSURES):
                weights.forget(self._database.connection, item_ids)

    def ranked(self, skip: int, limit: int, now: int) -> list[tuple[str, float]]:
        with translated("read the ranking of items"):
            stored = _ITEMS.rank(self._database.connection, SITE, limit, skip)
            half_life_ms, _ = self._clock(self._database.connection)
        return [(item_id, weight_at(log_score, now, half_life_ms)) for item_id, log_score in stored]

    async def popular(self, pool_id: str, limit: int) -> list[str]:
        with translated(f"read what is popular in pool {pool_id!r}"):
            return [item_id for item_id, _ in _ITEMS.rank(self._database.connection, pool_id, limit)]

    async def responses(self, pool_id: str, item_ids: Sequence[str], now: int) -> Responses:
        with translated(f"read the popularity of {len(item_ids)} items in pool {pool_id!r}"):
            connection = self._database.connection
            half_life_ms, _ = self._clock(connection)
            items = _ITEMS.read(connection, pool_id, item_ids)
            totals = _TOTALS.read(connection, pool_id, (_WEIGHT, EXPOSURE))
            shown = _EXPOSURES.read(connection, pool_id, item_ids) if EXPOSURE in totals else {}
        weights, exposures, of_all = (
            {key: weight_at(log_score, now, half_life_ms) for key, log_score in stored.items()} for stored in (items, shown, totals)
        )
        return Responses(weights, exposures, of_all.get(_WEIGHT, 0.0), of_all.get(EXPOSURE, 0.0))

    async def exposures(self, pool_id: str, item_ids: Collection[str], now: int) -> dict[str, float]:
        with translated(f"read how often {len(item_ids)} items were shown in pool {pool_id!r}"):
            stored = _EXPOSURES.read(self._database.connection, pool_id, item_ids)
            half_life_ms, _ = self._clock(self._database.connection)
        return {item_id: weight_at(log_score, now, half_life_ms) for item_id, log_score in stored.items()}

    async def ignored(self, pool_id: str, item_ids: Collection[str], exposures: int, now: int) -> frozenset[str]:
        with translated(f"read how often {len(item_ids)} items were shown in pool {pool_id!r}"):
            shown = _EXPOSURES.read(self._database.connection, pool_id, item_ids)
            popular = _ITEMS.read(self._database.connection, pool_id, shown)
            half_life_ms, _ = self._clock(self._database.connection)
        weights = {item_id: weight_at(log_score, now, half_life_ms) for item_id, log_score in popular.items()}
        return frozenset(
            item_id
            for item_id, log_score in shown.items()
            if reaches(weight_at(log_score, now, half_life_ms), exposures * (1 + weights.get(item_id, 0.0)))
        )

    async def top_terms(self, pool_id: str, limit: int, now: int) -> list[Trigger]:
        with translated(f"read the heaviest terms of pool {pool_id!r}"):
            ranked = _TERMS.rank(self._database.connection, pool_id, limit)
            half_life_ms, _ = self._clock(self._database.connection)
        return [Trigger(term, weight_at(log_score, now, half_life_ms), now) for term, log_score in ranked]

    def _clock(self, connection: Connection) -> tuple[float, int]:
        """The half-life with which the stored sums were made, and the newest event time among them."""
        row: tuple[float, int] | None = connection.execute(_READ_CLOCK).fetchone()
        return row or (self._half_life_ms, 0)

    def _advance(self, connection: Connection, at: int) -> int:
        """Moves the newest event time to `at` if that is newer, and returns it.

        Where the setting of the half-life changed, restates every sum so that weights stay as they were at that time.
        """
        stored_half_life_ms, stored_at = self._clock(connection)
        if stored_half_life_ms != self._half_life_ms:
            decay.shift(connection, stored_at / self._half_life_ms - stored_at / stored_half_life_ms)
        newest = max(at, stored_at)
        connection.execute(_WRITE_CLOCK, (self._half_life_ms, newest))
        return newest

    def _weigh(
        self, connection: Connection, weights: DecayedWeights, moved: Iterable[tuple[StatDelta, Sequence[str]]], newest: int
    ) -> None:
        """Adds each delta's weight to its keys, in its pools; takes away more of what decayed to nothing than it adds."""
        shares: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for delta, keys in moved:
            if delta.weight <= 0:
                continue
            share = log_weight(delta.weight, delta.at, self._half_life_ms)
            for pool_id in _pools(delta):
                of_pool = shares[pool_id]
                for key in keys:
                    of_pool[key] = log_sum(of_pool[key], share) if key in of_pool else share
        nothing = log_weight(LEAST_WEIGHT, newest, self._half_life_ms)
        for pool_id, of_pool in shares.items():
            weights.add(connection, pool_id, of_pool)
            weights.prune(connection, pool_id, nothing, len(of_pool) + 4)


def _pools(delta: StatDelta) -> set[str]:
    return {SITE, delta.pool_id}


def _count(connection: Connection, deltas: Sequence[StatDelta], gone: int) -> None:
    """Adds to the hours' counters; hours up to `gone` are over, so their rows go, oldest first and more than were added."""
    counts = Counter(
        (delta.at // HOUR_MS, pool_id, delta.item_id, delta.type) for delta in deltas for pool_id in _pools(delta) if delta.item_id
    )
    connection.executemany(_COUNT, [(*key, events) for key, events in counts.items()])
    connection.executemany(_DROP_HOUR, connection.execute(_OLD_HOURS, (gone, len(counts) + 4)).fetchall())
