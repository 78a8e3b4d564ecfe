"""`smallpool index`: the write path alone, without serving.

In: the event logs of a data directory. Out: everything on them understood, pooled, recorded; the process goes on with what comes.
"""

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from smallpool_config.cli.options import Data
from smallpool_config.cli.screen import screen
from smallpool_core.errors import StoreError
from smallpool_core.pools import HOME

if TYPE_CHECKING:
    from smallpool_config.runtime import WritePathThread

LOOK_EVERY_S = 0.5


def index(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Take in what waits, then end.")] = False,
    data: Data = None,
) -> None:
    """Run the write path alone: take in item and user events, tag pools, sweep what has expired. SIGTERM and Ctrl-C end it in order."""
    from smallpool_config.cli.session import load, opened, turn_until_idle
    from smallpool_config.runtime import WritePathThread

    with opened(ctx, data, create=True) as system, system.own_write_path():
        if once:
            turn_until_idle(system, shown=True)
        else:
            load(system, shown=True)
            with WritePathThread(system) as writer:
                _until_told_to_stop(writer)
        screen().print(f"{system.live_view.size(HOME, system.clock.now_ms()):,} items on sale")


def _until_told_to_stop(writer: "WritePathThread") -> None:
    """Raises `StoreError` if the write path ends by itself."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    screen(stderr=True).print("taking in events; Ctrl-C ends it")
    while not stop.wait(LOOK_EVERY_S):
        if not writer.is_alive:
            raise StoreError(f"the write path has stopped: {writer.failure}; nothing acknowledged is lost, start it again")
