"""Faults of one server among several: a primary of a Redis Cluster is killed, hangs, comes back, or is replaced by its replica."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from builders import NOW, user_event
from read_rig import World, ids, request, shelf
from redis_cluster import PRIMARIES, RedisCluster, own_cluster, wait_until
from redis_rig import RedisServer, Stores, claim_of, recaller, stores_over
from smallpool_core.errors import StoreUnavailable
from smallpool_core.users import Identity, Profile, TriggerState, Weighted
from smallpool_service.page import Page
from smallpool_service.recaller import Recaller
from smallpool_stores.redis.connection import RedisConnection

STATE = TriggerState(short={"brand:sony": Weighted(1.0, NOW)})
BREAKS = {"down": RedisServer.kill, "hangs": RedisServer.freeze}
MENDS = {"down": RedisServer.start, "hangs": RedisServer.thaw}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    with own_cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture
def connection(cluster: RedisCluster) -> Iterator[RedisConnection]:
    """A connection that has seen the whole cluster."""
    with closing(cluster.connect()) as opened:
        assert len(opened.servers_now()) == PRIMARIES
        yield opened


def page_of(made: Recaller, user: str) -> Page:
    return asyncio.run(made.recall(request(identity=Identity(user, None))))


def is_served(stores: Stores, identity: str) -> bool:
    with suppress(StoreUnavailable):
        asyncio.run(stores.seen.open(identity, "p1", "", NOW))
        return True
    return False


@pytest.mark.parametrize(("number", "how"), [(0, "down"), (1, "hangs")], ids=["the first is down", "another hangs"])
def test_case_14_a_primary_that_is_gone_is_missed_by_its_own_people_only(
    cluster: RedisCluster, connection: RedisConnection, number: int, how: str
) -> None:
    harmed = cluster.servers[number]
    lost, spared = cluster.person_at(harmed), cluster.person_at(cluster.servers[2])
    stores = stores_over(connection)
    BREAKS[how](harmed)
    try:
        for call in (
            lambda: asyncio.run(stores.seen.claim(claim_of("a", identity=lost))),
            lambda: asyncio.run(stores.profiles.put(lost, Profile(("t",)))),
            lambda: stores.triggers.load(lost),
            lambda: stores.triggers.save(lost, STATE, NOW),
        ):
            with pytest.raises(StoreUnavailable, match=r"could not .*: Redis at .* says .*; "):
                call()
        asyncio.run(stores.seen.claim(claim_of("a", identity=spared)))
        stores.triggers.save(spared, STATE, NOW)
        assert stores.triggers.load(spared) == STATE
    finally:
        MENDS[how](harmed)
    cluster.await_whole()
    asyncio.run(stores.seen.claim(claim_of("b", identity=lost, request_id="after")))
    stores.triggers.save(lost, STATE, NOW)
    assert stores.triggers.load(lost) == STATE


def test_case_14_a_page_of_somebody_whose_primary_is_killed_is_full_unclaimed_and_says_so(
    cluster: RedisCluster, connection: RedisConnection
) -> None:
    harmed = cluster.servers[1]
    made = recaller(World(*shelf(40)), stores_over(connection))
    lost, spared = (cluster.person_at(server).removeprefix("u:") for server in (harmed, cluster.servers[2]))
    assert page_of(made, lost).degraded == []
    harmed.kill()
    try:
        page = page_of(made, lost)
        assert (len(page.items), page.short) == (10, None)
        assert {"seen_list", "triggers", "profile"} <= set(page.degraded)
        first, second = (page_of(made, spared) for _ in range(2))
        assert set(first.degraded) | set(second.degraded) <= {"stats", "source:popular", "source:explore"}
        assert set(ids(first)).isdisjoint(ids(second)), "they are claimed as ever"
    finally:
        harmed.start()
    cluster.await_whole()
    first, second = (page_of(made, lost) for _ in range(2))
    assert (first.degraded, second.degraded) == ([], [])
    assert set(ids(first)).isdisjoint(ids(second))


def test_case_17_a_primary_that_hangs_is_left_alone_and_the_others_are_asked(cluster: RedisCluster) -> None:
    harmed = cluster.servers[1]
    lost, spared = cluster.person_at(harmed), cluster.person_at(cluster.servers[2])

    async def ask(stores: Stores) -> None:
        harmed.freeze()
        for said in ("Timeout", "Timeout", "Timeout", "left alone"):
            with pytest.raises(StoreUnavailable, match=said):
                await stores.profiles.get(lost)
        await stores.profiles.get(spared)

    with closing(cluster.connect(pause_after=3, pause_ms=600_000)) as connection:
        connection.servers_now()
        try:
            asyncio.run(ask(stores_over(connection)))
        finally:
            harmed.thaw()


def test_case_15_what_a_replica_holds_that_takes_over_is_there_and_scripts_are_given_to_it(tmp_path: Path) -> None:
    with own_cluster(tmp_path) as cluster:
        primary = cluster.servers[0]
        replica = cluster.with_replica_of(primary)
        with closing(cluster.connect(answer_timeout_ms=10_000, write_timeout_ms=10_000)) as connection:
            stores, lost = stores_over(connection), cluster.person_at(primary)
            asyncio.run(stores.seen.claim(claim_of("a", identity=lost)))
            stores.triggers.save(lost, STATE, NOW)
            wait_until(lambda: replica.client.dbsize() == primary.client.dbsize())
            wait_until(lambda: len(connection._slots.servers) == PRIMARIES)
            primary.kill()
            assert not is_served(stores, lost)
            replica.client.execute_command("CLUSTER", "FAILOVER", "TAKEOVER")
            cluster.await_whole()
            wait_until(lambda: is_served(stores, lost))
            assert stores.triggers.load(lost) == STATE
            claimed = asyncio.run(stores.seen.claim(claim_of("a", "b", identity=lost, request_id="after")))
            assert [entry.item_id for entry in claimed.entries] == ["b"]
            with stores.triggers.atomic():
                assert stores.triggers.mark(lost, user_event(), 0)
                stores.triggers.save(lost, STATE, NOW)
            assert not stores.triggers.mark(lost, user_event(), 0)
