"""One command's hold on the data: settings, the system over them, and the wait until it is up to date.

In: the command's context and options. Out: an open `System`, closed again when the command ends. While a server holds the directory
a command only appends to its logs and waits for it; with no server the command turns the write path itself.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from msgspec.structs import replace

from smallpool_config.cli.screen import progress
from smallpool_core.errors import DirectoryLocked, SmallpoolError, StoreUnavailable

if TYPE_CHECKING:
    from smallpool_config.settings import Settings
    from smallpool_config.settle import Goal
    from smallpool_config.wiring import System

LOOK_EVERY_S = 0.02
STALLED_S = 60.0
"""How long a server may take in nothing before a command gives up on it."""


class NoData(SmallpoolError):
    """Nothing was ever stored where the command looks."""

    def __init__(self, place: str, first_step: str) -> None:
        super().__init__(f"there is no smallpool data in {place}: {first_step}")


def settings_of(ctx: typer.Context, data: Path | None) -> "Settings":
    """The settings of the command; `--data` and SMALLPOOL_DATA win over every other place. Raises `SettingsRefused`."""
    from smallpool_config.settings import load_settings

    config = ctx.find_object(Path)
    settings = load_settings(config, os.environ)
    return settings if data is None else replace(settings, store=replace(settings.store, directory=str(data)))


@contextmanager
def opened(ctx: typer.Context, data: Path | None, *, create: bool = False, patient: bool = False) -> "Iterator[System]":
    """The system of the command. Without `create` it raises `NoData` where nothing was ever stored; a `patient` command waits for a
    store that does not answer.
    """
    from smallpool_config.patience import insist
    from smallpool_config.wiring import open_system

    system = open_system(settings_of(ctx, data))
    try:
        if create and patient:
            insist(system.begin)
        elif create:
            system.begin()
        elif not system.has_data():
            raise NoData(system.place, system.first_step)
        yield system
    finally:
        system.close()


def load(system: "System", *, shown: bool) -> None:
    """Fills what lives in memory, with a progress bar."""
    with progress("loading the index", shown=shown) as show:
        system.load(show)


def load_write_path(system: "System", *, shown: bool) -> None:
    """Fills what the write path alone has in memory, with a progress bar."""
    with progress("loading the index", shown=shown) as show:
        system.load_write_path(show)


def catch_up(system: "System", *, shown: bool) -> None:
    """Returns when all that was on the logs is taken in and every pool tagged: by the server if one runs, else by this process.

    Raises `StoreUnavailable` if a server takes in nothing for a minute; what was appended is safe on its log.
    """
    from smallpool_config.settle import Goal

    goal = Goal.now(system)
    while goal.left(system):
        if system.has_writer():
            _await_writer(system, goal, shown=shown)
            continue
        with suppress(DirectoryLocked), system.own_write_path():
            turn_until_idle(system, shown=shown)


def turn_until_idle(system: "System", *, shown: bool) -> None:
    """Turns the write path here until nothing is left to do; the caller owns it."""
    from smallpool_config.settle import settle

    load(system, shown=shown)
    with progress("taking in", shown=shown) as show:
        settle(system, show)


def _await_writer(system: "System", goal: "Goal", *, shown: bool) -> None:
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
                    f"waited for the server of {system.place}, which took in nothing for {STALLED_S:.0f} s; the"
                    f" {left} events or pools that wait are safe: look at the server's output, restart it, then try again"
                )
