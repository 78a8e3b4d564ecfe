"""A receiver of alerts on the loopback interface, which answers as a test says."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from msgspec import json


class Receiver:
    """What was posted, in order. It answers with `status`, after `waits_s`; with `drips` a byte at a time, for as long as anybody reads."""

    def __init__(self) -> None:
        self.status = 204
        self.waits_s = 0.0
        self.drips = False
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.address = ""

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The bodies as JSON."""
        return [json.decode(body) for body in self.bodies]

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """Pool, kind and state of every alert that came, in order."""
        return [(one["pool_id"], one["kind"], one["state"]) for document in self.documents for one in document["alerts"]]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens while the block lasts."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.paths.append(self.path)
            receiver.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            time.sleep(receiver.waits_s)
            if receiver.drips:
                self._drip()
                return
            self.send_response(receiver.status)
            self.send_header("location", "/elsewhere")
            self.end_headers()

        def _drip(self) -> None:
            try:
                while True:
                    self.wfile.write(b"H")
                    time.sleep(0.02)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
