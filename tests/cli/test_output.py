"""What is printed fits where it goes, and says in one line why where it does not go there."""

import os
import subprocess
import sys
from pathlib import Path

from checkout import ROOT, SOURCE_ROOTS
from cli_rig import MAIN, Shell, listing

FULL = Path("/dev/full")


def test_an_endless_title_takes_no_more_of_a_table_than_others(shell: Shell) -> None:
    shell.publish([listing("long", title="手机" * 500)])
    file = shell.write("p.yaml", "pool_id: p\nrule: {all: []}\n")
    for printed in (shell.run("recall", "home", "--user", "u"), shell.run("pools", "preview", file)):
        assert "…" in printed.out
        assert "手机" * 41 not in printed.out.replace("\n", "").replace(" ", "")


def test_output_that_cannot_be_written_is_told_in_one_line(shell: Shell) -> None:
    shell.publish([listing()])
    paths = os.pathsep.join(str(ROOT / root) for root in SOURCE_ROOTS)
    environment = {**os.environ, **shell.environment, "PYTHONPATH": paths}
    with FULL.open("w") as full:
        command = [sys.executable, "-c", MAIN, "pools", "list", "--json"]
        ended = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: the system refused what the command had to do: [Errno 28]")
    assert len(ended.stderr.splitlines()) == 1
