"""`smallpool serve` in a process of its own: one to a directory, commands that work beside it, an end in good order."""

import asyncio
import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from builders import NOW
from cli_rig import Shell, listing
from smallpool_config.cli import session
from smallpool_config.cli.admin_key import first_admin_key
from smallpool_config.cli.session import catch_up
from smallpool_config.cli.stopping import LEFT_BEHIND
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.wiring import open_system
from smallpool_core.access import digest_of
from smallpool_core.errors import Refused, StoreUnavailable
from smallpool_stores.sqlite.lock import DirectoryLock

WAIT_S = 60
HANGS_AT_THE_END = """
import asyncio, contextlib, socket
from types import SimpleNamespace
from starlette.applications import Starlette
from smallpool_config.cli import serving, stopping
from smallpool_service.http.settings import HttpLimits

@contextlib.asynccontextmanager
async def lifespan(app):
    print("ready", flush=True)
    yield
    await asyncio.sleep(3600)

stopping.ENDS_WITHIN_S = 1.0
app = Starlette(lifespan=lifespan)
app.state.parts = SimpleNamespace(limits=HttpLimits())
serving.run(app, socket.create_server(("127.0.0.1", 0)), lambda: None)
"""


def test_a_server_is_fed_and_asked_from_the_command_line_and_ends_in_good_order(shell: Shell) -> None:
    with shell.serving() as (server, address):
        assert httpx.get(f"{address}/healthz").json() == {"status": "ok"}
        refused = shell.run("serve", "--port", "0", code=1).err
        assert f"process {server.pid} serves from it" in refused
        assert f"process {server.pid}" in shell.run("import", "wide", "-", code=1, stdin="").err

        shell.publish([listing("i1")])
        shell.make_pool()
        key_file = shell.data / "admin.key"
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        headers = {"Authorization": f"Bearer {key_file.read_text(encoding='ascii').strip()}"}
        page = httpx.post(f"{address}/v1/pools/p/recall", json={"user_id": "u"}, headers=headers).json()
        assert [line["item_id"] for line in page["items"]] == ["i1"]
        assert shell.run("recall", "p", "--user", "u", "--json").json["items"] == []
        assert "a process takes in events" in shell.run("doctor").out

        server.send_signal(signal.SIGTERM)
        assert server.wait(WAIT_S) == 0
    assert shell.run("publish", "-", "--json", stdin=json.dumps(listing("i2"))).json["applied"] is True


def test_more_than_one_worker_is_refused_with_the_reason(shell: Shell) -> None:
    assert "replicas" in shell.run("serve", "--workers", "2", code=2).err
    assert not shell.data.exists()


def test_a_port_that_is_taken_is_told(shell: Shell) -> None:
    with shell.serving() as (_, address):
        other = Shell(shell.folder / "other")
        other.folder.mkdir()
        assert "choose another --host or --port" in other.run("serve", "--port", address.rpartition(":")[2], code=1).err


def test_the_time_to_end_in_runs_from_the_signal_on() -> None:
    command = [sys.executable, "-c", HANGS_AT_THE_END]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=WAIT_S)
    assert server.returncode == LEFT_BEHIND, said
    assert "nothing acknowledged is lost" in said


def test_the_indexer_alone_ends_in_good_order(shell: Shell) -> None:
    shell.run("publish", "-", "--no-wait", stdin=json.dumps(listing()))
    with shell.started("index") as process:
        assert process.stderr is not None
        assert "taking in events" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0


def test_a_command_takes_over_from_a_server_that_ends_while_it_waits(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.run("publish", "-", "--no-wait", stdin=json.dumps(listing()))
    system = open_system(Settings(store=StoreSettings(directory=str(shell.data))))
    lock = DirectoryLock(shell.data)
    looks = iter([True, True])

    def has_writer() -> bool:
        """The server ends between the second look and the third."""
        if next(looks, False):
            return True
        lock.release()
        return False

    monkeypatch.setattr(system, "has_writer", has_writer)
    catch_up(system, shown=False)
    assert list(system.wide.get(["i1"])) == ["i1"]
    system.close()


def test_a_command_gives_up_on_a_server_that_takes_in_nothing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "STALLED_S", 0.05)
    shell.run("publish", "-", "--no-wait", stdin=json.dumps(listing()))
    system = open_system(Settings(store=StoreSettings(directory=str(shell.data))))
    with DirectoryLock(shell.data), pytest.raises(StoreUnavailable, match="took in nothing"):
        catch_up(system, shown=False)
    system.close()


def admin_key(directory: Path, environment: dict[str, str]) -> tuple[Path | None, int]:
    """The file of the first admin key, and how many keys there are."""
    system = open_system(Settings(store=StoreSettings(directory=str(directory))))
    try:
        file = asyncio.run(first_admin_key(system.keys, directory, environment, NOW))
        found = asyncio.run(system.keys.all())
        if file is not None:
            assert digest_of(file.read_text(encoding="ascii").strip()) in {key.digest for key in found}
        return file, len(found)
    finally:
        system.close()


def test_the_first_start_leaves_an_admin_key_and_later_ones_keep_it(tmp_path: Path) -> None:
    assert admin_key(tmp_path, {}) == (tmp_path / "admin.key", 1)
    assert admin_key(tmp_path, {}) == (tmp_path / "admin.key", 1)


def test_an_admin_key_file_that_was_taken_away_is_not_made_again(tmp_path: Path) -> None:
    admin_key(tmp_path, {})
    (tmp_path / "admin.key").unlink()
    assert admin_key(tmp_path, {}) == (None, 1)


def test_a_secret_in_the_environment_makes_no_file_and_has_its_length(tmp_path: Path) -> None:
    assert admin_key(tmp_path, {"SMALLPOOL_ADMIN_KEY": "x" * 32}) == (None, 1)
    assert not (tmp_path / "admin.key").exists()
    with pytest.raises(Refused):
        admin_key(tmp_path, {"SMALLPOOL_ADMIN_KEY": "x" * 31})
