"""What happens to items, in Redis: counters by item, pool and hour, and the popularity of items and terms with exponential decay.

In: the effects of user events, one log record at a time. Out: popular items, their weights, a pool's heaviest terms.

The keys of one pool share a hash tag and are written by one script, which also keeps the last offset applied of each partition: a
record that comes again changes nothing, pool by pool. In which pools an item has weight is noted under a key of the item, which lies
in another slot and so is another step; where one of the two fails, both are made again with the record. Everything is bounded: a
ranking keeps its heaviest entries, a weight goes once it has decayed to nothing, and every key has a time to live. The half-life is
part of a key's name, since sums made with two of them cannot be added: changing it starts anew.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from math import isnan
from struct import unpack

from msgspec import Struct, msgpack

from smallpool_core.errors import Problem, SettingsRefused
from smallpool_core.statistics import EXPOSURE, Responses, StatDelta
from smallpool_core.terms import Trigger
from smallpool_stores.forward_decay import LEAST_WEIGHT, log_weight, reaches, weight_at
from smallpool_stores.redis.additions import HOUR_MS, SITE, WEIGHT, PoolAddition, additions
from smallpool_stores.redis.commands import Call, Command
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.scripts import load_script


class _Added(Struct, frozen=True):
    """What `add.lua` is given; `hours` in the order of its keys, `nothing` the log2 sum below which an entry goes, times in ms."""

    partition: int
    offset: int
    items: dict[str, float]
    terms: dict[str, float]
    exposures: dict[str, float]
    totals: dict[str, float]
    hours: list[dict[str, int]]
    nothing: float
    most_items: int
    most_terms: int
    kept: int
    hours_kept: int


_encode = msgpack.Encoder().encode
_decode_ids = msgpack.Decoder(list[str]).decode
_TOTALS = _encode((WEIGHT, EXPOSURE))


class RedisItemStats:
    """Counters and decayed weights by pool. `add` is atomic and idempotent by pool, which is all that a batch taken again needs."""

    def __init__(self, connection: RedisConnection, *, half_life_hours: float = 24.0) -> None:
        if not half_life_hours > 0:
            raise SettingsRefused([Problem("half_life_hours", repr(half_life_hours), "the half-life of popularity is a number above 0")])
        self._connection = connection
        self._half_life_ms = half_life_hours * HOUR_MS
        self._add, self._note, self._ranking, self._weights = (load_script(name) for name in ("add", "note", "ranking", "weights"))

    def add(self, deltas: Sequence[StatDelta], partition: int, offset: int) -> None:
        if not deltas:
            return
        newest = max(delta.at for delta in deltas)
        by_pool = additions(deltas, self._half_life_ms)
        calls = [self._call(pool_id, addition, partition, offset, newest) for pool_id, addition in by_pool.items()]
        with self._connection.translated(f"add the statistics of record {offset} of partition {partition}"):
            self._connection.write_now(*self._notes(by_pool), *calls)

    def forget(self, item_ids: Sequence[str]) -> None:
        keys = self._connection.keys
        with self._connection.translated(f"forget the popularity of {len(item_ids)} items"):
            noted = self._connection.read_now(*[("ZRANGE", keys.pools_of_item(item_id), 0, -1) for item_id in item_ids])
            left: defaultdict[str, list[str]] = defaultdict(list)
            for item_id, pools in zip(item_ids, noted, strict=True):
                for pool_id in (SITE, *[pool.decode() for pool in pools]):
                    left[pool_id].append(item_id)
            removals: list[Command] = [
                ("ZREM", key, *ids)
                for pool_id, ids in left.items()
                for of_pool in [keys.pool(pool_id, self._half_life_ms)]
                for key in (of_pool.items, of_pool.exposures)
            ]
            self._connection.write_now(*removals)
            # Only now, so that a call that fails halfway still knows where to look.
            self._connection.write_now(*[("UNLINK", keys.pools_of_item(item_id)) for item_id in item_ids])

    def ranked(self, skip: int, limit: int, now: int) -> list[tuple[str, float]]:
        if limit <= 0:
            return []
        key = self._connection.keys.pool(SITE, self._half_life_ms).items
        with self._connection.translated("read the ranking of items"):
            [stored] = self._connection.read_now(("ZRANGE", key, skip, skip + limit - 1, "WITHSCORES"))
        return [
            (item_id.decode(), weight_at(-float(score), now, self._half_life_ms))
            for item_id, score in zip(stored[::2], stored[1::2], strict=True)
        ]

    async def popular(self, pool_id: str, limit: int) -> list[str]:
        if limit <= 0:
            return []
        key = self._connection.keys.pool(pool_id, self._half_life_ms).items
        with self._connection.translated(f"read what is popular in pool {pool_id!r}"):
            ranked = await self._connection.read_by(self._ranking, [key], [limit])
            return _decode_ids(ranked) if ranked is not None else []

    async def responses(self, pool_id: str, item_ids: Sequence[str], now: int) -> Responses:
        if not item_ids:
            return Responses()
        keys, count = self._connection.keys.pool(pool_id, self._half_life_ms), len(item_ids)
        with self._connection.translated(f"read the popularity of {count} items in pool {pool_id!r}"):
            asked = [_TOTALS, _encode(item_ids)]
            packed = await self._connection.read_by(self._weights, [keys.totals, keys.items, keys.exposures], asked)
        scores = unpack(f">{2 + 2 * count}d", packed)
        weights, exposures = (
            {item_id: self._weight(score, now) for item_id, score in zip(item_ids, half, strict=True) if not isnan(score)}
            for half in (scores[2 : 2 + count], scores[2 + count :])
        )
        return Responses(weights, exposures, self._weight(scores[0], now), self._weight(scores[1], now))

    async def exposures(self, pool_id: str, item_ids: Collection[str], now: int) -> dict[str, float]:
        key = self._connection.keys.pool(pool_id, self._half_life_ms).exposures
        return await self._read(key, list(item_ids), now, f"read how often {len(item_ids)} items were shown in pool {pool_id!r}")

    async def ignored(self, pool_id: str, item_ids: Collection[str], exposures: int, now: int) -> frozenset[str]:
        if not item_ids:
            return frozenset()
        asked, keys = list(item_ids), self._connection.keys.pool(pool_id, self._half_life_ms)
        with self._connection.translated(f"read how often {len(asked)} items were shown in pool {pool_id!r}"):
            packed = await self._connection.read_by(self._weights, [keys.exposures, keys.items], [_encode(asked)])
        scores = unpack(f">{2 * len(asked)}d", packed)
        shown, popular = ([self._weight(score, now) for score in half] for half in (scores[: len(asked)], scores[len(asked) :]))
        told = zip(asked, shown, popular, strict=True)
        return frozenset(item_id for item_id, times, weight in told if reaches(times, exposures * (1 + weight)))

    async def top_terms(self, pool_id: str, limit: int, now: int) -> list[Trigger]:
        if limit <= 0:
            return []
        key = self._connection.keys.pool(pool_id, self._half_life_ms).terms
        with self._connection.translated(f"read the heaviest terms of pool {pool_id!r}"):
            ranked = await self._connection.read("ZRANGE", key, 0, limit - 1, "WITHSCORES")
        return [
            Trigger(term.decode(), weight_at(-float(score), now, self._half_life_ms), now)
            for term, score in zip(ranked[::2], ranked[1::2], strict=True)
        ]

    async def _read(self, key: str, item_ids: Sequence[str], now: int, operation: str) -> dict[str, float]:
        """Weights of those of the items that a ranking has."""
        if not item_ids:
            return {}
        with self._connection.translated(operation):
            packed = await self._connection.read_by(self._weights, [key], [_encode(item_ids)])
        scores = zip(item_ids, unpack(f">{len(item_ids)}d", packed), strict=True)
        return {item_id: self._weight(score, now) for item_id, score in scores if not isnan(score)}

    def _weight(self, score: float, now: int) -> float:
        """The weight as of `now`; nothing where there is no score."""
        return 0.0 if isnan(score) else weight_at(-score, now, self._half_life_ms)

    def _call(self, pool_id: str, addition: PoolAddition, partition: int, offset: int, newest: int) -> Call:
        """What is added to one pool."""
        settings, keys = self._connection.settings, self._connection.keys.pool(pool_id, self._half_life_ms)
        added = _Added(
            partition=partition,
            offset=offset,
            items=addition.items,
            terms=addition.terms,
            exposures=addition.exposures,
            totals=addition.totals,
            hours=[dict(counts) for counts in addition.hours.values()],
            nothing=log_weight(LEAST_WEIGHT, newest, self._half_life_ms),
            most_items=settings.most_items_of_pool if pool_id != SITE else settings.most_items_of_site,
            most_terms=settings.most_terms,
            kept=settings.statistics_kept_s * 1000,
            hours_kept=settings.hours_kept_s * 1000,
        )
        hours = [keys.hour(hour) for hour in addition.hours]
        return Call(self._add, (keys.offsets, keys.items, keys.terms, keys.exposures, keys.totals, *hours), (_encode(added),))

    def _notes(self, by_pool: dict[str, PoolAddition]) -> list[Call]:
        """Notes in which pools items have weight or were shown, so that `forget` need not ask every pool."""
        pools: defaultdict[str, list[str]] = defaultdict(list)
        for pool_id, addition in by_pool.items():
            for item_id in {**addition.items, **addition.exposures} if pool_id != SITE else ():
                pools[item_id].append(pool_id)
        kept, key_of = self._connection.settings.statistics_kept_s * 1000, self._connection.keys.pools_of_item
        return [Call(self._note, (key_of(item_id),), (kept, *noted)) for item_id, noted in pools.items()]
