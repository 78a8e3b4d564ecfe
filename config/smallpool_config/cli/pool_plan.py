"""What applying a folder of pools would do, and doing it.

In: a system, files. Out: a plan, one line a pool; then the saved revisions.
"""

import asyncio
import getpass
from pathlib import Path
from typing import Any, Literal

from msgspec import UNSET, Struct, structs
from rich.text import Text

from smallpool_config.cli.pool_files import PoolFile, changes, read_pools
from smallpool_config.cli.pool_preview import show_warnings
from smallpool_config.cli.screen import plain, screen
from smallpool_config.wiring import System
from smallpool_core.errors import NotFound
from smallpool_core.pools import Pool
from smallpool_service.operators import Change, Saved, save_pool

Action = Literal["create", "change", "unchanged"]


class Planned(Struct, frozen=True):
    """What is to be done for one file. `expected` is the revision that the plan is made on, None for a new pool."""

    file: PoolFile
    action: Action
    changes: dict[str, tuple[Any, Any]]
    expected: int | None


def plan(system: System, place: Path) -> list[Planned]:
    """One line a pool, by pool_id. Raises `Refused` with every mistake of every file; changes nothing."""
    system.catalogue.refresh()
    return [_planned(system, file) for file in read_pools(place, system.catalogue)]


def carry_out(system: System, planned: list[Planned], reason: str | None) -> list[Saved]:
    """Saves what the plan says is to be made or changed; raises `RevisionStale` where somebody else was faster."""
    author = command_line_author()
    saved = []
    for one in planned:
        if one.action != "unchanged":
            change = Change(author, reason or f"applied from {one.file.path.name}", system.clock.now_ms(), one.expected)
            saved.append(asyncio.run(save_pool(system.read_ports, system.pools, one.file.pool_id, one.file.draft, change)))
    return saved


def _planned(system: System, file: PoolFile) -> Planned:
    stored = _stored(system, file.pool_id)
    if stored is None:
        given = {name: (None, value) for name, value in structs.asdict(file.draft).items() if value is not UNSET}
        return Planned(file, "create", given, None)
    found = changes(file.draft, stored)
    return Planned(file, "change" if found else "unchanged", found, stored.revision)


def _stored(system: System, pool_id: str) -> Pool | None:
    try:
        return asyncio.run(system.pools.get(pool_id)).pool
    except NotFound:
        return None


def show_saved(saved: Saved) -> None:
    """Where a pool stands after a change, and what is odd about its rule."""
    pool = saved.pool
    held = "; what it holds could not be counted now" if saved.preview.count is None else f" and holds {saved.preview.count:,} items"
    screen().print(Text(f"{plain(pool.pool_id)} is at revision {pool.revision}{held}"))
    show_warnings(saved.preview.warnings, pool.pool_id)


def command_line_author() -> str:
    """Who changes a pool from here; a machine may have an account without a name."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):
        who = "nobody"
    return f"{who} (command line)"
