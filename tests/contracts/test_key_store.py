"""The promises of the port `KeyStore`, on every adapter."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from builders import HOUR, NOW
from small_indices import small_index
from smallpool_core.access import ROLES, ApiKey, digest_of
from smallpool_core.errors import NotFound, StoreError
from smallpool_core.ports import KeyStore
from smallpool_stores.elasticsearch import keys
from smallpool_stores.elasticsearch.keys import ElasticsearchKeyStore
from smallpool_stores.sqlite.keys import SqliteKeyStore
from smallpool_stores.sqlite.schema import open_database


@contextmanager
def sqlite_key_store(folder: Path) -> Iterator[KeyStore]:
    database = open_database(folder / "smallpool.db")
    yield SqliteKeyStore(database)
    database.close()


@contextmanager
def elasticsearch_key_store(_folder: Path) -> Iterator[KeyStore]:
    with small_index(keys) as connection, closing(ElasticsearchKeyStore(connection)) as store:
        yield store


ADAPTERS = {"sqlite": sqlite_key_store, "elasticsearch": elasticsearch_key_store}


@pytest.fixture(params=ADAPTERS)
def key_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyStore]:
    with ADAPTERS[request.param](tmp_path) as adapter:
        yield adapter


def key(key_id: str = "k1", **changes: Any) -> ApiKey:
    return msgspec.structs.replace(ApiKey(key_id, "the app", digest_of(f"secret of {key_id}"), ("recall",), (), NOW), **changes)


def test_a_key_is_found_by_its_digest_as_it_was_added(key_store: KeyStore) -> None:
    app = key("k1")
    operator = key("k2", name="运营", roles=ROLES, pools=("p1", "p2"), revoked_at=NOW + HOUR)
    for one in (app, operator):
        asyncio.run(key_store.add(one))
    assert asyncio.run(key_store.find(app.digest)) == app
    assert asyncio.run(key_store.find(operator.digest)) == operator


def test_an_unknown_digest_finds_nothing(key_store: KeyStore) -> None:
    asyncio.run(key_store.add(key()))
    assert asyncio.run(key_store.find(digest_of("another secret"))) is None
    assert asyncio.run(key_store.find("secret of k1")) is None


def test_what_this_process_wrote_is_known_at_once(key_store: KeyStore) -> None:
    assert key_store.known(key().digest) is None
    asyncio.run(key_store.add(key()))
    assert key_store.known(key().digest) == key()
    asyncio.run(key_store.revoke("k1", NOW + HOUR))
    assert key_store.known(key().digest) == key(revoked_at=NOW + HOUR)


def test_every_key_is_listed_oldest_first(key_store: KeyStore) -> None:
    young, old, revoked = key("a", created_at=NOW + 2), key("b", created_at=NOW), key("c", created_at=NOW + 1, revoked_at=NOW + 3)
    for one in (young, old, revoked):
        asyncio.run(key_store.add(one))
    assert asyncio.run(key_store.all()) == [old, revoked, young]


def test_a_revoked_key_is_found_with_the_time(key_store: KeyStore) -> None:
    asyncio.run(key_store.add(key("k1")))
    asyncio.run(key_store.add(key("k2")))
    asyncio.run(key_store.revoke("k1", NOW + HOUR))
    assert [one.revoked_at for one in asyncio.run(key_store.all())] == [NOW + HOUR, None]


def test_revoking_twice_keeps_the_first_time(key_store: KeyStore) -> None:
    asyncio.run(key_store.add(key()))
    asyncio.run(key_store.revoke("k1", NOW))
    asyncio.run(key_store.revoke("k1", NOW + HOUR))
    found = asyncio.run(key_store.find(key().digest))
    assert found is not None
    assert found.revoked_at == NOW


def test_revoking_an_unknown_key_says_so(key_store: KeyStore) -> None:
    with pytest.raises(NotFound, match="no key is named 'k9'"):
        asyncio.run(key_store.revoke("k9", NOW))


@pytest.mark.parametrize("taken", [key("k1", digest=digest_of("another secret")), key("k2", digest=key("k1").digest)])
def test_a_key_never_replaces_another(key_store: KeyStore, taken: ApiKey) -> None:
    asyncio.run(key_store.add(key("k1")))
    with pytest.raises(StoreError):
        asyncio.run(key_store.add(taken))
    assert asyncio.run(key_store.all()) == [key("k1")]
