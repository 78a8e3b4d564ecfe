"""Keys in Elasticsearch beyond their port: several processes, and what lies in the index."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from msgspec.structs import replace

from builders import HOUR, NOW
from harm_rig import await_that
from loopback_proxy import Cut, Hang, loopback_proxy
from small_indices import small_index
from smallpool_core.access import ApiKey, digest_of
from smallpool_core.errors import StoreError, StoreUnavailable
from smallpool_service.keys import create_key
from smallpool_stores.elasticsearch import keys
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.key_copy import FOLLOW_EVERY_S, KeyCopy
from smallpool_stores.elasticsearch.keys import ElasticsearchKeyStore


@pytest.fixture
def connection() -> Iterator[Connection]:
    with small_index(keys) as made:
        yield made


def key(number: int) -> ApiKey:
    return ApiKey(f"k{number}", "the app", digest_of(f"secret {number}"), ("recall",), (), NOW + number)


def test_a_revocation_is_seen_by_every_process_that_asks_next(connection: Connection) -> None:
    async def seen() -> int | None:
        one, other = ElasticsearchKeyStore(connection), ElasticsearchKeyStore(Connection(connection.settings))
        await one.add(key(1))
        assert await other.find(key(1).digest) == key(1)
        await one.revoke("k1", NOW + HOUR)
        found = await other.find(key(1).digest)
        return found and found.revoked_at

    assert asyncio.run(seen()) == NOW + HOUR


def test_a_process_knows_every_key_from_its_start_and_what_another_does_within_a_second(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smallpool_stores.elasticsearch.key_copy.PAGE", 2)
    other = Connection(connection.settings)
    with closing(ElasticsearchKeyStore(connection)) as one, closing(ElasticsearchKeyStore(other)) as follower:

        async def write() -> None:
            for number in range(5):
                await one.add(key(number))

        asyncio.run(write())
        follower.begin()
        assert [follower.known(key(number).digest) for number in range(6)] == [*(key(number) for number in range(5)), None]
        asyncio.run(one.add(key(5)))
        asyncio.run(one.revoke("k3", NOW + HOUR))
        revoked = replace(key(3), revoked_at=NOW + HOUR)
        await_that(lambda: follower.known(key(5).digest) == key(5), "the new key is known")
        await_that(lambda: follower.known(key(3).digest) == revoked, "the revocation is known")
    assert FOLLOW_EVERY_S <= 0.5, "what another process does is asked for well within the second that is promised"
    other.close()


def test_an_older_state_of_a_key_that_is_read_late_undoes_no_revocation(connection: Connection) -> None:
    copy = KeyCopy(connection.sync, keys.index_of(connection.settings))
    copy.begin()
    revoked = replace(key(1), revoked_at=NOW)
    copy.note(revoked)
    copy.note(key(1))
    assert copy.find(key(1).digest) == revoked
    copy.close()


def test_a_store_that_is_down_leaves_the_keys_as_they_were_and_one_that_is_back_is_followed_on(connection: Connection) -> None:
    with loopback_proxy(connection.settings.url) as line:
        cut_off = Connection(replace(connection.settings, url=line.url, read_timeout_ms=500))
        with closing(ElasticsearchKeyStore(connection)) as one, closing(ElasticsearchKeyStore(cut_off)) as follower:
            asyncio.run(one.add(key(1)))
            line.plan = lambda _: Cut()
            with pytest.raises(StoreUnavailable):
                follower.begin()
            with pytest.raises(StoreUnavailable):
                follower.known(key(1).digest)
            line.plan = lambda _: None
            follower.begin()
            line.plan = lambda _: Hang()
            asyncio.run(one.revoke("k1", NOW))
            asked = len(line.calls)
            await_that(lambda: len(line.calls) > asked, "the copy asks for what is new")
            assert follower.known(key(1).digest) == key(1)
            line.plan = lambda _: None
            await_that(lambda: follower.known(key(1).digest) == replace(key(1), revoked_at=NOW), "the revocation is known")
        cut_off.close()


def test_of_many_revocations_at_once_one_time_stands(connection: Connection) -> None:
    async def times() -> set[int | None]:
        store = ElasticsearchKeyStore(connection)
        await store.add(key(1))
        seen = set()

        async def revoke(at: int) -> None:
            await store.revoke("k1", at)
            found = await store.find(key(1).digest)
            seen.add(found and found.revoked_at)

        await asyncio.gather(*(revoke(NOW + number) for number in range(12)))
        return seen

    assert len(asyncio.run(times())) == 1


def test_of_many_keys_of_one_id_at_once_one_is_taken(connection: Connection) -> None:
    async def add_all() -> list[ApiKey]:
        store = ElasticsearchKeyStore(connection)
        rivals = [ApiKey("k1", "n", digest_of(f"secret {number}"), ("recall",), (), NOW) for number in range(8)]
        outcomes = await asyncio.gather(*(store.add(rival) for rival in rivals), return_exceptions=True)
        assert sum(isinstance(outcome, StoreError) for outcome in outcomes) == 7
        return [rival for rival, outcome in zip(rivals, outcomes, strict=True) if outcome is None and rival in await store.all()]

    assert len(asyncio.run(add_all())) == 1


def test_more_keys_than_a_page_holds_are_listed_whole(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smallpool_stores.elasticsearch.keys.PAGE", 2)

    async def listed() -> list[ApiKey]:
        store = ElasticsearchKeyStore(connection)
        for number in (3, 1, 5, 2, 4):
            await store.add(key(number))
        return await store.all()

    assert asyncio.run(listed()) == [key(number) for number in (1, 2, 3, 4, 5)]


def test_what_names_a_key_by_its_id_is_no_key(connection: Connection) -> None:
    async def found() -> ApiKey | None:
        store = ElasticsearchKeyStore(connection)
        await store.add(key(1))
        return await store.find("key#k1")

    assert asyncio.run(found()) is None


def test_the_index_holds_the_digest_and_never_the_secret(connection: Connection) -> None:
    made = asyncio.run(create_key(ElasticsearchKeyStore(connection), "app", ["recall"], [], NOW))
    connection.sync.indices.refresh(index=keys.index_of(connection.settings))
    stored = json.dumps(connection.sync.search(index=keys.index_of(connection.settings)).body)
    assert made.key.digest in stored
    assert made.secret not in stored
