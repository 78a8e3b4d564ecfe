"""What happened in pools hour by hour, a hash a pool; the alerts about them, one string; and whose turn it is to judge, a key that ends.

In: amounts by pool, kind and hour; alerts. Out: the same. A pool in which nothing is counted any more is forgotten by time.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from msgspec import msgpack

from smallpool_core.alerts import Alert
from smallpool_core.pool_hours import HOUR_MS, LISTINGS_KEPT_H, PAGES_KEPT_H, SOURCES_KEPT_H, Counted, HourCount
from smallpool_stores.redis.commands import Call
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.scripts import load_script

KEPT_MS: Final = LISTINGS_KEPT_H * HOUR_MS
LOOKED_THROUGH_FROM: Final = LISTINGS_KEPT_H + 12 * PAGES_KEPT_H
"""Fields that a pool may have before old ones are looked for; below the 512 up to which Redis packs a hash."""
AT_ONCE: Final = 500

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(list[Alert]).decode


class RedisPoolFigures:
    """Counts are added pool by pool, each in one step. The turn ends by the clock of Redis, whatever that of the caller says."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._add = load_script("figures")

    def add(self, counts: Sequence[HourCount]) -> None:
        by_pool: defaultdict[str, list[str | int]] = defaultdict(list)
        for one in counts:
            by_pool[one.pool_id] += (_field(one.counted, one.hour), one.amount)
        newest = max((one.hour for one in counts), default=0)
        oldest = [newest - kept_h for kept_h in (LISTINGS_KEPT_H, PAGES_KEPT_H, SOURCES_KEPT_H)]
        bounds = (KEPT_MS, LOOKED_THROUGH_FROM, *oldest)
        calls = [Call(self._add, (self._connection.keys.figures(pool_id),), (*bounds, *added)) for pool_id, added in by_pool.items()]
        with self._connection.translated(f"add what was counted in {len(by_pool)} pools"):
            for start in range(0, len(calls), AT_ONCE):
                self._connection.write_now(*calls[start : start + AT_ONCE])

    def read(self, pool_ids: Sequence[str], wanted: Sequence[tuple[Counted, int]]) -> dict[str, dict[tuple[Counted, int], int]]:
        if not pool_ids or not wanted:
            return {}
        fields = [_field(counted, hour) for counted, hour in wanted]
        found: dict[str, dict[tuple[Counted, int], int]] = {}
        with self._connection.translated(f"read what was counted in {len(pool_ids)} pools"):
            replies = self._connection.read_now(*[("HMGET", self._connection.keys.figures(pool_id), *fields) for pool_id in pool_ids])
        for pool_id, amounts in zip(pool_ids, replies, strict=True):
            counts = {key: int(amount) for key, amount in zip(wanted, amounts, strict=True) if amount is not None}
            if counts:
                found[pool_id] = counts
        return found

    def take_turn(self, now: int, lasts_ms: int) -> bool:
        with self._connection.translated("take the turn to judge pools"):
            [taken] = self._connection.write_now(("SET", self._connection.keys.turn, now, "NX", "PX", lasts_ms))
        return taken is not None

    def alerts(self) -> list[Alert]:
        with self._connection.translated("read the alerts"):
            [stored] = self._connection.read_now(("GET", self._connection.keys.alerts))
        return [] if stored is None else _decode(stored)

    def put_alerts(self, alerts: Sequence[Alert]) -> None:
        with self._connection.translated(f"write {len(alerts)} alerts"):
            self._connection.write_now(("SET", self._connection.keys.alerts, _encode(alerts), "PX", KEPT_MS))


def _field(counted: Counted, hour: int) -> str:
    return f"{counted}.{hour}"
