"""Adapters over a real Redis: the shared one of `tests/servers.py`, or one of the test's own that it may break.

In: a test. Out: connections under a prefix that no other test uses, or a server to freeze, kill, fill or turn read-only.
"""

import dataclasses
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import redis
from msgspec.structs import replace

from builders import NOW
from read_rig import World
from servers import address
from smallpool_config.stack.free_ports import free_ports
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.pages import ClaimRequest, Entry
from smallpool_service.recaller import Recaller
from smallpool_service.settings import ReadSettings
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.links import RedisLinks
from smallpool_stores.redis.people import RedisPeople
from smallpool_stores.redis.pool_figures import RedisPoolFigures
from smallpool_stores.redis.profiles import RedisUserProfiles
from smallpool_stores.redis.removal import remove_all
from smallpool_stores.redis.seen import RedisSeenList
from smallpool_stores.redis.settings import RedisSettings
from smallpool_stores.redis.stats import RedisItemStats
from smallpool_stores.redis.triggers import RedisTriggerStore

UP_WITHIN_S = 20

Opened = Callable[[], AbstractContextManager[RedisConnection]]
"""Opens a connection that a test has for itself."""


class Stores(NamedTuple):
    """Every port that Redis stands behind."""

    seen: RedisSeenList
    triggers: RedisTriggerStore
    profiles: RedisUserProfiles
    stats: RedisItemStats
    people: RedisPeople
    links: RedisLinks
    figures: RedisPoolFigures


def stores_over(connection: RedisConnection) -> Stores:
    return Stores(
        RedisSeenList(connection),
        RedisTriggerStore(connection),
        RedisUserProfiles(connection),
        RedisItemStats(connection),
        RedisPeople(connection),
        RedisLinks(connection, BehaviourSettings()),
        RedisPoolFigures(connection),
    )


def claim_of(*item_ids: str, **changes: Any) -> ClaimRequest:
    """The first and last round of u1's request r1 in pool p1, for as many items as are offered, each of its own spread key."""
    ordered = tuple(Entry(item_id, f"key of {item_id}", None, b"\x00 any bytes") for item_id in item_ids)
    whole = ClaimRequest("u:u1", "p1", "r1", 0, ordered, max(1, len(ordered)), 3, 200, False, NOW, NOW + 200, True, "f1")  # noqa: FBT003
    return replace(whole, **changes)


def recaller(world: World, stores: Stores) -> Recaller:
    """The read path of a small world, its people and statistics in Redis."""
    behind = {"seen": stores.seen, "triggers": stores.triggers, "profiles": stores.profiles, "links": stores.links, "stats": stores.stats}
    ports = dataclasses.replace(world.ports, **behind)
    return Recaller(ports, settings=ReadSettings(pools_refresh_ms=0, timeout_ms=10_000))


@contextmanager
def shared_redis() -> Iterator[RedisConnection]:
    """The server that tests share, under a prefix of this test's own, whose keys are removed at the end."""
    patient = RedisSettings(url=address("redis"), prefix=f"test-{uuid4().hex}:", answer_timeout_ms=5_000, connect_timeout_ms=5_000)
    connection = RedisConnection(patient)
    yield connection
    remove_all(connection)
    connection.close()


class RedisServer:
    """A Redis of the test's own, on a free port of the loopback interface, that keeps nothing on disk unless told to."""

    def __init__(self, folder: Path, *options: str) -> None:
        found = shutil.which("redis-server")
        if found is None:
            message = "needs redis-server on the PATH: install it (Debian: apt-get install redis-server)"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
        self._program = found
        self._folder = folder
        self._options = options
        self.port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--loglevel", "warning"]
        command = [self._program, *where, "--save", "", "--appendonly", "no", *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = redis.Redis.from_url(self.url)
        give_up = time.monotonic() + UP_WITHIN_S
        while True:
            try:
                self.client.ping()
            except redis.ConnectionError:
                if self._process.poll() is not None or time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
            else:
                return

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def freeze(self) -> None:
        """From now on it takes connections, and never answers."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a crash: nothing is saved on the way out."""
        self._process.kill()
        self._process.wait()
        self.client.close()

    def contents(self) -> dict[bytes, bytes]:
        """Every key with its value as Redis would dump it."""
        return {key: self.client.dump(key) for key in self.client.scan_iter(count=1000)}

    def connect(self, **settings: Any) -> RedisConnection:
        """A connection that gives up a call soon enough for a test, not so soon that a busy machine fails it, and never pauses."""
        here = {"url": self.url, "answer_timeout_ms": 300, "connect_timeout_ms": 5_000, "write_timeout_ms": 300, "pause_after": 1_000_000}
        return RedisConnection(RedisSettings(**(here | settings)))


@contextmanager
def own_redis(folder: Path, *options: str) -> Iterator[RedisServer]:
    """A server that ends with the block, in whatever state the test left it."""
    server = RedisServer(folder, *options)
    try:
        yield server
    finally:
        server.thaw()
        server.kill()


def free_port() -> int:
    """One that stays free while the server that had it is down: outgoing connections take theirs from another range."""
    [port] = free_ports(1)
    return port
