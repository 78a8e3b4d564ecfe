"""The README's example of publish, click, recall and why, run as it stands there: only the port is another one."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT, SOURCE_ROOTS
from cli_rig import MAIN

SECTION = "## Publish, click, recall, why"
PATIENT = {"SMALLPOOL_LIMITS_USER_WAIT_MS": "30000", "SMALLPOOL_READ_TIMEOUT_MS": "30000"}
COMMAND = ".venv/bin/smallpool"


def blocks(language: str) -> str:
    """The section's code in that language."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition(SECTION)[2].partition("\n## ")[0]
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def values(text: str) -> list[Any]:
    """Every JSON value in the text, one after the other."""
    found, decoder = [], json.JSONDecoder()
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def test_the_example_of_the_readme_answers_as_the_readme_says(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    command = tmp_path / COMMAND
    command.parent.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{MAIN}' \"$@\"\n")
    command.chmod(0o755)
    example = blocks("sh").replace("--data shop &", '--data shop --port "$PORT" > server.log 2>&1 &\ntrap "kill $!" EXIT\n')
    paths = os.pathsep.join(str(ROOT / root) for root in SOURCE_ROOTS)
    environment = {**os.environ, **PATIENT, "PORT": str(free_port()), "PYTHONPATH": paths}
    script = example.replace(":8080", ":$PORT")
    ran = subprocess.run(["bash", "-euc", script], cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)

    ready, pool, accepted, clicked, page, why = values(ran.stdout)
    expected = blocks("json")
    assert ready["ready"] is True
    assert pool["pool_id"] == "tablets"
    assert (accepted, clicked["applied"]) == (json.loads(expected.splitlines()[0]), True)
    assert [item["item_id"] for item in page["items"]] == re.findall(r'\{"item_id":"(\w+)","category"', expected)
    # Nobody was shown either of the two, so one may have been explored besides.
    assert [item["sources"][:3] for item in page["items"]] == [["terms", "popular", "newest"]] * 2
    assert {name: why[name] for name in ("item_id", "served", "stage", "reason", "detail")} == {
        "item_id": "a3",
        "served": False,
        "stage": "pool",
        "reason": "not_in_pool",
        "detail": re.findall(r'"detail":"(.*?)"', expected)[0],
    }
