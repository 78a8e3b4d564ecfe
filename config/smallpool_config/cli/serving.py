"""Serves the HTTP API over an open system, until a signal says to stop.

In: a system whose write path this process owns, an address. Out: requests answered; on SIGTERM or Ctrl-C those under way are
finished first.
"""

import gc
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

from smallpool_config.cli.connections import bounded
from smallpool_config.runtime import Background
from smallpool_config.vocabulary import vocabulary_of
from smallpool_config.wiring import System
from smallpool_core.errors import StoreUnavailable
from smallpool_service.console.app import install
from smallpool_service.http.app import create_app
from smallpool_service.http.parts import ServiceParts

BACKLOG = 2048
GRACE_S = 10
"""How long requests under way may take once a signal has come."""


def app_of(system: System, background: Background) -> FastAPI:
    """The API over the system, with the operator's console; `/readyz` tells of what fails in the background."""
    parts = ServiceParts(
        recaller=system.recaller,
        pools=system.pools,
        keys=system.keys,
        log=system.acknowledged_log,
        metrics=system.metrics,
        limits=system.settings.limits,
        checks={"taking_in": lambda: background.failure if background.is_alive else background.failure or "it does not run"},
    )
    app = create_app(parts)
    install(app, vocabulary_of(system.knowledge))
    return app


@contextmanager
def listening(host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
    """A socket that takes connections, and its address as a URL; port 0 takes a free one. Raises `StoreUnavailable`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(BACKLOG)
        except OSError as exc:
            raise StoreUnavailable(f"could not listen on {host}:{port}: {exc.strerror}; choose another --host or --port") from exc
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        yield listener, f"http://{shown}:{listener.getsockname()[1]}"
    finally:
        listener.close()


def run(app: FastAPI, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Answers on the socket until SIGTERM or SIGINT; calls `ready` once a signal would end it in order."""
    parts: ServiceParts = app.state.parts
    config = uvicorn.Config(
        app, http=bounded(parts.limits), log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_S, server_header=False
    )
    server = uvicorn.Server(config)

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn raises the signal that ended it once more when it is done: with the default handler that would end the process
    # before the stores are closed.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        gc.freeze()  # what was loaded is here to stay: no collection need walk a million rows
        ready()
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
