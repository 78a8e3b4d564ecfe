"""`smallpool index`: the write path alone, without serving pages.

In: the event logs. Out: everything on them understood, pooled, recorded; the process goes on with what comes, and tells how it is.
"""

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from smallpool_config.cli.options import Data
from smallpool_config.cli.screen import screen
from smallpool_config.cli.stopping import told_to_stop
from smallpool_core.errors import StoreError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from smallpool_config.runtime import Background
    from smallpool_config.wiring import System

LOOK_EVERY_S = 0.5


def index(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Take in what waits, then end.")] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port",
            min=0,
            max=65535,
            help="Port for /metrics, /healthz and /readyz, on the host of the settings; 0 takes a free one. By default none.",
            show_default=False,
        ),
    ] = None,
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
            http = system.settings.http
            port = http.metrics_port if metrics_port is None else metrics_port
            background = Background(system, system.write_lines())
            with nullcontext() if port is None else _telling(system, background, http.host, port) as address:
                turn_until_told_to_stop(background, "taking in events" + (f"; {address}/metrics" if address else ""))
        screen().print("stopped; everything taken in is stored")


def _telling(system: "System", background: "Background", host: str, port: int) -> "AbstractContextManager[str]":
    from smallpool_config.watching import Watched, answering

    return answering(Watched(system, background), host, port)


def turn_until_told_to_stop(background: "Background", doing: str) -> None:
    """Returns soon after SIGTERM or Ctrl-C; raises `StoreError` if what goes on ends by itself."""
    stop = threading.Event()
    with told_to_stop(stop.set), background:
        screen(stderr=True).print(f"{doing}; Ctrl-C ends it")
        while not stop.wait(LOOK_EVERY_S):
            if not background.is_alive:
                raise StoreError(f"taking in has stopped: {background.failure}; nothing acknowledged is lost, start it again")
