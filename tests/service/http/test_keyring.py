"""Keys as the service remembers them: for a bounded time, and through a store that fails or hangs."""

import asyncio

import pytest

from builders import NOW, FakeClock
from smallpool_core.access import ApiKey, digest_of
from smallpool_core.errors import StoreUnavailable
from smallpool_service.http.auth import Keyring

MEMORY_MS = 1_000
KEY = ApiKey("k1", "the app", digest_of("secret"), ("recall",), (), NOW)
REVOKED = ApiKey("k1", "the app", digest_of("secret"), ("recall",), (), NOW, NOW)


class KeysThatFail:
    """A store of one key, which may be down, and which answers when a test lets it."""

    def __init__(self) -> None:
        self.key = KEY
        self.is_down = False
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def find(self, digest: str) -> ApiKey | None:
        self.asked += 1
        await self.answers.wait()
        if self.is_down:
            raise StoreUnavailable("could not look up an API key: the test's store is down; bring it up")
        return self.key if digest == self.key.digest else None

    async def add(self, key: ApiKey) -> None:
        raise NotImplementedError

    async def all(self) -> list[ApiKey]:
        raise NotImplementedError

    async def revoke(self, key_id: str, now: int) -> None:
        raise NotImplementedError


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


def test_a_key_is_asked_for_again_once_its_memory_is_over(clock: FakeClock) -> None:
    async def found() -> list[ApiKey | None]:
        store = KeysThatFail()
        keyring = Keyring(store, clock, MEMORY_MS)
        first = await keyring.find("secret")
        store.key = REVOKED
        clock.now += MEMORY_MS - 1
        second = await keyring.find("secret")
        clock.now += 1
        return [first, second, await keyring.find("secret")]

    assert asyncio.run(found()) == [KEY, KEY, REVOKED]


def test_while_one_request_asks_for_a_known_key_the_others_go_by_what_is_known(clock: FakeClock) -> None:
    async def found() -> tuple[list[ApiKey | None], ApiKey | None]:
        store = KeysThatFail()
        keyring = Keyring(store, clock, MEMORY_MS)
        await keyring.find("secret")
        store.answers.clear()
        store.key = REVOKED
        clock.now += MEMORY_MS
        waiting = asyncio.create_task(keyring.find("secret"))
        await asyncio.sleep(0)
        others = [await keyring.find("secret") for _ in range(3)]
        store.answers.set()
        assert await waiting == REVOKED
        assert store.asked == 2
        return others, await keyring.find("secret")

    assert asyncio.run(found()) == ([KEY] * 3, REVOKED)


def test_a_store_that_fails_is_asked_for_a_known_key_once_a_memory(clock: FakeClock) -> None:
    async def asked() -> int:
        store = KeysThatFail()
        keyring = Keyring(store, clock, MEMORY_MS)
        await keyring.find("secret")
        store.is_down = True
        clock.now += MEMORY_MS
        assert [await keyring.find("secret") for _ in range(5)] == [KEY] * 5
        return store.asked

    assert asyncio.run(asked()) == 2


def test_a_store_that_fails_lets_no_unknown_key_in(clock: FakeClock) -> None:
    async def find() -> ApiKey | None:
        store = KeysThatFail()
        store.is_down = True
        return await Keyring(store, clock, MEMORY_MS).find("secret")

    with pytest.raises(StoreUnavailable):
        asyncio.run(find())
