"""`make test` starts the servers, and stops them exactly where it started them, with the exit code of the tests."""

import os
import subprocess
from pathlib import Path

import pytest

from checkout import ROOT


def make_test(folder: Path, *, is_up: bool, comes_up: bool = True, passes: bool = True) -> tuple[bool, list[str]]:
    """Runs the task, after its checks, with programs that only say how they were called."""
    said = folder / "said"
    smallpool = f'echo "$*" >>{said}; case "$2" in status) exit {int(not is_up)} ;; up) exit {int(not comes_up)} ;; esac'
    for name, text in {"smallpool": smallpool, "pytest": f"echo pytest >>{said}; exit {int(not passes)}"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    command = ["make", "--old-file=check", "test", f"BIN={folder}"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    return ran.returncode == 0, said.read_text().splitlines()


@pytest.mark.parametrize("passes", [True, False])
def test_servers_that_it_started_end_with_it(tmp_path: Path, passes: bool) -> None:
    assert make_test(tmp_path, is_up=False, passes=passes) == (passes, ["stack status", "stack up", "pytest", "stack down"])


@pytest.mark.parametrize("passes", [True, False])
def test_servers_that_ran_before_run_on(tmp_path: Path, passes: bool) -> None:
    assert make_test(tmp_path, is_up=True, passes=passes) == (passes, ["stack status", "stack up", "pytest"])


def test_where_servers_do_not_come_up_no_test_runs_and_what_did_start_ends(tmp_path: Path) -> None:
    assert make_test(tmp_path, is_up=False, comes_up=False) == (False, ["stack status", "stack up", "stack down"])
