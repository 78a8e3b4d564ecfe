"""What an indexing process tells of itself over HTTP: `/metrics`, `/healthz`, `/readyz`, and nothing else.

In: a system whose write path turns in the background. Out: figures for Prometheus, and JSON that says what is wrong.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from msgspec import json

from smallpool_config.cli.listening import listening
from smallpool_config.pulse import hanging
from smallpool_config.runtime import Background
from smallpool_config.wiring.system import System
from smallpool_core.errors import StoreError
from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP
from smallpool_service.metrics import CONTENT_TYPE

SLOW_CALLER_S = 5.0
JSON = "application/json"
Answer = tuple[int, str, bytes]
"""Status, type and body."""


class Watched:
    """The answers. None of them asks a store: they go by what is known, and so are never late."""

    def __init__(self, system: System, background: Background) -> None:
        self._system = system
        self._background = background
        self._pages: dict[str, Callable[[], Answer]] = {"/metrics": self.metrics, "/healthz": self.health, "/readyz": self.readiness}
        system.metrics.watch_log(system.log)

    def answer(self, path: str) -> Answer:
        """What there is under this path."""
        page = self._pages.get(path.partition("?")[0])
        return (404, JSON, json.encode({"detail": f"there are {', '.join(self._pages)}"})) if page is None else page()

    def metrics(self) -> Answer:
        """Figures in Prometheus' text format."""
        return 200, CONTENT_TYPE, self._system.metrics.text()

    def health(self) -> Answer:
        """503 once a thread has died or hangs: the process cannot mend that, and is to be ended."""
        wrong = self._hanging()
        if not self._background.is_alive:
            wrong["taking_in"] = self._background.failure or "it does not run"
        return _told({"status": "failing" if wrong else "ok", "failing": wrong}, is_well=not wrong)

    def readiness(self) -> Answer:
        """503 while a store fails, or a thread does; an event then waits on the log, and is taken in when that is over."""
        failing = self._hanging()
        checks = {"taking_in": self._taking_in, **self._system.checks()}
        failing |= {name: wrong for name, check in checks.items() if (wrong := check()) is not None}
        lags: list[int | None] = [None, None]
        try:
            log = self._system.log
            lags = [log.lag("item-events", INDEXER_GROUP), log.lag("user-events", BEHAVIOUR_GROUP)]
        except StoreError as error:
            failing["store"] = str(error)
        said = {"ready": not failing, "failing": failing, "item_events_lag": lags[0], "user_events_lag": lags[1]}
        return _told(said, is_well=not failing)

    def _hanging(self) -> dict[str, str]:
        return hanging({**self._background.silent_s(), **self._system.silent_s()})

    def _taking_in(self) -> str | None:
        return self._background.failure if self._background.is_alive else self._background.failure or "it does not run"


@contextmanager
def answering(watched: Watched, host: str, port: int) -> Iterator[str]:
    """Answers in threads of its own while the block lasts; gives the address. Raises `StoreUnavailable` where it cannot listen."""
    with listening(host, port) as (listener, address):
        server = ThreadingHTTPServer(listener.getsockname()[:2], _handler_of(watched), bind_and_activate=False)
        server.socket.close()
        server.socket = listener
        thread = threading.Thread(target=server.serve_forever, name="figures", daemon=True)
        thread.start()
        try:
            yield address
        finally:
            server.shutdown()
            thread.join()


def _told(said: dict[str, object], *, is_well: bool) -> Answer:
    return 200 if is_well else 503, JSON, json.encode(said)


def _handler_of(watched: Watched) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = SLOW_CALLER_S

        def do_GET(self) -> None:
            status, kind, body = watched.answer(self.path)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the library's own word
            """Who asks every few seconds is no news."""

    return Handler
