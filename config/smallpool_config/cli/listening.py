"""A socket that takes connections, for whatever answers on it.

In: an address. Out: the socket and its URL, closed in the end.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from smallpool_core.errors import StoreUnavailable

BACKLOG = 2048


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
