"""One command's hold on the data: settings, the system over them, and the wait until it is up to date.

In: the command's context and options. Out: an open `System`, closed again when the command ends. While a server holds the directory
a command only appends to its logs and waits for it; with no server the command turns the write path itself.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from msgspec import Struct
from msgspec.structs import replace

from smallpool_config.cli.screen import progress
from smallpool_core.errors import DirectoryLocked, SmallpoolError, StoreUnavailable

if TYPE_CHECKING:
    from smallpool_config.settings import Settings
    from smallpool_config.wiring import System

LOOK_EVERY_S = 0.02
STALLED_S = 60.0
"""How long a server may take in nothing before a command gives up on it."""


class NoData(SmallpoolError):
    """The data directory holds nothing yet."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"there is no smallpool data in {directory}: begin with `smallpool publish FILE` or `smallpool serve`, or name another"
            " directory with --data DIR"
        )


def settings_of(ctx: typer.Context, data: Path | None) -> "Settings":
    """The settings of the command; `--data` and SMALLPOOL_DATA win over every other place. Raises `SettingsRefused`."""
    from smallpool_config.settings import load_settings

    config = ctx.find_object(Path)
    settings = load_settings(config, os.environ)
    return settings if data is None else replace(settings, store=replace(settings.store, directory=str(data)))


@contextmanager
def opened(ctx: typer.Context, data: Path | None, *, create: bool = False) -> "Iterator[System]":
    """The system of the command. Without `create` it raises `NoData` where nothing was ever stored."""
    from smallpool_config.wiring import DATABASE_FILE, open_system

    settings = settings_of(ctx, data)
    directory = Path(settings.store.directory)
    if not create and not (directory / DATABASE_FILE).exists():
        raise NoData(directory)
    system = open_system(settings)
    try:
        yield system
    finally:
        system.close()


def load(system: "System", *, shown: bool) -> None:
    """Fills what lives in memory, with a progress bar."""
    with progress("loading the index", shown=shown) as show:
        system.load(show)


class Goal(Struct, frozen=True):
    """What is to be taken in before a command goes on: the newest offsets of both logs, and the pools to be tagged by epoch."""

    items: int
    behaviour: int
    pools: dict[str, int]

    @classmethod
    def now(cls, system: "System") -> "Goal":
        """Everything that waits at this moment."""
        system.catalogue.refresh()
        untagged = {known.pool.pool_id: known.pool.epoch for known in system.catalogue.untagged()}
        return cls(system.log.end("item-events"), system.log.end("user-events"), untagged)

    def left(self, system: "System") -> int:
        """How many events and pools are still to come."""
        from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP

        items = max(0, self.items - system.log.committed("item-events", INDEXER_GROUP))
        behaviour = max(0, self.behaviour - system.log.committed("user-events", BEHAVIOUR_GROUP))
        system.catalogue.refresh()
        waiting = {known.pool.pool_id: known.pool.epoch for known in system.catalogue.untagged()}
        return items + behaviour + sum(waiting.get(pool_id) == epoch for pool_id, epoch in self.pools.items())


def catch_up(system: "System", *, shown: bool) -> None:
    """Returns when all that was on the logs is taken in and every pool tagged: by the server if one runs, else by this process.

    Raises `StoreUnavailable` if a server takes in nothing for a minute; what was appended is safe on its log.
    """
    goal = Goal.now(system)
    while goal.left(system):
        try:
            with system.own_write_path():
                turn_until_idle(system, shown=shown)
        except DirectoryLocked:
            _await_writer(system, goal, shown=shown)


def turn_until_idle(system: "System", *, shown: bool) -> None:
    """Turns the write path here until nothing is left to do; the caller owns it."""
    load(system, shown=shown)
    goal = Goal.now(system)
    total = goal.left(system)
    with progress("taking in", shown=shown) as show:
        while system.write_path.turn():
            left = goal.left(system)
            total = max(total, left)
            show(total - left, total)
        system.indexer.drain()


def _await_writer(system: "System", goal: Goal, *, shown: bool) -> None:
    """Waits while another process turns the write path; returns when the goal is met or nobody turns it any more."""
    total = left = goal.left(system)
    moved_at = time.monotonic()
    with progress("waiting for the server", shown=shown) as show:
        while left and system.has_writer():
            time.sleep(LOOK_EVERY_S)
            before, left = left, goal.left(system)
            if left != before:
                moved_at = time.monotonic()
                show(total - left, total)
            elif time.monotonic() - moved_at > STALLED_S:
                raise StoreUnavailable(
                    f"waited for the server of {system.settings.store.directory}, which took in nothing for {STALLED_S:.0f} s; the"
                    f" {left} events or pools that wait are safe: look at the server's output, restart it, then try again"
                )
