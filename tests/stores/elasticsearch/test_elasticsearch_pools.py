"""Pools in Elasticsearch beyond their port: several processes, several partitions, an index that is made on purpose."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import ModuleType

import pytest

from builders import NOW
from servers import address
from small_indices import small_index
from smallpool_core.access import ApiKey
from smallpool_core.errors import RevisionStale, StoreError
from smallpool_core.pools import Pool, PoolDraft, Tagging
from smallpool_stores.elasticsearch import keys, pool_documents
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.pool_documents import revision_id, tagging_id
from smallpool_stores.elasticsearch.pools import ElasticsearchPoolStore
from smallpool_stores.elasticsearch.settings import ElasticsearchSettings

PATIENCE_S = 60.0


@pytest.fixture
def connection() -> Iterator[Connection]:
    with small_index(pool_documents) as made:
        yield made


@contextmanager
def store(connection: Connection, partitions: int = 4) -> Iterator[ElasticsearchPoolStore]:
    """A store as another process has it: with connections and a memory of its own."""
    own = Connection(connection.settings)
    made = ElasticsearchPoolStore(own, partitions)
    yield made
    made.close()
    own.close()


def put(pools: ElasticsearchPoolStore, pool_id: str = "p1", expected: int | None = None, name: str = "n") -> Pool:
    return asyncio.run(pools.put(pool_id, PoolDraft(name=name), expected, "ann", "because", NOW)).pool


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_one_process_writes_reaches_the_memory_of_every_other(connection: Connection) -> None:
    with store(connection) as writer, store(connection) as reader:
        assert reader.epoch() == 0
        pool = put(writer)
        until(lambda: reader.epoch() == pool.epoch)
        assert [change.pool for change in reader.changes(0)] == [pool]
        writer.set_tagged("p1", pool.epoch, {2: 5})
        until(lambda: reader.epoch() > pool.epoch)
        assert [change.tagged for change in reader.changes(pool.epoch)] == [{2: Tagging(pool.epoch, 5)}]


def test_a_store_that_begins_later_finds_everything_as_it_stands(connection: Connection) -> None:
    with store(connection) as early:
        first = put(early, "p1")
        early.set_tagged("p1", first.epoch, {0: 3})
        put(early, "p2")
        put(early, "p1", 1, "second")
        with store(connection) as late:
            assert late.epoch() == early.epoch()
            assert late.changes(0) == early.changes(0)
            assert [change.tagged for change in late.changes(0)] == [{}, {0: Tagging(first.epoch, 3)}]


def test_owners_of_partitions_tag_one_pool_side_by_side(connection: Connection) -> None:
    partitions = 12
    with store(connection, partitions) as one, store(connection, partitions) as other:
        pool = put(one)
        with ThreadPoolExecutor(partitions) as owners:
            for partition in range(partitions):
                owners.submit((one, other)[partition % 2].set_tagged, "p1", pool.epoch, {partition: partition * 10})
        [change] = one.changes(0)
        assert change.tagged == {partition: Tagging(pool.epoch, partition * 10) for partition in range(partitions)}
        assert change.partitions == partitions


def test_a_tagging_of_an_older_revision_is_ignored_by_a_process_that_has_not_seen_the_newer(connection: Connection) -> None:
    with store(connection) as one, store(connection) as other:
        first = put(one)
        assert [change.pool for change in other.changes(0)] == [first]
        other.close()  # it learns nothing more by itself
        second = put(one, "p1", 1)
        other.set_tagged("p1", first.epoch, {0: 3})
        assert (one.epoch(), one.changes(0)[0].tagged) == (second.epoch, {})


def test_whoever_asks_for_changes_since_the_last_epoch_misses_no_write_of_many_at_once(connection: Connection) -> None:
    writers, pools_each = 6, 15
    with store(connection) as one, store(connection) as other, store(connection) as reader, ThreadPoolExecutor(writers) as threads:
        expected = {f"{writer}-{number}" for writer in range(writers) for number in range(pools_each)}

        def write(writer: int) -> None:
            for number in range(pools_each):
                put((one, other)[writer % 2], f"{writer}-{number}")

        under_way = [threads.submit(write, writer) for writer in range(writers)]
        seen: set[str] = set()
        epoch = 0

        def read() -> bool:
            nonlocal epoch
            now = reader.epoch()
            seen.update(change.pool.pool_id for change in reader.changes(epoch))
            epoch = now
            return seen == expected

        until(read)
        assert all(future.exception() is None for future in under_way)
        assert epoch == len(expected)


def test_of_two_processes_that_edit_one_revision_the_second_is_told_of_the_first(connection: Connection) -> None:
    with store(connection) as one, store(connection) as other:
        put(one)
        put(one, "p1", 1, "mine")
        with pytest.raises(RevisionStale) as raised:
            put(other, "p1", 1, "yours")
        assert (raised.value.expected, raised.value.current) == (1, 2)
        assert [revision.author for revision in asyncio.run(other.revisions("p1"))] == ["ann", "ann"]


def test_a_long_history_is_read_whole(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smallpool_stores.elasticsearch.pools.HISTORY_PAGE", 2)
    with store(connection) as pools:
        for expected in (None, 1, 2, 3, 4):
            put(pools, "p1", expected)
        assert [revision.pool.revision for revision in asyncio.run(pools.revisions("p1"))] == [5, 4, 3, 2, 1]


def test_more_pools_than_a_page_holds_are_read_whole(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COUNTED", "FETCHED"):
        monkeypatch.setattr(f"smallpool_stores.elasticsearch.pool_heads.{name}", 3)
    with store(connection) as pools:
        made = [put(pools, f"p{number}") for number in range(7)]
        pools.set_tagged("p0", made[0].epoch, {0: 1})
        with store(connection) as late:
            assert [change.pool for change in late.changes(0)] == made
            assert late.changes(0)[0].tagged == {0: Tagging(made[0].epoch, 1)}


@pytest.mark.parametrize("part", [pool_documents, keys])
def test_an_index_is_made_once_however_often_it_is_asked_for(part: ModuleType) -> None:
    with small_index(part) as connection, ThreadPoolExecutor(4) as threads:
        for asked in [threads.submit(part.ensure, connection.sync, connection.settings) for _ in range(4)]:
            asked.result()
        name = part.index_of(connection.settings)
        assert list(connection.sync.indices.get(index=name)) == [f"{name}-1"]


def test_an_index_of_other_fields_is_refused(connection: Connection) -> None:
    connection.sync.indices.put_mapping(index=pool_documents.index_of(connection.settings), properties={"colour": {"type": "keyword"}})
    with pytest.raises(StoreError, match=r"it has the fields .*colour.*; run the smallpool that made it"):
        pool_documents.ensure(connection.sync, connection.settings)


def test_a_write_never_makes_the_index() -> None:
    connection = Connection(ElasticsearchSettings(url=address("elasticsearch"), prefix="test-never-made"))
    pools = ElasticsearchPoolStore(connection, 1)
    for ask in (lambda: put(pools), lambda: pools.set_tagged("p1", 1, {0: 1}), pools.epoch):
        with pytest.raises(StoreError, match="smallpool stack init"):
            ask()
    pools.close()
    with pytest.raises(StoreError, match="not an alias"):
        asyncio.run(keys.ElasticsearchKeyStore(connection).add(ApiKey("k1", "n", "d", ("recall",), (), NOW)))
    assert connection.sync.indices.get(index="test-never-made-*").body == {}
    connection.close()


def test_no_two_documents_of_pools_share_an_id() -> None:
    long = "\U0001f4f1" * 128
    ids = [name for pool_id in ("a", "a#1", "a#tagged", "a#1#sha256", long, f"{long[:-1]}x") for name in names(pool_id)]
    assert len(set(ids)) == len(ids)
    assert all(len(name.encode()) <= 512 for name in ids)


def names(pool_id: str) -> list[str]:
    return [tagging_id(pool_id), *(revision_id(pool_id, number) for number in (1, 2, 10**12))]
