"""A process that turns the write path of a folder, made to be killed: `python write_process.py FOLDER [STAGE]`.

Out: a line on stdout for each run of a stage, so that a test knows without waiting how far it is. It ends when stdin does; with a
STAGE it ends itself by SIGKILL: `commit` inside the transaction that records a batch, `index` between the record and the index.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, NoReturn, Self

from checkout import ROOT, SOURCE_ROOTS
from smallpool_config.runtime import Background
from system_rig import Marketplace


def say(what: str) -> None:
    """One line to whoever started this process."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


class Announced:
    """An observer that says which stage has run."""

    def observe(self, stage: str, seconds: float, in_count: int, out_count: int) -> None:
        say(stage)

    def count(self, name: str, amount: int = 1) -> None:
        """What is counted is not announced."""


def kill_this_process(*_values: object, **_options: object) -> NoReturn:
    """As a power cut of one process: nothing is closed, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL cannot be survived")


def turn(folder: Path, dies_at: str | None) -> None:
    """Owns the folder's write path and turns it as `serve` does."""
    market = Marketplace(folder, observer=Announced())
    if dies_at == "commit":
        market.system.log.commit = kill_this_process  # type: ignore[method-assign]
    if dies_at == "index":
        market.system.columns.index = kill_this_process  # type: ignore[method-assign]
    with market.system.own_write_path(), Background(market.system, market.system.serving_lines()):
        say("ready")
        sys.stdin.read()
    market.close()


class WriteProcess:
    """The process, as the test that started it sees it."""

    def __init__(self, process: "Popen[str]", said: IO[str]) -> None:
        self._process = process
        self._said = said

    @classmethod
    def start(cls, folder: Path, dies_at: str | None = None) -> Self:
        """Starts the process; it may not be ready yet."""
        path = os.pathsep.join(str(ROOT / name) for name in (*SOURCE_ROOTS, "tests"))
        command = [sys.executable, "-P", __file__, str(folder), *([dies_at] if dies_at else [])]
        process = Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=os.environ | {"PYTHONPATH": path}, cwd=folder)
        if process.stdout is None:
            raise AssertionError("stdout is a pipe")
        return cls(process, process.stdout)

    def await_stage(self, stage: str) -> bool:
        """Waits until the process has said so once more; false if it ended before."""
        return any(line == f"{stage}\n" for line in self._said)

    def await_stages(self, count: int) -> bool:
        """Waits until the process has run that many more stages, whichever; false if it ended before."""
        return len(list(islice(self._said, count))) == count

    def kill(self) -> None:
        """SIGKILL, wherever it is."""
        self._process.kill()
        self.end()

    def end(self) -> int:
        """Lets it finish what it does, or be dead; its exit code, negative for a signal."""
        self._process.communicate()
        return self._process.returncode


@contextmanager
def write_process(folder: Path, dies_at: str | None = None) -> Iterator[WriteProcess]:
    """A process that turns the folder's write path while the block lasts, and is ready at its begin."""
    process = WriteProcess.start(folder, dies_at)
    try:
        process.await_stage("ready")
        yield process
    finally:
        process.kill()


if __name__ == "__main__":
    turn(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
