"""Posts JSON documents to an address that somebody else answers.

In: an address, documents. Out: nothing, once the receiver has said that it took one (a status of 2xx). What is raised names the receiver
by its host alone, because the rest of such an address is often a secret. Redirections are not followed.
"""

import socket
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Timer
from typing import Final
from urllib.parse import urlsplit

from smallpool_core.errors import Problem, SettingsRefused, StoreError, StoreUnavailable

HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "smallpool", "Connection": "close"}


class Webhook:
    """One address. A call ends within the time given, however slowly the receiver answers; looking up its name comes on top."""

    def __init__(self, url: str, timeout_ms: int) -> None:
        try:
            parts = urlsplit(url)
            host, self._port = parts.hostname, parts.port
        except ValueError as exc:
            raise _refused(url, str(exc)) from exc
        if parts.scheme not in {"http", "https"} or host is None or parts.username is not None:
            raise _refused(url, "http:// or https:// with a host, and without user and password, is allowed")
        self._host = host
        self._is_secure = parts.scheme == "https"
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._timeout_s = timeout_ms / 1000

    def post(self, document: bytes) -> None:
        """Sends one document; raises `StoreUnavailable`."""
        kind = HTTPSConnection if self._is_secure else HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout_s)
        over = Timer(self._timeout_s, _cut, (connection,))
        over.daemon = True
        over.start()
        try:
            connection.request("POST", self._target, document, HEADERS)
            status = connection.getresponse().status
        except (OSError, HTTPException, ValueError) as exc:
            raise self._failed(f"{type(exc).__name__} within {self._timeout_s:g} s") from exc
        finally:
            over.cancel()
            connection.close()
        if not 200 <= status < 300:
            raise self._failed(f"status {status}")

    def _failed(self, found: str) -> StoreError:
        return StoreUnavailable(
            f"could not post alerts to {self._host}: {found}; see that alerts.webhook_url is right and that its receiver answers with 2xx"
        )


def _cut(connection: HTTPConnection) -> None:
    """Wakes whoever waits for the other side."""
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _refused(url: str, message: str) -> SettingsRefused:
    # The address is not repeated: whoever knows it may often post there.
    return SettingsRefused([Problem("alerts.webhook_url", f"an address of {len(url)} characters", message)])
