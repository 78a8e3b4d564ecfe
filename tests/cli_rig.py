"""The command line in a data directory of the test's own: arguments go in, what was printed comes out."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from builders import NOW
from checkout import ROOT, SOURCE_ROOTS
from smallpool_config.cli import app

MAIN = "import sys; from smallpool_config.cli import main; sys.exit(main())"


class Printed:
    """What a command left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        """Stdout, which is one JSON value and nothing else."""
        return json.loads(self.out)


class Shell:
    """Runs commands on one data directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.environment = {"SMALLPOOL_DATA": str(self.data), "COLUMNS": "200", "SMALLPOOL_STORE_SYNCHRONOUS": "off"}

    def run(self, *arguments: str, code: int = 0, stdin: str | bytes | None = None) -> Printed:
        """One command, in this process; the test fails if it ends otherwise than expected."""
        result = CliRunner().invoke(app, list(arguments), env=self.environment, input=stdin)
        assert result.exit_code == code, (result.exit_code, result.stdout, result.stderr, result.exception)
        return Printed(result.exit_code, result.stdout, result.stderr)

    def write(self, name: str, text: str) -> str:
        """A file beside the data, and its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def publish(self, rows: Sequence[dict[str, Any]]) -> None:
        """Item events, published and taken in."""
        self.run("publish", self.write("events.jsonl", "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)))

    def make_pool(self, pool_id: str = "p", rule: str = "{all: []}", more: str = "") -> str:
        """A pool's file, applied."""
        path = self.write(f"pools/{pool_id}.yaml", f"pool_id: {pool_id}\nname: {pool_id}\nrule: {rule}\n{more}")
        self.run("pools", "apply", path)
        return path

    @contextmanager
    def serving(self) -> Iterator[tuple[subprocess.Popen[str], str]]:
        """A server of its own process on this directory, and its address; killed at the end if it still runs."""
        with self.started("serve", "--port", "0") as process:
            assert process.stdout is not None
            yield process, process.stdout.readline().rpartition(" ")[2].strip()

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command in a process of its own."""
        paths = os.pathsep.join(str(ROOT / root) for root in SOURCE_ROOTS)
        environment = {**os.environ, **self.environment, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-c", MAIN, *arguments]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()


def phones(count: int, categories: int = 40) -> list[dict[str, Any]]:
    """That many listings in as many categories."""
    return [listing(f"i{number:03}", category=["数码", f"类{number % categories:02}"]) for number in range(count)]


def listing(item_id: str = "i1", version: int = 1, **item: Any) -> dict[str, Any]:
    """A listing as a seller's system sends it: a phone for 999 yuan, unless told otherwise."""
    whole = {"title": f"苹果手机 {item_id} 95新", "category": ["数码", "手机"], "price_cents": 99_900, "seller_id": "s1"}
    return {"type": "published", "item_id": item_id, "version": version, "at": NOW, "item": whole | item}
