"""On a Redis Cluster every call finds the server of its key, wherever the slot has gone."""

import asyncio
from collections.abc import Iterator

import pytest
from redis.crc import key_slot

from builders import NOW
from redis_cluster import KEYS, RedisCluster, node_id, running_cluster, shared_cluster, wait_until
from redis_rig import RedisServer, claim_of, stores_over
from smallpool_core.errors import SettingsRefused, StoreUnavailable
from smallpool_core.statistics import StatDelta
from smallpool_core.users import Profile, TriggerState, Weighted
from smallpool_stores.redis.additions import SITE
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.removal import remove_all
from smallpool_stores.redis.settings import RedisSettings

STATE = TriggerState(short={"brand:sony": Weighted(1.0, NOW)})
PROFILE = Profile(("t",))


@pytest.fixture
def cluster() -> RedisCluster:
    return running_cluster()


@pytest.fixture
def connection() -> Iterator[RedisConnection]:
    with shared_cluster() as opened:
        yield opened


def errors_sent(server: RedisServer, kind: str) -> int:
    """How many errors of this kind the server has answered with."""
    told = server.client.info("errorstats").get(f"errorstat_{kind}", {"count": 0})
    return int(told["count"])


def test_a_connection_that_knows_one_server_finds_the_others_and_then_asks_them_straight(
    cluster: RedisCluster, connection: RedisConnection
) -> None:
    stores, there = stores_over(connection), cluster.person_at(cluster.servers[2])
    asyncio.run(stores.profiles.put(there, PROFILE))
    assert asyncio.run(stores.profiles.get(there)) == PROFILE
    assert errors_sent(cluster.servers[0], "MOVED") > 0, "the first call of a connection goes to the server that it knows"

    def is_straight() -> bool:
        before = errors_sent(cluster.servers[0], "MOVED")
        asyncio.run(stores.profiles.get(there))
        return errors_sent(cluster.servers[0], "MOVED") == before

    wait_until(is_straight)


def move_begins(slot: int, source: RedisServer, target: RedisServer) -> None:
    target.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", node_id(source))
    source.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", node_id(target))


def move_keys(slot: int, source: RedisServer, target: RedisServer) -> None:
    keys = source.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1_000)
    source.client.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 10_000, "KEYS", *keys)


def move_ends(slot: int, cluster: RedisCluster, target: RedisServer) -> None:
    for server in (target, *[other for other in cluster.servers if other is not target]):
        server.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", node_id(target))
    cluster.await_whole()


def test_while_a_slot_moves_its_keys_are_found_and_what_needs_several_waits_for_the_end(
    cluster: RedisCluster, connection: RedisConnection
) -> None:
    source, target = cluster.servers[:2]
    stores, identity = stores_over(connection), cluster.person_at(source)
    slot = key_slot(KEYS.person(identity).state.encode())
    asyncio.run(stores.seen.claim(claim_of("a", identity=identity)))

    move_begins(slot, source, target)
    asyncio.run(stores.profiles.put(identity, PROFILE))
    assert asyncio.run(stores.profiles.get(identity)) == PROFILE
    assert source.client.execute_command("CLUSTER", "COUNTKEYSINSLOT", slot) == 3, "seen list, page and index; the profile is there already"
    for stage in (lambda: None, lambda: move_keys(slot, source, target)):
        stage()
        with pytest.raises(StoreUnavailable, match="try again"):
            asyncio.run(stores.seen.claim(claim_of("b", identity=identity, request_id="r2")))
        assert [entry.item_id for entry in asyncio.run(stores.seen.open(identity, "p1", "r1", NOW)).seen] == ["a"]

    move_ends(slot, cluster, target)
    assert [entry.item_id for entry in asyncio.run(stores.seen.claim(claim_of("a", "b", identity=identity, request_id="r2"))).entries] == [
        "b"
    ]
    stores.triggers.save(identity, STATE, NOW)
    assert (stores.triggers.load(identity), asyncio.run(stores.profiles.get(identity))) == (STATE, PROFILE)
    assert source.client.execute_command("CLUSTER", "COUNTKEYSINSLOT", slot) == 0


def test_a_script_is_given_to_the_server_to_which_a_slot_moves(cluster: RedisCluster, connection: RedisConnection) -> None:
    target = cluster.servers[1]
    item_id = next(f"i{number}" for number in range(100) if cluster.holder(KEYS.pools_of_item(f"i{number}")) is cluster.servers[0])
    key = connection.keys.pools_of_item(item_id)
    slot = key_slot(key.encode())
    move_begins(slot, cluster.servers[0], target)
    target.client.script_flush()
    stores_over(connection).stats.add([StatDelta(item_id, "p1", "click", 1.0, NOW, ())], 0, 0)
    move_ends(slot, cluster, target)
    assert connection.read_now(("ZRANGE", key, 0, -1)) == [[b"p1"]]


def test_items_of_one_batch_are_forgotten_in_pools_on_every_server(cluster: RedisCluster, connection: RedisConnection) -> None:
    stats = stores_over(connection).stats
    pools = [next(f"p{place}" for place in range(100) if holds_pool(cluster, server, f"p{place}")) for server in cluster.servers]
    stats.add([StatDelta(f"i{number}", pool_id, "click", 1.0, NOW, ()) for number in range(20) for pool_id in pools], 0, 0)
    stats.forget([f"i{number}" for number in range(19)])
    for pool_id in (SITE, *pools):
        assert asyncio.run(stats.popular(pool_id, 100)) == ["i19"], pool_id


def holds_pool(cluster: RedisCluster, server: RedisServer, pool_id: str) -> bool:
    return cluster.holder(KEYS.pool(pool_id, 1.0).items) is server


def test_removing_everything_asks_every_server_and_leaves_what_others_wrote(cluster: RedisCluster, connection: RedisConnection) -> None:
    mine = cluster.connect(prefix="mine-*:", answer_timeout_ms=5_000)
    for server in cluster.servers:
        for opened in (mine, connection):
            asyncio.run(stores_over(opened).profiles.put(cluster.person_at(server), PROFILE))
    remove_all(mine)
    left = [server.client.keys("*") for server in cluster.servers]
    assert [[key.startswith(connection.keys.prefix.encode()) for key in keys] for keys in left] == [[True]] * 3
    mine.close()


def test_a_connection_that_was_not_told_of_the_cluster_says_what_to_set(cluster: RedisCluster) -> None:
    unaware = cluster.servers[0].connect()
    with pytest.raises(StoreUnavailable, match=r"MovedError: .*see that `cluster` is set"):
        stores_over(unaware).triggers.load(cluster.person_at(cluster.servers[1]))
    unaware.close()


@pytest.mark.parametrize("url", ["unix:///run/redis.sock", "redis://h:1/2", "redis://h:1?db=3"])
def test_a_url_that_cannot_be_of_a_cluster_is_refused(url: str) -> None:
    with pytest.raises(SettingsRefused, match="no database but 0"):
        RedisConnection(RedisSettings(url=url, cluster=True))
