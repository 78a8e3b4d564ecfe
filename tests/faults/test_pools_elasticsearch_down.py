"""Faults of the store of pools and keys in the distributed wiring: Elasticsearch is down, hangs, or its answer is lost."""

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from builders import NOW
from loopback_proxy import Call, Cut, Fault, Hang, LoopbackProxy, Reply, loopback_proxy
from small_indices import small_index
from smallpool_core.access import ApiKey, digest_of
from smallpool_core.catalogue import Catalogue
from smallpool_core.errors import StoreUnavailable
from smallpool_core.fields import Attributes
from smallpool_core.pools import Pool, PoolDraft
from smallpool_stores.elasticsearch import keys, pool_documents
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.keys import ElasticsearchKeyStore
from smallpool_stores.elasticsearch.pools import ElasticsearchPoolStore

PATIENCE_S = 20.0
FAULTS: dict[str, Fault] = {"cut": Cut(), "hang": Hang(), "503": Reply(503, b'{"error": {"type": "no_master", "reason": "no master"}}')}
PHONES = {"field": "category", "op": "prefix", "value": ["数码", "手机"]}


@pytest.fixture
def direct() -> Iterator[Connection]:
    """The index of the pools, without anything between."""
    with small_index(pool_documents) as connection:
        yield connection


@pytest.fixture
def line(direct: Connection) -> Iterator[LoopbackProxy]:
    with loopback_proxy(direct.settings.url) as proxy:
        yield proxy


@pytest.fixture
def pools(direct: Connection, line: LoopbackProxy) -> Iterator[ElasticsearchPoolStore]:
    connection = Connection(replace(direct.settings, url=line.url, read_timeout_ms=500, write_timeout_ms=1_000))
    store = ElasticsearchPoolStore(connection, 1)
    yield store
    store.close()
    connection.close()


def put(pools: ElasticsearchPoolStore, pool_id: str = "p", expected: int | None = None, rule: object = PHONES) -> Pool:
    return asyncio.run(pools.put(pool_id, PoolDraft(rule=rule), expected, "ann", "because", NOW)).pool


def break_off(line: LoopbackProxy, fault: Fault) -> None:
    line.plan = lambda _: fault


def mend(line: LoopbackProxy) -> None:
    line.plan = lambda _: None


def lose_the_first_answer(line: LoopbackProxy) -> None:
    """The first write reaches the server, and its answer nobody."""
    seen: list[Call] = []

    def plan(call: Call) -> Fault | None:
        if call.method != "PUT":
            return None
        seen.append(call)
        return Cut(after=True) if len(seen) == 1 else None

    line.plan = plan


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def fails(pools: ElasticsearchPoolStore) -> bool:
    try:
        pools.epoch()
    except StoreUnavailable:
        return True
    return False


def stored(direct: Connection) -> int:
    """How many documents the index has."""
    direct.sync.indices.refresh(index=pool_documents.index_of(direct.settings))
    return int(direct.sync.count(index=pool_documents.index_of(direct.settings))["count"])


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_case_35_without_a_place_for_its_record_no_change_is_made(
    pools: ElasticsearchPoolStore, line: LoopbackProxy, direct: Connection, fault: Fault
) -> None:
    first = put(pools)
    break_off(line, fault)
    for expected, pool_id in ((1, "p"), (None, "new")):
        with pytest.raises(StoreUnavailable, match="could not"):
            put(pools, pool_id, expected, {"any": []})
    with pytest.raises(StoreUnavailable):
        asyncio.run(pools.get("p"))
    assert stored(direct) == 1
    mend(line)
    assert asyncio.run(pools.get("p")).pool == first
    assert put(pools, "p", 1, {"any": []}).revision == 2


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_case_35_the_pools_that_stand_go_on_from_memory_and_catch_up_by_themselves(
    pools: ElasticsearchPoolStore, line: LoopbackProxy, direct: Connection, fault: Fault
) -> None:
    put(pools)
    catalogue = Catalogue(pools, Attributes({}))
    catalogue.refresh()
    break_off(line, fault)
    until(lambda: fails(pools))
    with pytest.raises(StoreUnavailable, match="could not read the pools"):
        catalogue.refresh()
    assert catalogue.live("p").pool.revision == 1
    elsewhere = ElasticsearchPoolStore(direct, 1)
    put(elsewhere, "p", 1, {"any": []})
    mend(line)
    until(lambda: not fails(pools) and bool(catalogue.refresh()))
    assert catalogue.live("p").pool.revision == 2
    elsewhere.close()


def test_case_35_a_store_that_hangs_makes_nobody_wait_who_asks_for_the_epoch(pools: ElasticsearchPoolStore, line: LoopbackProxy) -> None:
    pool = put(pools)
    break_off(line, Hang())
    until(lambda: fails(pools))
    deadline = time.monotonic() + PATIENCE_S
    for _ in range(1_000):
        assert fails(pools)
        assert time.monotonic() < deadline, "a question a time-out"
    mend(line)
    until(lambda: not fails(pools))
    assert pools.epoch() == pool.epoch


def test_case_35_a_change_whose_answer_was_lost_is_recognised_when_it_is_tried_again(
    pools: ElasticsearchPoolStore, line: LoopbackProxy, direct: Connection
) -> None:
    lose_the_first_answer(line)
    assert put(pools).revision == 1
    assert stored(direct) == 1
    assert [revision.author for revision in asyncio.run(pools.revisions("p"))] == ["ann"]


def test_case_35_a_process_that_starts_without_the_store_says_so_and_begins_when_it_is_there(
    pools: ElasticsearchPoolStore, line: LoopbackProxy
) -> None:
    break_off(line, Cut())
    assert fails(pools)
    mend(line)
    until(lambda: not fails(pools))
    assert pools.epoch() == 0


def test_case_35_a_key_that_cannot_be_recorded_is_not_given_out() -> None:
    with small_index(keys) as direct, loopback_proxy(direct.settings.url) as line:
        key = ApiKey("k1", "the app", digest_of("secret"), ("recall",), (), NOW)

        async def closed() -> None:
            connection = Connection(replace(direct.settings, url=line.url, read_timeout_ms=500))
            store = ElasticsearchKeyStore(connection)
            break_off(line, Cut())
            for ask in (store.add(key), store.find(key.digest), store.all(), store.revoke("k1", NOW)):
                with pytest.raises(StoreUnavailable):
                    await ask
            mend(line)
            assert await store.find(key.digest) is None
            lose_the_first_answer(line)
            await store.add(key)
            assert await store.all() == [key]

        asyncio.run(closed())
