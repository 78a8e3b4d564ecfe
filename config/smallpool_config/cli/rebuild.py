"""`smallpool rebuild`: the full sync of the wide index, and the way back.

In: `item-wide`. Out: another generation of the index of items that serves, held against what was replayed into it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import plain, print_json, progress, screen

if TYPE_CHECKING:
    from smallpool_config.wiring import System
    from smallpool_indexer.rebuild import Rebuilt


def rebuild(
    ctx: typer.Context,
    rollback: Annotated[bool, typer.Option("--rollback", help="Go back to the generation before, brought up to date first.")] = False,
    keep: Annotated[int, typer.Option("--keep", metavar="N", min=0, help="Generations to keep, to go back to, beside the new one.")] = 1,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Replay item-wide into a fresh generation of the wide index, compare, and let that one serve.

    Serving and indexing go on meanwhile. Counts and digests of the generation and of the replay must be the same, else the old one goes
    on serving; so it does where this is interrupted or killed. One rebuild runs at a time. Where the wide index lives in memory there
    is nothing to do.
    """
    with over_stores(ctx, data) as system:
        work = system.rebuild
        if work is None:
            say_made_anew(system, as_json=as_json)
            return
        system.begin()
        with progress("replaying item-wide", shown=not as_json) as show:
            rebuilt = work.roll_back(show) if rollback else work.run(keep, show)
    if as_json:
        print_json(rebuilt)
    else:
        _tell(rebuilt)


@contextmanager
def over_stores(ctx: typer.Context, data: Path | None) -> "Iterator[System]":
    """The system of the command, of which nothing is opened yet."""
    from smallpool_config.cli.session import settings_of
    from smallpool_config.wiring import open_system

    system = open_system(settings_of(ctx, data))
    try:
        yield system
    finally:
        system.close()


def say_made_anew(system: "System", *, as_json: bool = False) -> None:
    """That the wide index of this wiring needs no sync."""
    if as_json:
        print_json(None)
    else:
        text = f"nothing to do: the wide index of {plain(system.place)} lives in memory and is made anew from its file at each start"
        screen().print(text, markup=False, soft_wrap=True)


def _tell(rebuilt: "Rebuilt") -> None:
    lines = [
        f"{rebuilt.records:,} records replayed",
        f"item-wide   {rebuilt.replayed_items:,} items, digest {rebuilt.replayed_digest}",
        f"the index   {rebuilt.items:,} items, digest {rebuilt.digest}",
    ]
    if rebuilt.newer:
        lines.append(f"{rebuilt.newer:,} of them were newer than the replay when both were compared, and are in item-wide")
    if rebuilt.refused:
        lines.append(f"{rebuilt.refused:,} items have a record that the index does not take; `smallpool dead-letters list` says why")
    lines.append(f"{rebuilt.serving} serves; before it {rebuilt.before or 'none did'}")
    if rebuilt.dropped:
        lines.append(f"dropped: {', '.join(rebuilt.dropped)}")
    for line in lines:
        screen().print(line, markup=False, soft_wrap=True)
