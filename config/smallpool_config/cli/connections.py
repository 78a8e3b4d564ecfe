"""Connections that wait for nobody for ever: the part of a request that comes before any application sees it, held to bounds.

In: bytes of strangers. Out: requests whose head came whole, in time and within its size; or a problem document, and the connection
closed. The server's parser by itself keeps any number of headers, and any connection that never ends its first line.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from smallpool_service.http.limits import note_arrival
from smallpool_service.http.problems import HttpProblem, problem_response
from smallpool_service.http.settings import HttpLimits

SLACK = 4
"""How many times the largest headers are read before a request is cut off; up to there it gets the application's own answer."""


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 with a bound on the size of a request's head and on the time that it may take to arrive."""

    limits = HttpLimits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the server's own has it
        """The time of the first head begins with the connection."""
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Cuts off a head that grows beyond its bound."""
        super().data_received(data)
        self._head_bytes += len(data)
        if self._late is not None and self._head_bytes > SLACK * self.limits.header_bytes and not self.transport.is_closing():
            most = self.limits.header_bytes
            self._refuse(HttpProblem(431, "headers-too-large", f"the headers have more than {most} bytes, and no end yet"))

    def on_message_begin(self) -> None:
        """A further request on the same connection has its own time."""
        super().on_message_begin()
        if self._late is None:
            self._begin_head()

    def on_headers_complete(self) -> None:
        """From here on the application's own bounds hold."""
        self._end_head()
        super().on_headers_complete()
        note_arrival(self.scope)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is answered like any other mistake."""
        self._refuse(HttpProblem(400, "no-http", f"{msg} Send a request of HTTP/1.1, its path percent-encoded"))

    def _begin_head(self) -> None:
        self._head_bytes = 0
        self._late = self.loop.call_later(self.limits.head_timeout_ms / 1000, self._on_late)

    def _end_head(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _on_late(self) -> None:
        self._late = None
        if self.transport.is_closing():
            return
        if self._head_bytes:
            self._refuse(HttpProblem(408, "head-late", f"the headers were not complete after {self.limits.head_timeout_ms} ms"))
        else:
            self.transport.close()

    def _refuse(self, problem: HttpProblem) -> None:
        self._end_head()
        response = problem_response(problem)
        status = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\nconnection: close\r\n".encode("ascii")
        headers = b"".join(name + b": " + value + b"\r\n" for name, value in response.raw_headers)
        self.transport.write(status + headers + b"\r\n" + bytes(response.body))
        self.transport.close()


def bounded(limits: HttpLimits) -> type[BoundedHttp]:
    """The protocol with these limits, as the server takes it."""
    return type("Bounded", (BoundedHttp,), {"limits": limits})
