"""Nothing stays in Redis for ever: every key has a time to live after anything that is done, and wherever a connection is cut."""

import asyncio
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from builders import NOW, user_event
from redis_rig import RedisServer, Stores, claim_of, own_redis, stores_over
from smallpool_core.alerts import Alert
from smallpool_core.errors import StoreUnavailable
from smallpool_core.pool_hours import HourCount
from smallpool_core.statistics import StatDelta
from smallpool_core.users import Profile, TriggerState, Weighted

PATIENT = {"answer_timeout_ms": 10_000, "write_timeout_ms": 10_000}
STATE = TriggerState(short={"brand:sony": Weighted(1.0, NOW)})
EVERY_BYTES = 16
"""Shorter than any command, so that one of the cuts falls between any two of them."""


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with own_redis(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture
def server(one_server: RedisServer) -> RedisServer:
    one_server.client.flushall()
    return one_server


def kept_for_ever(server: RedisServer) -> list[bytes]:
    return [key for key in server.client.scan_iter(count=1_000) if server.client.ttl(key) == -1]


def save(stores: Stores, identity: str, state: TriggerState, at: int) -> None:
    with stores.triggers.atomic():
        stores.triggers.mark(identity, user_event(at=at), 0)
        stores.triggers.save(identity, state, at)


def anything(stores: Stores, chance: random.Random, turn: int) -> None:
    """One thing that may be asked of a store, of few people, pools and items, so that each meets what others left."""
    identity, pool_id = chance.choice(["u:1", "u:2", "d:1"]), chance.choice(["p1", "p2"])
    items, now = [f"i{chance.randrange(6)}" for _ in range(3)], NOW + turn
    delta = StatDelta(
        items[0], chance.choice(["", pool_id]), chance.choice(["click", "expose"]), chance.choice([0.0, 1.0]), now, ("brand:a",)
    )
    page = claim_of(*dict.fromkeys(items), identity=identity, pool_id=pool_id, request_id=f"r{turn}", now=now, deadline=now + 200)
    changed = {"n": chance.choice([1, 9]), "final": chance.choice([True, False]), "seen_size": chance.choice([1, 200])}
    calls: list[Callable[[], object]] = [
        lambda: asyncio.run(stores.seen.claim(claim_of(**{name: getattr(page, name) for name in page.__struct_fields__} | changed))),
        lambda: asyncio.run(stores.profiles.put(identity, Profile(tuple(items)))),
        lambda: save(stores, identity, chance.choice([STATE, TriggerState()]), now),
        lambda: stores.stats.add([delta], chance.randrange(2), turn),
        lambda: stores.stats.forget(items),
        lambda: asyncio.run(stores.seen.erase(identity, chance.choice([None, pool_id]))),
        lambda: asyncio.run(stores.people.erase(identity, {0: 1}, NOW)),
        lambda: asyncio.run(stores.links.link("1", chance.choice(["1", "2"]), now)),
        lambda: stores.figures.add([HourCount(pool_id, now // 3_600_000, "pages", 1)]),
        lambda: stores.figures.put_alerts([Alert(pool_id, "empty", now)]),
        lambda: stores.figures.take_turn(now, 60_000),
    ]
    chance.choices(calls, weights=[4, 2, 3, 5, 1, 1, 1, 3, 2, 1, 1])[0]()


@pytest.mark.parametrize("seed", range(2))
def test_after_any_run_of_calls_every_key_has_a_time_to_live(server: RedisServer, seed: int) -> None:
    connection, chance = server.connect(**PATIENT), random.Random(seed)
    stores = stores_over(connection)
    for turn in range(100):
        anything(stores, chance, turn)
        assert kept_for_ever(server) == [], turn
    assert server.client.dbsize() > 0
    connection.close()


class Cutter:
    """Passes the first bytes of a connection on to the server, waits until it has done what they say, and hangs up."""

    def __init__(self, port: int) -> None:
        self.passes = 1_000_000
        self.passed = 0
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]

    def run(self) -> None:
        """Serves one connection after the other until `close`."""
        with suppress(OSError):
            while True:
                caller, _ = self._listening.accept()
                with caller, socket.create_connection(("127.0.0.1", self._port)) as server:
                    self._serve(caller, server)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self, caller: socket.socket, server: socket.socket) -> None:
        self.passed = 0
        replies = threading.Thread(target=pump, args=(server, caller))
        replies.start()
        while self.passed < self.passes and (sent := caller.recv(self.passes - self.passed)):
            self.passed += len(sent)
            server.sendall(sent)
        server.shutdown(socket.SHUT_WR)  # it reads what it was sent, then hangs up, which ends the thread
        replies.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while received := source.recv(65_536):
            sink.sendall(received)


@contextmanager
def cutter_before(server: RedisServer) -> Iterator[Cutter]:
    cutter = Cutter(server.port)
    thread = threading.Thread(target=cutter.run)
    thread.start()
    try:
        yield cutter
    finally:
        cutter.close()
        thread.join()


WRITES: dict[str, Callable[[Stores], object]] = {
    "seen.claim": lambda stores: asyncio.run(stores.seen.claim(claim_of("a"))),
    "profiles.put": lambda stores: asyncio.run(stores.profiles.put("u:1", Profile(("t",)))),
    "triggers.save": lambda stores: stores.triggers.save("u:1", STATE, NOW),
    "stats.add": lambda stores: stores.stats.add([StatDelta(f"i{number}", "p1", "click", 1.0, NOW, ()) for number in range(2)], 0, 0),
}


@pytest.mark.parametrize("name", WRITES)
def test_wherever_a_write_is_cut_off_every_key_has_a_time_to_live(server: RedisServer, name: str) -> None:
    def write(cutter: Cutter) -> None:
        connection = server.connect(url=f"redis://127.0.0.1:{cutter.port}/0", **PATIENT)
        try:
            WRITES[name](stores_over(connection))
        finally:
            connection.close()

    with cutter_before(server) as cutter:
        write(cutter)  # from now on the server knows the scripts
        server.client.flushall()
        write(cutter)
        whole = cutter.passed
        for cutter.passes in range(EVERY_BYTES, whole, EVERY_BYTES):
            server.client.flushall()
            with pytest.raises(StoreUnavailable):
                write(cutter)
            assert kept_for_ever(server) == [], f"cut after {cutter.passes} of {whole} bytes"
