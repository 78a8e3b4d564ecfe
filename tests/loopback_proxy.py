"""A small HTTP proxy on loopback, before a real server: it passes calls on, and cuts, hangs, delays, answers or edits those that a
test names.

In: the server's address, a plan that looks at each call. Out: an address for the client under test; the calls that came.
"""

import http.client
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit


class Call(NamedTuple):
    """One request; `path` has its query, names of headers are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """An answer: the server's, or one that the proxy gives in its place."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {"content-type": "application/json", "x-elastic-product": "Elasticsearch"}


class Cut(NamedTuple):
    """The connection ends without an answer; `after` the server has done what it was asked, or before it heard of it."""

    after: bool = False


class Hang(NamedTuple):
    """No answer comes until the caller gives up or the proxy closes; the server never hears of it."""


class Delay(NamedTuple):
    """The server is asked only after so many seconds."""

    seconds: float


class Edit(NamedTuple):
    """The server's answer, changed."""

    change: Callable[[Reply], Reply]


Fault = Reply | Cut | Hang | Delay | Edit
Plan = Callable[[Call], Fault | None]


class LoopbackProxy:
    """Passes calls on as long as `plan` names nothing else. `calls` are those that came, oldest first."""

    def __init__(self, target: str, tls: ssl.SSLContext | None = None) -> None:
        self.plan: Plan = lambda _: None
        self.calls: list[Call] = []
        self.closing = threading.Event()
        self._target = urlsplit(target)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._server.server_port}"

    def answer(self, call: Call) -> Reply | None:
        """What the caller gets, None for nothing at all."""
        self.calls.append(call)
        fault = self.plan(call)
        if isinstance(fault, Reply):
            return fault
        if isinstance(fault, Hang) or fault == Cut(after=False):
            if isinstance(fault, Hang):
                self.closing.wait()
            return None
        if isinstance(fault, Delay):
            self.closing.wait(fault.seconds)
        reply = self._passed_on(call)
        if isinstance(fault, Edit):
            return fault.change(reply)
        return None if isinstance(fault, Cut) else reply

    def run(self) -> None:
        """Serves until `close`."""
        self._server.serve_forever(poll_interval=0.02)

    def close(self) -> None:
        """Refuses further connections and lets go of callers that hang."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _passed_on(self, call: Call) -> Reply:
        connection = http.client.HTTPConnection(self._target.hostname or "", self._target.port)
        try:
            headers = {name: value for name, value in call.headers.items() if name not in ("host", "connection", "accept-encoding")}
            connection.request(call.method, call.path, call.body or None, headers)
            answer = connection.getresponse()
            kept = ("content-type", "x-elastic-product")
            return Reply(answer.status, answer.read(), {name: value for name in kept if (value := answer.getheader(name)) is not None})
        finally:
            connection.close()


@contextmanager
def loopback_proxy(target: str, tls: ssl.SSLContext | None = None) -> Iterator[LoopbackProxy]:
    """A proxy that runs as long as the block does."""
    proxy = LoopbackProxy(target, tls)
    thread = threading.Thread(target=proxy.run)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


def _handler_of(proxy: LoopbackProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = proxy.answer(Call(self.command, self.path, headers, self.rfile.read(length)))
            if reply is None:
                self.close_connection = True
                return
            with suppress(ConnectionError):  # a caller that gave up
                self._send(reply)

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {**reply.headers, "content-length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _pass  # noqa: N815 - the library's own names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own word
            """The proxy is silent."""

    return Handler
