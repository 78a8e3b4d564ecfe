"""The lock of a data directory: one server at a time, and nothing to clean up after a crash."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from smallpool_core.errors import DirectoryLocked, StoreUnavailable
from smallpool_stores.sqlite.lock import DirectoryLock, is_locked


def test_a_second_server_is_refused_and_told_who_holds_the_directory(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path), pytest.raises(DirectoryLocked, match=f"process {os.getpid()} serves from it"):
        DirectoryLock(tmp_path)


def test_a_released_directory_is_free_again(tmp_path: Path) -> None:
    first = DirectoryLock(tmp_path)
    first.release()
    first.release()
    with DirectoryLock(tmp_path):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_nothing_is_left_of_the_number_of_an_earlier_server(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("12345678901234567890\n")
    with DirectoryLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_looking_takes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    assert not is_locked(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []
    with DirectoryLock(tmp_path):
        assert is_locked(tmp_path)
        assert is_locked(tmp_path)


def test_a_killed_server_leaves_the_directory_free(tmp_path: Path) -> None:
    program = (
        f"import sys; sys.path[:] = {sys.path!r}; from pathlib import Path; from smallpool_stores.sqlite.lock import DirectoryLock;"
        f"lock = DirectoryLock(Path({str(tmp_path)!r})); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "held\n"
        with pytest.raises(DirectoryLocked, match=f"process {server.pid} serves"):
            DirectoryLock(tmp_path)
        server.kill()
    with DirectoryLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_directory_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="see that the directory exists"):
        DirectoryLock(tmp_path / "nowhere")
