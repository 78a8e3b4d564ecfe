"""The Makefile, and the set-up of a machine that lacks something: it says what, and the command that helps."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from checkout import ROOT

TASKS = ("setup", "demo", "test", "check", "bench", "bench-stack", "faults", "docs", "lock")
BASH = shutil.which("bash") or "/bin/bash"


def run(*command: str, cwd: Path = ROOT, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "PYTHON"))}
    return subprocess.run(command, cwd=cwd, env={**environment, "PATH": path}, check=False, capture_output=True, text=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without an environment, as far as the set-up reads it."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of commands to stand in PATH alone: an ordinary user's Debian without any Python."""
    folder = tmp_path / "machine"
    folder.mkdir()
    for name in ("bash", "cat", "cut", "dirname", "sha256sum"):
        (folder / name).symlink_to(shutil.which(name) or f"/usr/bin/{name}")
    script(folder / "id", "echo 1000")
    return folder


def script(path: Path, text: str) -> None:
    path.write_text(f"#!{BASH}\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("task", TASKS)
def test_make_help_lists_every_task_with_what_it_does(task: str) -> None:
    assert re.search(rf"^make {task} +\S.*$", run("make", "help").stdout, flags=re.MULTILINE)


def test_make_alone_only_lists_the_tasks() -> None:
    assert run("make").stdout == run("make", "help").stdout


def test_every_task_that_the_docs_name_exists() -> None:
    listed = set(re.findall(r"^make ([\w-]+)", run("make", "help").stdout, flags=re.MULTILINE))
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {task for page in pages for task in re.findall(r"(?:^|`)make ([\w-]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE)}
    assert {"demo", "test"} <= named <= listed


def test_make_demo_passes_its_options_on() -> None:
    planned = run("make", "--dry-run", "demo", "ONCE=1", "ITEMS=500", "PORT=8123").stdout
    assert planned.splitlines()[-1] == ".venv/bin/smallpool demo --once --items 500 --port 8123"


def test_setup_without_a_python_says_which_one_to_install(checkout: Path, machine: Path) -> None:
    tried = run("deploy/setup.sh", "serve", cwd=checkout, path=str(machine))
    assert tried.returncode == 1
    assert "no Python 3.11 or later" in tried.stderr
    assert "apt-get install python3" in tried.stderr


def test_setup_passes_over_a_python_that_is_too_old(checkout: Path, machine: Path) -> None:
    script(machine / "python3", "exit 1")
    tried = run("deploy/setup.sh", "serve", cwd=checkout, path=str(machine))
    assert tried.returncode == 1
    assert "no Python 3.11 or later" in tried.stderr


def test_setup_without_ensurepip_tells_an_ordinary_user_the_command(checkout: Path, machine: Path) -> None:
    script(machine / "python3", 'case "$2" in *ensurepip*) exit 1 ;; *print*) echo 3.11 ;; esac')
    tried = run("deploy/setup.sh", "serve", cwd=checkout, path=str(machine))
    assert tried.returncode == 1
    assert "sudo apt-get install --yes python3.11-venv\n" in tried.stderr
    assert not (checkout / ".venv").exists()


def test_setup_refuses_to_run_without_a_profile(checkout: Path) -> None:
    assert run("deploy/setup.sh", cwd=checkout).returncode != 0
