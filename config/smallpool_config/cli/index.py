"""`smallpool index`: the write path alone, without serving.

In: the event logs of a data directory. Out: everything on them understood, pooled, recorded; the process goes on with what comes.
"""

import threading
from typing import TYPE_CHECKING, Annotated

import typer

from smallpool_config.cli.options import Data
from smallpool_config.cli.screen import screen
from smallpool_config.cli.stopping import told_to_stop
from smallpool_core.errors import StoreError

if TYPE_CHECKING:
    from smallpool_config.runtime import Background

LOOK_EVERY_S = 0.5


def index(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Take in what waits, then end.")] = False,
    data: Data = None,
) -> None:
    """Run the write path alone: take in item and user events, tag pools, sweep what has expired. SIGTERM and Ctrl-C end it in order."""
    from smallpool_config.cli.session import load_write_path, opened, turn_until_idle
    from smallpool_config.runtime import Background

    with opened(ctx, data, create=True, patient=not once) as system, system.own_write_path():
        if once:
            turn_until_idle(system, shown=True)
        else:
            load_write_path(system, shown=True)
            turn_until_told_to_stop(Background(system, system.write_lines()), "taking in events")
        screen().print("stopped; everything taken in is stored")


def turn_until_told_to_stop(background: "Background", doing: str) -> None:
    """Returns soon after SIGTERM or Ctrl-C; raises `StoreError` if what goes on ends by itself."""
    stop = threading.Event()
    with told_to_stop(stop.set), background:
        screen(stderr=True).print(f"{doing}; Ctrl-C ends it")
        while not stop.wait(LOOK_EVERY_S):
            if not background.is_alive:
                raise StoreError(f"taking in has stopped: {background.failure}; nothing acknowledged is lost, start it again")
