"""Importing a module opens nothing: no file, socket, database or process."""

import json
import os
import subprocess
import sys
from pathlib import Path

from checkout import PACKAGES, ROOT, SOURCE_ROOTS, modules

PROBE = Path(__file__).with_name("import_probe.py")


def io_at_import(checkout: Path, names: list[str]) -> list[dict[str, str]]:
    """What the modules do while they are imported, one after the other, in a fresh interpreter."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(checkout / root) for root in SOURCE_ROOTS)}
    command = [sys.executable, str(PROBE), *names]
    probed = subprocess.run(command, cwd=checkout, env=environment, check=False, capture_output=True, text=True)
    assert probed.returncode == 0, probed.stderr
    found: list[dict[str, str]] = json.loads(probed.stdout)
    return found


def test_no_module_does_io_when_it_is_imported() -> None:
    names = [name for package in PACKAGES.values() for name in modules(package) if not name.endswith(".__main__")]
    assert io_at_import(ROOT, names) == []


def test_io_at_import_is_noticed_however_it_is_done(tmp_path: Path) -> None:
    folder = tmp_path / "core"
    folder.mkdir()
    guilty = {
        "reads_a_file": "from pathlib import Path\nPath(__file__).read_text()",
        "lists_a_folder": "import os\nos.listdir('.')",
        "opens_a_database": "import sqlite3\nsqlite3.connect(':memory:')",
        "opens_a_socket": "import socket\nsocket.socket().close()",
        "starts_a_process": "import subprocess\nsubprocess.run(['true'])",
        "makes_a_folder": "import os\nos.makedirs('made', exist_ok=True)",
    }
    innocent = {"imports_others": "import email.mime.text, jieba, numpy, sqlite3", "computes": "A = sum(range(10))"}
    for name, text in {**guilty, **innocent}.items():
        (folder / f"{name}.py").write_text(text)
    assert {row["module"] for row in io_at_import(tmp_path, [*innocent, *guilty])} == set(guilty)
