"""Servers are known by pid and start time: nothing else is ever signalled, and a dead one is seen to be dead."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from smallpool_config.stack.processes import Process, is_alive, is_paused, send, spawn, stop, wait_until_ended

STUBBORN = ["sh", "-c", 'trap "" TERM; echo deaf; while :; do sleep 1; done']
Run = Callable[[list[str]], Process]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts commands whose output goes to `log`; whatever is left of them ends with the test."""
    started: list[Process] = []

    def started_here(command: list[str]) -> Process:
        started.append(spawn(command, tmp_path / "log"))
        return started[-1]

    yield started_here
    stop(started, grace_s=0)


def log_of(folder: Path, process: Process, wanted: str) -> str:
    """The log, once it holds the wanted words or its process has ended."""
    while wanted not in (text := (folder / "log").read_text()) and wait_until_ended([process], 0.05):
        pass
    return text


def test_what_a_server_prints_is_in_its_log(run: Run, tmp_path: Path) -> None:
    process = run(["sh", "-c", "echo out; echo err >&2"])
    assert wait_until_ended([process], 10) == []
    assert (tmp_path / "log").read_text() == "out\nerr\n"


def test_a_server_that_was_stopped_is_gone(run: Run) -> None:
    process = run(["sleep", "60"])
    assert is_alive(process)
    assert stop([process], grace_s=10) == []
    assert not is_alive(process)


def test_a_server_that_ignores_sigterm_is_killed_after_the_grace(run: Run, tmp_path: Path) -> None:
    process = run(STUBBORN)
    log_of(tmp_path, process, "deaf")
    assert stop([process], grace_s=0.2) == [process]
    assert not is_alive(process)


def test_a_pid_that_came_round_again_is_left_alone(run: Run) -> None:
    process = run(["sleep", "60"])
    for former in (replace(process, started=process.started - 1), replace(process, boot="an earlier boot")):
        assert not is_alive(former)
        assert not send(former, signal.SIGKILL)
        assert stop([former], grace_s=0) == []
    assert is_alive(process)


def test_a_paused_server_is_told_from_one_that_runs_and_can_be_stopped(run: Run) -> None:
    process = run(["sleep", "60"])
    assert not is_paused(process)
    send(process, signal.SIGSTOP)
    while not is_paused(process):
        assert wait_until_ended([process], 0.05) == [process]
    assert is_alive(process)
    assert stop([process], grace_s=10) == []


def test_a_command_that_cannot_be_run_says_so_in_the_log(run: Run, tmp_path: Path) -> None:
    process = run(["/no/such/server"])
    assert wait_until_ended([process], 10) == []
    assert "/no/such/server" in (tmp_path / "log").read_text()


def test_nothing_is_alive_where_nothing_was_started() -> None:
    assert not is_alive(None)
    assert not send(None, signal.SIGTERM)
