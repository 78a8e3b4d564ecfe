"""Ports of 127.0.0.1 for servers that keep them over a restart.

In: how many. Out: ports on which nothing listens. They lie below the range out of which the system takes ports for
outgoing connections: there, a client that tries to reach a server that is down may take its port, or even reach itself.
"""

import random
import socket
from collections.abc import Collection

from smallpool_core.errors import SmallpoolError

HOST = "127.0.0.1"
RANGE = range(20_000, 32_000)
TRIES = 1_000


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
        return True


def free_ports(count: int, taken: Collection[int] = ()) -> list[int]:
    """So many different ports, none of them among `taken`."""
    found: list[int] = []
    for port in random.sample(RANGE, TRIES):
        if len(found) == count:
            return found
        if port not in taken and is_free(port):
            found.append(port)
    raise SmallpoolError(
        f"looking for {count} free ports of {HOST}: only {len(found)} of {TRIES} tried between {RANGE.start} and {RANGE.stop} are free; "
        "stop what listens there (`ss -ltnp` lists it)"
    )
