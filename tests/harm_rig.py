"""Real servers that tests may kill and pause, and `smallpool` processes over them.

In: a stack of the tests' own. Out: servers harmed and mended, processes with the settings of a test.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec

from checkout import ROOT, SOURCE_ROOTS
from smallpool_config import stack
from smallpool_config.settings import Settings
from smallpool_config.stack.cache import cache_folder, held
from smallpool_config.stack.state import Kind

NAME = "faults"
PATIENCE_S = 120.0
LOOK_EVERY_S = 0.02
MAIN = "import sys; from smallpool_config.cli import main; sys.exit(main())"


class Servers:
    """The servers of a stack, one node of each kind unless told otherwise."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._paused: set[tuple[Kind, int]] = set()

    @property
    def addresses(self) -> stack.Addresses:
        found = stack.running(self.name)
        assert found is not None, f"stack {self.name} runs"
        return found

    def kill(self, kind: Kind, node: int = 0) -> None:
        stack.kill(kind, node, name=self.name)

    def pause(self, kind: Kind, node: int = 0) -> None:
        """SIGSTOP: connections stand, and nothing is answered."""
        self._paused.add((kind, node))
        stack.kill(kind, node, signal.SIGSTOP, name=self.name)

    def resume(self, kind: Kind, node: int = 0) -> None:
        self._paused.discard((kind, node))
        stack.kill(kind, node, signal.SIGCONT, name=self.name)

    def start(self, kind: Kind, node: int = 0) -> None:
        """Starts it again on its ports and data; returns when it answers."""
        stack.start(kind, node, name=self.name)

    def mend(self) -> None:
        """Every server runs and answers."""
        for kind, node in list(self._paused):
            self.resume(kind, node)
        stack.up(self.name)


@contextmanager
def servers(name: str = NAME, nodes: int = 1) -> Iterator[Servers]:
    """A stack for one run of tests at a time; what was not up before is gone afterwards."""
    with held(cache_folder() / "stack" / f"{name}-tests.lock"):
        was_up = stack.running(name) is not None
        stack.up(name, nodes=nodes)
        made = Servers(name)
        try:
            yield made
        finally:
            if not was_up:
                stack.down(name, wipe=True)


def await_that(what: Callable[[], object], why: str, patience_s: float = PATIENCE_S) -> None:
    """Returns once it holds; fails the test after a while."""
    give_up = time.monotonic() + patience_s
    while not what():
        assert time.monotonic() < give_up, f"waited {patience_s:.0f} s: {why}"
        time.sleep(LOOK_EVERY_S)


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings that are not the default, as variables."""
    found: dict[str, str] = {}
    for section in msgspec.structs.fields(Settings):
        given, usual = getattr(settings, section.name), getattr(Settings(), section.name)
        if isinstance(given, msgspec.Struct):
            for field in msgspec.structs.fields(given):
                value = getattr(given, field.name)
                if value != getattr(usual, field.name):
                    found[f"SMALLPOOL_{section.name}_{field.name}".upper()] = value if isinstance(value, str) else json.dumps(value)
    return found


class Process:
    """A `smallpool` command that runs; what it prints goes to a file, which never fills up."""

    def __init__(self, settings: Settings, folder: Path, *arguments: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / f"{arguments[0]}.log"
        command = [sys.executable, "-c", MAIN, "--config", str(ROOT / "config" / "distributed.toml"), *arguments]
        paths = {"PYTHONPATH": os.pathsep.join(str(ROOT / root) for root in SOURCE_ROOTS), "PYTHONUNBUFFERED": "1", "COLUMNS": "400"}
        with self._log.open("ab") as log:
            self._begun = log.tell()
            self.popen = subprocess.Popen(
                command, env=os.environ | environment_of(settings) | paths, stdout=log, stderr=subprocess.STDOUT, cwd=folder
            )

    @property
    def said(self) -> str:
        """What this life of the process printed so far."""
        return self._log.read_bytes()[self._begun :].decode("utf-8", "replace")

    @property
    def is_alive(self) -> bool:
        return self.popen.poll() is None

    def await_that(self, what: Callable[[], object], why: str) -> None:
        """Returns once it holds; the test fails at once where the process has ended."""

        def holds() -> object:
            assert self.is_alive, self.said[-4000:]
            return what()

        await_that(holds, why)

    def await_saying(self, what: str) -> None:
        await_that(lambda: what in self.said or not self.is_alive, f"the process says {what!r}: {self.said[-2000:]}")
        assert what in self.said, self.said[-4000:]

    def kill(self) -> None:
        """SIGKILL, wherever it is."""
        self.popen.kill()
        self.popen.wait()

    def stop(self, within_s: float = PATIENCE_S) -> int:
        """SIGTERM; its exit code, or the test fails if it does not end in time."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(within_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.kill()


class Indexing(Process):
    """`smallpool index`. Several share a marketplace, each with a folder of its own."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        own = msgspec.structs.replace(settings.kafka, state_directory=str(folder / "state"))
        super().__init__(msgspec.structs.replace(settings, kafka=own), folder, "index", "--metrics-port", "0")

    def await_ready(self) -> Self:
        self.await_saying("taking in events")
        return self

    def ask(self, path: str) -> httpx.Response:
        """What the process tells of itself, once it is ready."""
        address = next(line.split("; ")[1] for line in self.said.splitlines() if "taking in events" in line).removesuffix("/metrics")
        return httpx.get(f"{address}{path}", timeout=30.0)


class Serving(Process):
    """`smallpool serve` on a free port."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        own = msgspec.structs.replace(settings.store, directory=str(folder / "data"))
        self._key_file = folder / "data" / "admin.key"
        super().__init__(msgspec.structs.replace(settings, store=own), folder, "serve", "--port", "0")

    def client(self, timeout_s: float = 30.0, key: str | None = None) -> httpx.Client:
        """A client, once the process listens: with the key, or with the admin's that the first process of a marketplace makes."""
        self.await_saying("API docs")
        address = next(line.split()[-1] for line in self.said.splitlines() if "API docs" in line).removesuffix("/docs")
        secret = key or self._key_file.read_text().strip()
        return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {secret}"}, timeout=timeout_s)


def body_of(reply: httpx.Response) -> Any:
    """The reply's JSON; the test fails unless the request was answered."""
    assert reply.status_code < 500, (reply.status_code, reply.text)
    return reply.json()
