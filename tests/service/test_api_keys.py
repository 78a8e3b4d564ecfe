"""API keys: secrets once, digests for good."""

import asyncio
from pathlib import Path

import pytest

from builders import NOW
from smallpool_core.access import digest_of
from smallpool_core.errors import Refused
from smallpool_service.keys import create_key, ensure_admin_key, make_secret
from smallpool_stores.sqlite.keys import SqliteKeyStore
from smallpool_stores.sqlite.schema import open_database


@pytest.fixture
def store(tmp_path: Path) -> SqliteKeyStore:
    return SqliteKeyStore(open_database(tmp_path / "smallpool.db", synchronous="off"))


def test_only_the_digest_of_a_secret_is_kept(store: SqliteKeyStore) -> None:
    made = asyncio.run(create_key(store, "app", ["recall", "recall"], ["p", "q", "p"], NOW))
    kept = asyncio.run(store.find(digest_of(made.secret)))
    assert kept == made.key
    assert made.secret not in str(asyncio.run(store.all()))
    assert (made.key.roles, made.key.pools, made.key.created_at) == (("recall",), ("p", "q"), NOW)


def test_the_first_admin_key_is_made_once(store: SqliteKeyStore) -> None:
    secret = make_secret()
    first = asyncio.run(ensure_admin_key(store, secret, NOW))
    assert asyncio.run(ensure_admin_key(store, secret, NOW + 1)) == first
    assert first.roles == ("admin",)
    assert len(asyncio.run(store.all())) == 1


def test_an_admin_key_that_was_revoked_stays_revoked(store: SqliteKeyStore) -> None:
    secret = make_secret()
    key = asyncio.run(ensure_admin_key(store, secret, NOW))
    asyncio.run(store.revoke(key.key_id, NOW + 1))
    assert asyncio.run(ensure_admin_key(store, secret, NOW + 2)).revoked_at == NOW + 1


def test_a_short_admin_secret_is_refused(store: SqliteKeyStore) -> None:
    with pytest.raises(Refused, match="SMALLPOOL_ADMIN_KEY: found 31 characters"):
        asyncio.run(ensure_admin_key(store, "x" * 31, NOW))
    assert asyncio.run(store.all()) == []
