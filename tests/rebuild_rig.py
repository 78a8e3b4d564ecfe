"""`smallpool rebuild` and `sync` on a marketplace of the real servers: as processes, and what the index must hold afterwards."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from checkout import ROOT, SOURCE_ROOTS
from cli_rig import MAIN
from kafka_rig import everything
from smallpool_config.settings import Settings
from smallpool_config.wiring.distributed import Distributed
from smallpool_core.generations import digest_of
from smallpool_stores.elasticsearch.indices import ItemIndices
from system_rig import Marketplace

PATIENCE_S = 120


class Installation:
    """The indices and the log behind a marketplace of the distributed wiring."""

    def __init__(self, market: Marketplace, settings: Settings) -> None:
        assert isinstance(market.system, Distributed)
        self.system = market.system
        self.settings = settings
        self.indices = ItemIndices(self.system.connection, self.system.knowledge.attributes)

    @property
    def serving(self) -> str:
        return self.indices.serving() or ""

    def digest(self) -> str:
        """Of the index that serves."""
        self.indices.refresh(self.serving)
        return self.indices.digest(self.serving)

    def recorded_digest(self) -> str:
        """Of what `item-wide` says of each item."""
        newest = everything(self.settings.kafka)
        return digest_of((item_id, *newest[item_id].order) for item_id in sorted(newest))

    def others(self) -> list[str]:
        """Generations that do not serve."""
        return [one.name for one in self.indices.generations() if not one.serves]

    def command(self, folder: Path, *arguments: str) -> "list[str]":
        """A command line on the same servers."""
        elasticsearch, kafka, redis = self.settings.elasticsearch, self.settings.kafka, self.settings.redis
        file = folder / "servers.toml"
        file.write_text(
            f'wiring = "distributed"\n[elasticsearch]\nurl = "{elasticsearch.url}"\nprefix = "{elasticsearch.prefix}"\nreplicas = 0\n'
            f'[kafka]\nbootstrap = "{kafka.bootstrap}"\nprefix = "{kafka.prefix}"\npartitions = {kafka.partitions}\n'
            f'state_directory = "{folder / "command"}"\n[redis]\nurl = "{redis.url}"\nprefix = "{redis.prefix}"\n'
            f"[indexer]\ntail_size = {self.settings.indexer.tail_size}\n",
            encoding="utf-8",
        )
        return [sys.executable, "-P", "-c", MAIN, "--config", str(file), *arguments]

    @contextmanager
    def process(self, folder: Path, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """The command as a process of its own, killed at the end if it still runs."""
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(ROOT / root) for root in SOURCE_ROOTS)}
        command = self.command(folder, *arguments)
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, folder: Path, *arguments: str, code: int = 0) -> Any:
        """What the command printed: JSON where it was asked for, else text."""
        with self.process(folder, *arguments) as process:
            out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code, (out, err)
        return json.loads(out) if "--json" in arguments else out + err
