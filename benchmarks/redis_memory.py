"""What people and statistics take in Redis, and what a claim costs beside a bare EVALSHA of an empty script.

In: a Redis that may be written to. Out: bytes by key (MEMORY USAGE, every element counted) and latencies, all in one run of one
client on one connection, the calls taking turns in random order. Everything is written under a prefix of its own and removed at the end.

    python benchmarks/redis_memory.py --url redis://127.0.0.1:6379/0 --json
"""

import argparse
import asyncio
import json
import platform
import random
import re
import statistics
import time
from collections.abc import Awaitable, Callable
from hashlib import sha1
from uuid import uuid4

from smallpool_core.pages import ClaimRequest, Entry
from smallpool_core.statistics import StatDelta
from smallpool_core.users import Profile, Touched, TriggerState, UserEvent, Weighted
from smallpool_stores.redis.additions import HOUR_MS, SITE
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.people import RedisPeople
from smallpool_stores.redis.profiles import RedisUserProfiles
from smallpool_stores.redis.removal import remove_all
from smallpool_stores.redis.scripts import Script
from smallpool_stores.redis.seen import RedisSeenList
from smallpool_stores.redis.settings import RedisSettings
from smallpool_stores.redis.stats import RedisItemStats
from smallpool_stores.redis.triggers import RedisTriggerStore

NOW = 1_750_000_000_000
MINUTE = 60_000
DAY = 24 * HOUR_MS
HALF_LIFE_MS = 24.0 * HOUR_MS
HAN = "手机电脑相机镜头手表耳机平板键盘紫砂普洱银元邮票"
PAYLOAD = json.dumps({"item_id": "0123456789ab", "category": ["数码", "手机"], "score": 0.913402, "sources": ["terms", "popular"]}).encode()
NOTHING = "return 1"
EMPTY = Script(NOTHING, sha1(NOTHING.encode(), usedforsecurity=False).hexdigest())


def item_ids(chance: random.Random, how_many: int) -> list[str]:
    """Random ids of 12 characters, in which nothing repeats."""
    return ["".join(chance.choices("0123456789abcdefghijklmnopqrstuvwxyz", k=12)) for _ in range(how_many)]


def state_of(chance: random.Random, horizons: int, recent: int) -> TriggerState:
    """64 terms on one horizon or the same ones on both, and 100 purchases; weights and times are random to the last digit."""
    terms = [
        f"{kind}:{''.join(chance.choices(HAN, k=4))}{number}" for number, kind in enumerate(["category", "brand", "point", "tag"] * 16)
    ]
    weights = [{term: Weighted(chance.random() * 9, NOW - chance.randrange(14 * DAY)) for term in terms} for _ in range(horizons)]
    bought = [Touched(item_id, "purchase", NOW - chance.randrange(90 * DAY)) for item_id in item_ids(chance, 100)]
    touched = [
        Touched(item_id, "click", NOW - chance.randrange(5 * DAY), chance.randrange(1_000_000), f"类{chance.randrange(30)}")
        for item_id in item_ids(chance, recent)
    ]
    return TriggerState(weights[0], weights[1] if horizons > 1 else {}, bought, touched)


def claim_of(identity: str, request_id: str, ids: list[str], now: int = NOW, n: int = 10, seen_size: int = 200) -> ClaimRequest:
    """The one round of a page, each item of its own spread key."""
    ordered = tuple(Entry(item_id, f"数码›{item_id}", None, PAYLOAD) for item_id in ids)
    return ClaimRequest(identity, "p1", request_id, 0, ordered, n, 3, seen_size, allow_seen=False, now=now, deadline=now + 200,
                        final=True, fingerprint=sha1(request_id.encode(), usedforsecurity=False).hexdigest())  # fmt: skip


class Bench:
    """The stores, and what they took."""

    def __init__(self, connection: RedisConnection, seed: int) -> None:
        self.connection = connection
        self.chance = random.Random(seed)
        self.seen = RedisSeenList(connection)
        self.triggers = RedisTriggerStore(connection)
        self.profiles = RedisUserProfiles(connection)
        self.stats = RedisItemStats(connection)

    def size(self, key: str) -> int:
        """Bytes of one key, as Redis counts them."""
        [size] = self.connection.read_now(("MEMORY", "USAGE", key, "SAMPLES", 0))
        return int(size or 0)

    async def fill_seen(self, identity: str, pages: int) -> None:
        """That many pages of ten."""
        for page in range(pages):
            await self.seen.claim(claim_of(identity, f"r{page}", item_ids(self.chance, 10), NOW + page * MINUTE, seen_size=pages * 10))

    def save(self, identity: str, state: TriggerState, marks: int) -> None:
        """A state, with that many marks."""
        with self.triggers.atomic():
            for number in range(marks):
                self.triggers.mark(identity, UserEvent("expose", NOW + number, user_id=identity, item_id=f"i{number}"), number)
            self.triggers.save(identity, state, NOW)

    async def people(self) -> dict[str, int]:
        """Bytes by what is kept of a person."""
        keys, named = self.connection.keys.person, self.connection.keys.person("u:1")
        await self.fill_seen("u:1", 20)
        pages = [named.page("p1", f"r{page}") for page in range(20)]
        figures = {"page_of_10": self.size(named.base + pages[0]), "index_1_pool_20_pages": self.size(named.index)}
        await self.connection.write(("ZREM", named.index, *pages), ("UNLINK", *[named.base + page for page in pages]))
        figures |= {"seen_200": self.size(named.base + named.seen("p1")), "index_1_pool": self.size(named.index)}
        await self.fill_seen("u:2", 200)
        figures["seen_2000"] = self.size(keys("u:2").base + keys("u:2").seen("p1"))
        for name, horizons, recent in (("one_horizon", 1, 0), ("both_horizons", 2, 0), ("both_horizons_50_recent", 2, 50)):
            self.save("u:1", state_of(self.chance, horizons, recent), 0)
            figures[f"state_64_terms_100_bought_{name}"] = self.size(named.state)
        for marks in (100, 2_000):
            self.save("u:3", TriggerState(), marks)
            figures[f"marks_{marks}"] = self.size(keys("u:3").marks)
            await RedisPeople(self.connection).erase("u:3", {}, NOW)
        await self.profiles.put("u:1", Profile(tuple(f"标签{number}" for number in range(10)), {"level": 3, "city": "杭州"}, NOW))
        figures["profile_10_tags"] = self.size(named.profile)
        parts = ("seen_200", "index_1_pool", "state_64_terms_100_bought_both_horizons")
        return figures | {"PERSON_one_pool_200_seen_64_terms_100_bought": sum(figures[part] for part in parts)}

    def statistics(self) -> dict[str, int]:
        """Bytes by what is kept of a pool, and of the site, where ten times as much happened."""
        for offset in range(200):
            deltas = [
                StatDelta(item_id, "p1" if place < 10 else SITE, "click", 1.0, NOW, (f"point:{''.join(self.chance.choices(HAN, k=4))}",))
                for place, item_id in enumerate(item_ids(self.chance, 100))
            ]
            self.stats.add(deltas, 0, offset)
        figures: dict[str, int] = {}
        for name, pool_id in (("pool_2000", "p1"), ("site_20000", SITE)):
            keys = self.connection.keys.pool(pool_id, HALF_LIFE_MS)
            parts = {
                "items": keys.items,
                "terms_1000": keys.terms,
                "one_hour_of_counters": keys.hour(NOW // HOUR_MS),
                "offsets": keys.offsets,
            }
            figures |= {f"{name}_{part}": self.size(key) for part, key in parts.items()}
        return figures

    async def latencies(self, rounds: int) -> dict[str, dict[str, float]]:
        """Milliseconds by call; 200 items seen, 20 offered for a page of 10, 20 triggers' worth of state."""
        claims = iter([claim_of("u:9", f"t{number}", item_ids(self.chance, 20)) for number in range(rounds)])
        offered = item_ids(self.chance, 250)
        self.stats.add([StatDelta(item_id, "", "click", 1.0, NOW, ()) for item_id in offered], 0, 1_000)
        await self.fill_seen("u:9", 20)
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "empty_script": lambda: self.connection.run(EMPTY, (), ()),
            "claim": lambda: self.seen.claim(next(claims)),
            "open": lambda: self.seen.open("u:9", "p1", "r19", NOW),
            "triggers_get": lambda: self.triggers.get("u:1"),
            "popularity_of_250": lambda: self.stats.responses(SITE, offered, NOW),
        }
        spent: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(rounds):
            for name, call in self.chance.sample(list(calls.items()), len(calls)):
                begun = time.perf_counter()
                await call()
                spent[name].append((time.perf_counter() - begun) * 1000)
        return {name: summary(times[rounds // 10 :], spent["empty_script"]) for name, times in spent.items()} | {
            "claim_inside_redis": {"mean": await self.inside(claims=rounds)}
        }

    async def inside(self, claims: int) -> float:
        """Milliseconds that one claim keeps Redis busy, by its own account."""
        before = await self.busy()
        for number in range(claims):
            await self.seen.claim(claim_of("u:9", f"inside {number}", item_ids(self.chance, 20)))
        after = await self.busy()
        return (after[1] - before[1]) / (after[0] - before[0]) / 1000

    async def busy(self) -> tuple[int, int]:
        """Calls of scripts so far, and microseconds spent in them."""
        said = (await self.connection.read("INFO", "commandstats")).decode()
        found = re.search(r"cmdstat_evalsha:calls=(\d+),usec=(\d+)", said)
        return (int(found[1]), int(found[2])) if found else (0, 0)


def summary(times: list[float], peer: list[float]) -> dict[str, float]:
    """Median and 99th percentile, and the median over that of the empty script."""
    return {
        "p50": statistics.median(times),
        "p99": statistics.quantiles(times, n=100)[98],
        "ratio": statistics.median(times) / statistics.median(peer),
    }


async def measure(url: str, seed: int, rounds: int) -> dict[str, object]:
    """All figures."""
    connection = RedisConnection(RedisSettings(url=url, prefix=f"bench-{uuid4().hex}:", answer_timeout_ms=5_000, write_timeout_ms=5_000))
    bench = Bench(connection, seed)
    try:
        server = (await connection.read("INFO", "server")).decode()
        figures = {"bytes": await bench.people() | bench.statistics(), "ms": await bench.latencies(rounds)}
        return {
            "redis": server.partition("redis_version:")[2].split()[0],
            "machine": platform.platform(),
            "seed": seed,
            "rounds": rounds,
            **figures,
        }
    finally:
        remove_all(connection)
        connection.close()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="redis://127.0.0.1:6379/0")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=2_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.url, arguments.seed, arguments.rounds))
    if arguments.json:
        print(json.dumps(figures))
        return
    for part in ("bytes", "ms"):
        for name, value in figures[part].items():  # type: ignore[attr-defined]
            shown = f"{value:10,}" if part == "bytes" else "   ".join(f"{key} {number:7.3f}" for key, number in value.items())
            print(f"{name:52} {shown}")


if __name__ == "__main__":
    main()
