"""The demo at one instant tells the same story on either wiring: the same pages, reasons and figures."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from checkout import ROOT
from cli_rig import Shell
from servers import VARIABLES, address

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT12:00:00")
"""Younger than what brokers keep: of an older instant they may forget what was served before it is reported."""
STORY = ("demo", "--once", "--items", "400", "--seed", "3", "--at", YESTERDAY)
TIMINGS = re.compile(r"(?<=━) +\d+\.\d\d(?= )|in [\d.]+ s\b.*|took \d+ s\b.*|[\d.]+ +━+ *$|export SMALLPOOL_KEY=.*|stage +in +out +ms *|─+")
LISTINGS = re.compile(r"(?s) 1  Sellers.*?(?= 2  An operator)")
"""Which listings are shown while they are taken in is chance: partitions are read side by side."""


def told(shell: Shell, *options: str) -> list[str]:
    """The story without what depends on the machine's speed, up to the experiment's figures: these are read back from a log of pages, of
    which a busy broker may not show the last yet.
    """
    text = LISTINGS.sub("", shell.run(*options, *STORY).out).partition("as_they_like")[0]
    return [" ".join(TIMINGS.sub("", line).split()) for line in text.splitlines()]


def test_the_demo_at_one_instant_shows_the_same_pages_on_either_wiring(tmp_path: Path) -> None:
    here, there = Shell(tmp_path), Shell(tmp_path)
    there.environment |= {variable: address(server) for server, variable in VARIABLES.items()}
    there.environment |= {"SMALLPOOL_ELASTICSEARCH_REPLICAS": "0"}
    story = told(here)
    assert any("first page" in line for line in story)
    assert told(there, "--config", str(ROOT / "config" / "distributed.toml")) == story
