"""`smallpool sync`: the incremental sync of the wide index by itself.

In: `item-wide` from where the index has come, or from its beginning. Out: the index that serves, up to date.
"""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from smallpool_config.cli.index import turn_until_told_to_stop
from smallpool_config.cli.options import Data
from smallpool_config.cli.rebuild import over_stores, say_made_anew
from smallpool_config.cli.screen import progress, screen

if TYPE_CHECKING:
    from smallpool_indexer.replay import Sync

LOOK_EVERY_S = 0.02


def sync(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End when the index has what was recorded until now.")] = False,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Replay all of item-wide, as after a cluster was restored from a snapshot.")
    ] = False,
    data: Data = None,
) -> None:
    """Bring the wide index up to date with item-wide, without owning items.

    `smallpool index` does this for the items that it owns; both may run at once, since an index ignores what it has. Where the wide
    index lives in memory there is nothing to do.
    """
    from smallpool_config.runtime import Background
    from smallpool_indexer.write_path import Worker

    with over_stores(ctx, data) as system:
        work = system.sync(from_start=from_start)
        if work is None:
            say_made_anew(system)
            return
        system.begin()
        _catch_up(work)
        if not once:
            turn_until_told_to_stop(Background(system, [[Worker("index", work.turn)]]), "following item-wide")


def _catch_up(work: "Sync") -> None:
    with progress("replaying item-wide", shown=True) as show:
        count = work.catch_up(lambda: time.sleep(LOOK_EVERY_S), show)
    screen().print(f"{count:,} records taken in; the index has what was recorded until now")
