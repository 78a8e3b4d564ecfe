"""`smallpool stack` on the command line, and the real stack where one runs."""

import re
import shutil
from pathlib import Path

import pytest

from cli_rig import Shell
from smallpool_config import stack
from smallpool_config.stack import tools
from smallpool_config.stack.status import report_on
from stack_rig import redis_alone


@pytest.fixture
def one_redis(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell whose stack `default` is one Redis that does not run."""
    if shutil.which("redis-server") is None:
        pytest.skip("needs redis-server: apt-get install redis-server")
    monkeypatch.setenv("SMALLPOOL_CACHE", str(tmp_path / "cache"))
    redis_alone("default", tmp_path / "stack")
    return shell


def test_status_of_what_does_not_run_is_an_error(one_redis: Shell) -> None:
    printed = one_redis.run("stack", "status", code=1)
    assert re.search(r"redis 0 +down", printed.out)
    assert one_redis.run("stack", "status", "--json", code=1).json["ok"] is False


def test_up_status_and_down_tell_what_they_did(one_redis: Shell) -> None:
    try:
        up = one_redis.run("stack", "up")
        assert re.search(r"^export SMALLPOOL_REDIS_URL=redis://127\.0\.0\.1:\d+/0$", up.out, flags=re.MULTILINE)
        assert "starting redis 0" in up.err
        assert "running already" not in up.err
        again = one_redis.run("stack", "up")
        assert "stack default was running already" in again.err
        assert again.out == up.out
        status = one_redis.run("stack", "status", "--json").json
        (redis,) = status["servers"]
        assert (status["ok"], redis["condition"], redis["says"]) == (True, "up", "PONG")
    finally:
        down = one_redis.run("stack", "down", "--wipe")
    assert "stopped redis 0; what it stored is removed" in down.out
    assert "there is no stack 'default'" in one_redis.run("stack", "status", code=1).err


def test_the_log_of_a_server_that_ended_is_shown_above_the_error(one_redis: Shell, tmp_path: Path) -> None:
    (tmp_path / "stack" / "redis-0").mkdir(parents=True)
    (tmp_path / "stack" / "redis-0" / "dump.rdb").write_bytes(b"this is no dump of Redis")
    said = one_redis.run("stack", "up", code=1).err
    assert said.index("Wrong signature") < said.index("error: starting redis 0 at redis://")


def test_nodes_that_no_stack_has_are_refused_before_anything_is_fetched(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SMALLPOOL_CACHE", str(tmp_path / "cache"))
    assert "1 or 3 nodes" in shell.run("stack", "up", "--nodes", "2", code=1).err
    assert not (tmp_path / "cache" / "jars").exists()


def test_a_missing_program_is_told_with_the_command_that_installs_it(
    one_redis: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tools.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = one_redis.run("stack", "up", code=1).err
    assert "the stack needs redis-server, and PATH has none" in said
    assert "sudo apt-get update && sudo apt-get install --yes redis-server" in said


def test_a_java_that_is_too_old_is_told_with_the_one_that_is_needed(tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    with pytest.raises(
        tools.SmallpoolError, match=r'need Java 17 or later, and .* says: openjdk version "11\.0\.2".*openjdk-17-jdk-headless'
    ):
        tools.check_java(str(java))


def test_every_server_of_the_running_stack_answers_in_its_own_protocol() -> None:
    if stack.running() is None:
        pytest.skip("needs the stack: run `smallpool stack up`")
    report = report_on("default")
    assert {one.server for one in report.servers} == {"elasticsearch", "kafka", "redis"}
    assert [one.says for one in report.servers if one.condition != "up"] == []
    assert all(one.pid and one.version and Path(one.log).is_file() for one in report.servers)
    assert all(one.version.startswith("8.19.") for one in report.servers if one.server == "elasticsearch")
