"""A stack is started, looked at, hurt and stopped: with a real Redis, the one server that starts in no time."""

import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from smallpool_config import stack
from smallpool_config.stack import state
from smallpool_config.stack.processes import Process, is_alive
from smallpool_config.stack.status import report_on
from smallpool_core.errors import SmallpoolError
from stack_rig import redis_alone

NAME = "alone"

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server: apt-get install redis-server")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """The folder of a stack of one Redis, which is stopped after the test."""
    redis_alone(NAME, tmp_path / "data")
    yield tmp_path / "data"
    stack.down(NAME, grace_s=5)


def say(command: str) -> str:
    """Redis' answer of one line."""
    with socket.create_connection(("127.0.0.1", state_of_redis().ports["client"]), timeout=5) as connection:
        connection.sendall(f"{command}\r\n".encode())
        return connection.recv(1 << 16).decode().strip()


def state_of_redis() -> state.Server:
    found = state.load(NAME)
    assert found is not None
    return found.server("redis", 0)


def condition() -> str:
    return report_on(NAME).servers[0].condition


@pytest.mark.usefixtures("data")
def test_up_waits_until_the_server_answers_and_says_where() -> None:
    told: list[str] = []
    addresses = stack.up(NAME, tell=told.append)
    assert say("PING") == "+PONG"
    assert addresses.redis_url == state_of_redis().url
    assert told[-2:] == ["starting redis 0", f"redis 0 answers at {addresses.redis_url}"]


@pytest.mark.usefixtures("data")
def test_up_again_leaves_what_runs_as_it_is() -> None:
    first = stack.up(NAME)
    assert stack.up(NAME) == first == stack.running(NAME)


@pytest.mark.usefixtures("data")
def test_what_does_not_run_is_not_running() -> None:
    assert stack.running(NAME) is None
    stack.up(NAME)
    assert stack.down(NAME) == ["redis 0"]
    assert stack.running(NAME) is None
    assert stack.down(NAME) == []


def test_a_name_without_a_stack_is_not_running_and_nothing_is_to_stop() -> None:
    assert stack.running("nobody") is None
    assert stack.down("nobody", wipe=True) == []


def test_a_name_without_a_stack_cannot_be_asked_how_it_is() -> None:
    with pytest.raises(SmallpoolError, match=r"there is no stack 'nobody'; `smallpool stack up --name nobody` starts one"):
        report_on("nobody")


@pytest.mark.usefixtures("data")
def test_a_killed_server_starts_again_on_its_own_port() -> None:
    before = stack.up(NAME)
    killed = stack.kill("redis", name=NAME)
    assert condition() == "down"
    again = stack.start("redis", name=NAME)
    assert again != killed
    after = stack.running(NAME)
    assert after is not None
    assert (after.redis_url, after.pids["redis"]) == (before.redis_url, (again,))


@pytest.mark.usefixtures("data")
def test_a_paused_server_is_reported_and_named_by_whoever_waits_for_it() -> None:
    stack.up(NAME)
    stack.kill("redis", which=signal.SIGSTOP, name=NAME)
    with pytest.raises(stack.ServerSilent, match=r"does not answer after 0 s, being paused by a signal \(`kill -CONT \d+` wakes it\)"):
        stack.up(NAME, limit_s=0)
    assert condition() == "paused"
    stack.kill("redis", which=signal.SIGCONT, name=NAME)
    assert condition() == "up"


@pytest.mark.usefixtures("data")
def test_what_does_not_run_cannot_be_killed() -> None:
    with pytest.raises(SmallpoolError, match="sending SIGKILL to redis 0 of stack 'alone': it does not run"):
        stack.kill("redis", name=NAME)
    with pytest.raises(SmallpoolError, match="there is no kafka 0"):
        stack.kill("kafka", name=NAME)


def test_a_server_that_ends_at_once_is_told_with_its_log(data: Path) -> None:
    stack.up(NAME)
    stack.down(NAME)
    (data / "redis-0" / "dump.rdb").write_bytes(b"this is no dump of Redis")
    with pytest.raises(stack.ServerSilent, match=r"starting redis 0 at .*: it ended before it answered; its log .*server\.log") as caught:
        stack.up(NAME)
    assert any("Wrong signature" in line for line in caught.value.last_lines)


@pytest.mark.usefixtures("data")
def test_only_what_was_started_here_is_stopped() -> None:
    stack.up(NAME)
    started = state_of_redis().process
    assert started is not None
    elsewhere = redis_alone("copied", Path(state_of_redis().directory).parent)
    copied = elsewhere.server("redis", 0)
    recycled = Process(started.pid, started.started + 1, started.boot)
    state.save(elsewhere.having(replace(copied, process=recycled)))
    assert stack.down("copied") == []
    assert is_alive(started)


def test_wiping_removes_what_was_stored(data: Path) -> None:
    stack.up(NAME)
    assert (data / "redis-0" / "server.log").is_file()
    stack.down(NAME, wipe=True)
    assert not data.exists()
    assert state.load(NAME) is None


@pytest.mark.usefixtures("data")
def test_redis_keeps_its_data_over_a_restart_only_where_asked() -> None:
    stack.up(NAME)
    assert say("CONFIG GET appendonly").split()[-1] == "no"
    assert say("SET a 1") == "+OK"
    stack.down(NAME)
    found = state.load(NAME)
    assert found is not None
    state.save(replace(found, appendonly=True))
    stack.up(NAME)
    assert say("GET a") == "$-1"
    assert say("SET a 1") == "+OK"
    stack.down(NAME)
    stack.up(NAME)
    assert say("GET a").split() == ["$1", "1"]
