"""Whatever an id holds, it has keys of its own, and one person's keys lie in one slot."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from builders import user_event
from redis_rig import RedisServer, Stores, claim_of, free_port, own_redis, stores_over
from smallpool_core.statistics import StatDelta
from smallpool_core.users import Profile, TriggerState, Weighted
from smallpool_stores.redis.keys import Keys, is_of_pool

KEYS = Keys("sp:")
HOSTILE = [
    "",
    "u:1",
    "u:1}",
    "{u:1",
    "{u:1}",
    "u:1}s",
    "u:1\x00",
    "u:1\n",
    "u::1",
    "u:1:",
    "é",
    "e\u0301",
    "手",
    "\ud800",
    "d:1",
    "x" * 500,
]
NOW = 1_750_000_000_000


def person_keys(identity: str) -> set[str]:
    """Every kind of key, of two pools with two requests each."""
    keys = KEYS.person(identity)
    names = {keys.seen(pool) for pool in ("p1", "p2")} | {keys.page(pool, request) for pool in ("p1", "p2") for request in ("r1", "r2")}
    return {keys.base + name for name in names} | {keys.index, keys.state, keys.marks, keys.profile, keys.link, keys.parked, keys.devices}


def test_no_two_ids_share_a_key() -> None:
    assert len(set().union(*map(person_keys, HOSTILE))) == len(HOSTILE) * len(person_keys("u:1"))
    keys = KEYS.person("u:1")
    assert len({keys.page(pool, request) for pool in HOSTILE for request in HOSTILE}) == len(HOSTILE) ** 2
    assert len({KEYS.pool(pool, 1.0).items for pool in HOSTILE} | {KEYS.pools_of_item(item) for item in HOSTILE}) == 2 * len(HOSTILE)


@given(st.text(), st.text(), st.text())
def test_all_keys_of_one_person_lie_in_one_slot_and_are_plain_text(identity: str, pool_id: str, request_id: str) -> None:
    keys = KEYS.person(identity)
    names = {keys.index, keys.state, keys.marks, keys.profile, keys.base + keys.seen(pool_id), keys.base + keys.page(pool_id, request_id)}
    assert len({key_slot(name.encode()) for name in names}) == 1
    assert all(name.isascii() and name.isprintable() for name in names)


def test_a_name_tells_its_pool() -> None:
    keys = KEYS.person("u:1")
    for name in (keys.seen("p1"), keys.page("p1", "r1")):
        assert (is_of_pool(name, "p1"), is_of_pool(name, "p2")) == (True, False)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RedisServer]:
    """A cluster of one node that owns every slot: it refuses what would touch two of them at once."""
    with own_redis(tmp_path, "--cluster-enabled", "yes", "--cluster-port", str(free_port())) as server:
        server.client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while b"cluster_state:ok" not in server.client.execute_command("CLUSTER", "INFO"):
            pass
        yield server


async def live(stores: Stores, identity: str, offset: int) -> None:
    """Everything that is ever asked of the stores, for one person."""
    for pool_id in ("p1", "{p}2"):
        for request_id in ("r1", "r2"):
            await stores.seen.claim(claim_of("a", "b", identity=identity, pool_id=pool_id, request_id=request_id, n=1))
        opening = await stores.seen.open(identity, pool_id, "r2", NOW)
        assert ([entry.item_id for entry in opening.seen], opening.page is None) == (["a", "b"], False)
    await stores.profiles.put(identity, Profile(("t",)))
    with stores.triggers.atomic():
        stores.triggers.load(identity)
        assert stores.triggers.mark(identity, user_event(), offset)
        stores.stats.add([StatDelta("i1", "p1", "click", 1.0, NOW, ("brand:a",))], 0, offset)
        stores.triggers.save(identity, TriggerState(short={"brand:a": Weighted(1.0, NOW)}), NOW)
    assert await stores.stats.popular("p1", 5) == ["i1"]
    stores.stats.forget(["i1", "i2"])
    await stores.seen.erase(identity, "p1")
    await stores.seen.erase(identity, None)
    await stores.people.erase(identity, {0: offset}, NOW)


def test_on_a_cluster_no_call_touches_two_slots_at_once(cluster: RedisServer) -> None:
    for offset, identity in enumerate(("u:1", "{", "u:}{", "u:\x00")):
        asyncio.run(live(stores_over(cluster.connect(answer_timeout_ms=10_000)), identity, offset))
