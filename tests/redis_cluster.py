"""A real Redis Cluster of three primaries on loopback: one that tests share, or one of a test's own that it may break.

In: a test. Out: connections under a prefix that no other test uses, or servers to kill, to freeze, to replace, whose slots to move.
"""

import atexit
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from redis_rig import RedisServer, free_port
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.keys import Keys
from smallpool_stores.redis.removal import remove_all

PRIMARIES = 3
LOOK_AGAIN_S = 0.02
KEYS = Keys("sp:")
NEVER_MS = 600_000
"""After which servers hold another for dead: later than any test, so that only what a test does happens."""


class RedisCluster:
    """Three primaries with a third of the slots each, whole once it is made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.servers: list[RedisServer] = []
        for number in range(PRIMARIES):
            self.started().client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for number, server in enumerate(self.servers):
            first, end = (place * REDIS_CLUSTER_HASH_SLOTS // PRIMARIES for place in (number, number + 1))
            server.client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
            self.met(server)
        self.await_whole()

    def started(self) -> RedisServer:
        """One more server, which knows no other yet."""
        folder = self._folder / str(len(self.servers))
        folder.mkdir()
        mode = ["--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", str(NEVER_MS)]
        server = RedisServer(folder, *mode, "--repl-diskless-sync-delay", "0")
        self.servers.append(server)
        return server

    def met(self, server: RedisServer) -> None:
        """Introduces a server to the first one, and through it to all."""
        first = self.servers[0]
        bus = first.client.config_get("cluster-port")["cluster-port"]
        server.client.execute_command("CLUSTER", "MEET", "127.0.0.1", first.port, bus)

    def with_replica_of(self, primary: RedisServer) -> RedisServer:
        """One more server, which holds what this primary holds."""
        replica = self.started()
        self.met(replica)
        primary_id = node_id(primary)
        wait_until(lambda: primary_id in raw(replica, "NODES"))
        replica.client.execute_command("CLUSTER", "REPLICATE", primary_id)
        wait_until(lambda: replica.client.info("replication").get("master_link_status") == "up")
        wait_until(lambda: all(node_id(replica) in raw(server, "NODES") for server in self.servers))
        self.await_whole()
        return replica

    def await_whole(self) -> None:
        """Waits until every server that runs takes calls, and agrees with all the others on who holds what."""
        running = [server for server in self.servers if server.is_running]
        wait_until(lambda: all("cluster_state:ok" in raw(server, "INFO") for server in running))
        wait_until(lambda: len({str(holders(server)) for server in running}) == 1)

    def holder(self, key: str) -> RedisServer:
        """The primary of this key's slot."""
        slot = key_slot(key.encode())
        [port] = [port for first, last, port in holders(self.servers[-1]) if first <= slot <= last]
        [server] = [server for server in self.servers if server.port == port]
        return server

    def person_at(self, server: RedisServer) -> str:
        """Somebody whose keys lie there."""
        return next(name for number in range(1_000) if self.holder(KEYS.person(name := f"u:{number}").state) is server)

    def connect(self, **settings: Any) -> RedisConnection:
        """A connection that knows only the first server."""
        return self.servers[0].connect(**({"cluster": True, "answer_timeout_ms": 500, "write_timeout_ms": 500} | settings))

    def close(self) -> None:
        for server in self.servers:
            server.thaw()
            server.kill()


@contextmanager
def own_cluster(folder: Path) -> Iterator[RedisCluster]:
    """A cluster that ends with the block, in whatever state the test left it."""
    cluster = RedisCluster(folder)
    try:
        yield cluster
    finally:
        cluster.close()


@cache
def running_cluster() -> RedisCluster:
    """The cluster that tests share: started for the first that wants it; ends with this process."""
    with ExitStack() as opened:
        cluster = opened.enter_context(own_cluster(Path(opened.enter_context(TemporaryDirectory()))))
        atexit.register(opened.pop_all().close)
    return cluster


@contextmanager
def shared_cluster() -> Iterator[RedisConnection]:
    """The cluster that tests share, under a prefix of this test's own, whose keys are removed at the end."""
    patient = {"answer_timeout_ms": 5_000, "write_timeout_ms": 5_000}
    connection = running_cluster().connect(prefix=f"test-{uuid4().hex}:", **patient)
    yield connection
    remove_all(connection)
    connection.close()


def raw(server: RedisServer, *words: str) -> str:
    """What a server answers to one of `CLUSTER …`, as text."""
    connection = redis.Redis.from_url(server.url, decode_responses=True)
    with connection:
        connection.response_callbacks.clear()
        return str(connection.execute_command("CLUSTER", *words))


def node_id(server: RedisServer) -> str:
    return raw(server, "MYID")


def holders(server: RedisServer) -> list[tuple[int, int, int]]:
    """First and last slot of each range, and the port of its primary, as this server sees it."""
    connection = redis.Redis.from_url(server.url)
    with connection:
        connection.response_callbacks.clear()
        return sorted((first, last, primary[1]) for first, last, primary, *_ in connection.execute_command("CLUSTER", "SLOTS"))


def wait_until(is_so: Callable[[], bool], within_s: float = 30) -> None:
    give_up = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > give_up:
            raise TimeoutError(f"it is still not so after {within_s} s")
        time.sleep(LOOK_AGAIN_S)
