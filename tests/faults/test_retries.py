"""Case 17, retries: a server that takes connections and drops them is not asked twice by every page."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from builders import NOW
from elasticsearch_rig import settings as elasticsearch_settings
from market import rule
from smallpool_core.errors import StoreUnavailable
from smallpool_core.pages import Query, Scope
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.reader import ElasticsearchItemReader
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.settings import RedisSettings
from smallpool_stores.retry_budget import MOST_SAVED

CALLS = 100
HOME = Query(Scope("home", rule({"all": []}), trusted=True, everything=True), frozenset(), 3, 10, NOW)


class Dropping:
    """Listens, and closes each connection as soon as something comes through it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.taken = 0
        self._thread = threading.Thread(target=self._drop)
        self._thread.start()

    def _drop(self) -> None:
        with suppress(OSError):
            while True:
                taken, _ = self._listener.accept()
                self.taken += 1
                with taken, suppress(OSError):
                    taken.recv(65_536)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def dropping() -> Iterator[Dropping]:
    server = Dropping()
    yield server
    server.close()


def test_case_17_pages_ask_an_elasticsearch_that_drops_them_once_more_in_ten_calls_at_most(dropping: Dropping) -> None:
    reader = ElasticsearchItemReader(Connection(elasticsearch_settings(url=f"http://{dropping.address}")))

    async def ask() -> None:
        for _ in range(CALLS):
            with pytest.raises(StoreUnavailable):
                await reader.browse(HOME, "newest")

    asyncio.run(ask())
    assert CALLS < dropping.taken <= CALLS * 1.1 + MOST_SAVED


def test_case_17_pages_ask_a_redis_that_drops_them_once_more_in_ten_calls_at_most(dropping: Dropping) -> None:
    connection = RedisConnection(RedisSettings(url=f"redis://{dropping.address}/0"))

    async def ask() -> None:
        for _ in range(CALLS):
            with pytest.raises(StoreUnavailable), connection.translated("read"):
                await connection.read("GET", "key")

    asyncio.run(ask())
    connection.close()
    assert CALLS < dropping.taken <= CALLS * 1.1 + MOST_SAVED
