"""Serves the HTTP API over an open system, until a signal says to stop.

In: a system whose write path this process owns, an address. Out: requests answered; on SIGTERM or Ctrl-C those under way are
finished first.
"""

import gc
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from smallpool_config.cli.admin_key import VARIABLE
from smallpool_config.cli.connections import bounded
from smallpool_config.cli.stopping import told_to_stop
from smallpool_config.runtime import Background
from smallpool_config.vocabulary import vocabulary_of
from smallpool_config.wiring import System
from smallpool_service.console.app import install
from smallpool_service.http.app import create_app
from smallpool_service.http.parts import ServiceParts

GRACE_S = 2
"""How long requests under way may take once a signal has come; those that wait for a store longer get no answer, and were not
acknowledged.
"""


def app_of(system: System, background: Background) -> FastAPI:
    """The API over the system, with the operator's console; `/readyz` tells of what fails in the background."""
    parts = ServiceParts(
        recaller=system.recaller,
        pools=system.pools,
        keys=system.keys,
        log=system.acknowledged_log,
        metrics=system.metrics,
        experiments=system.experiment_desk,
        figures=system.pool_figures,
        keywords=system.keywords,
        limits=system.settings.limits,
        board=system.board,
        checks={
            "taking_in": lambda: background.failure if background.is_alive else background.failure or "it does not run",
            **system.checks(),
        },
    )
    app = create_app(parts)
    install(app, vocabulary_of(system.knowledge), os.environ.get(VARIABLE) or None)
    return app


def run(app: FastAPI, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Answers on the socket until SIGTERM or SIGINT; calls `ready` once a signal would end it in order."""
    parts: ServiceParts = app.state.parts
    config = uvicorn.Config(
        app, http=bounded(parts.limits), log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_S, server_header=False
    )
    server = _Server(config)

    def stop() -> None:
        server.should_exit = True

    with told_to_stop(stop):
        gc.freeze()  # what was loaded is here to stay: no collection need walk a million rows
        ready()
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn, with the signals left to whoever runs it: its own handlers would put off, until requests under way have ended, the word
    from which on the process has a limited time.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
