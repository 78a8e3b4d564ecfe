"""Keys as the service goes by them: as the store knows them, and through a store that fails."""

import pytest

from builders import NOW
from smallpool_core.access import ApiKey, digest_of
from smallpool_core.errors import StoreUnavailable
from smallpool_service.http.auth import Keyring

KEY = ApiKey("k1", "the app", digest_of("secret"), ("recall",), (), NOW)
REVOKED = ApiKey("k1", "the app", digest_of("secret"), ("recall",), (), NOW, NOW)


class KeysThatFail:
    """A store of one key, which may be down."""

    def __init__(self) -> None:
        self.key = KEY
        self.is_down = False

    def known(self, digest: str) -> ApiKey | None:
        if self.is_down:
            raise StoreUnavailable("could not look up an API key: the test's store is down; bring it up")
        return self.key if digest == self.key.digest else None

    async def find(self, digest: str) -> ApiKey | None:
        raise NotImplementedError

    async def add(self, key: ApiKey) -> None:
        raise NotImplementedError

    async def all(self) -> list[ApiKey]:
        raise NotImplementedError

    async def revoke(self, key_id: str, now: int) -> None:
        raise NotImplementedError


@pytest.fixture
def store() -> KeysThatFail:
    return KeysThatFail()


def test_a_key_is_what_the_store_knows_of_it_now(store: KeysThatFail) -> None:
    keyring = Keyring(store)
    assert (keyring.find("secret"), keyring.knows("secret")) == (KEY, True)
    store.key = REVOKED
    assert (keyring.find("secret"), keyring.knows("secret")) == (REVOKED, False)
    assert keyring.find("another secret") is None


def test_while_the_store_fails_a_key_is_what_it_was(store: KeysThatFail) -> None:
    keyring = Keyring(store)
    keyring.find("secret")
    store.is_down = True
    assert keyring.find("secret") == KEY


def test_a_store_that_fails_lets_no_unknown_key_in(store: KeysThatFail) -> None:
    store.is_down = True
    with pytest.raises(StoreUnavailable):
        Keyring(store).find("secret")


def test_a_key_that_may_have_been_revoked_here_does_not_hold_on(store: KeysThatFail) -> None:
    keyring = Keyring(store)
    keyring.find("secret")
    store.is_down = True
    keyring.forget()
    with pytest.raises(StoreUnavailable):
        keyring.find("secret")
