"""One Redis on loopback: its command, and whether it answers.

In: a kit, the stack, the server. Out: a command line. It keeps nothing over a restart unless the stack was asked to.
"""

import re
import socket
from collections.abc import Mapping
from pathlib import Path

from smallpool_config.stack.free_ports import HOST
from smallpool_config.stack.kit import Kit
from smallpool_config.stack.state import Found, Server, Stack

PORTS = ("client",)
ANSWER_WITHIN_S = 2.0


def url(ports: Mapping[str, int]) -> str:
    """Where clients go."""
    return f"redis://{HOST}:{ports['client']}/0"


def prepare(kit: Kit, stack: Stack, server: Server) -> list[str]:
    """Makes the folder and gives the command that runs the server."""
    Path(server.directory).mkdir(parents=True, exist_ok=True)
    where = ["--bind", HOST, "--port", str(server.ports["client"]), "--dir", server.directory]
    return [kit.programs["redis-server"], *where, "--save", "", "--appendonly", "yes" if stack.appendonly else "no", "--daemonize", "no"]


def answers(server: Server, _together: int) -> bool:
    """Whether it says PONG; while it loads its data it does not."""
    try:
        return ask(server, "PING") == "PONG"
    except OSError:
        return False


def look(server: Server) -> Found:
    """Its version and what it answers to PING; raises `OSError` where it does not answer."""
    version = re.search(r"redis_version:(\S+)", ask(server, "INFO"))
    said = ask(server, "PING")
    return Found(said == "PONG", version[1] if version else "unknown", said)


def ask(server: Server, command: str) -> str:
    """The answer to a command without arguments, one line or a bulk; raises `OSError` where none comes."""
    with socket.create_connection((HOST, server.ports["client"]), timeout=ANSWER_WITHIN_S) as connection:
        connection.settimeout(ANSWER_WITHIN_S)
        connection.sendall(f"{command}\r\n".encode("ascii"))
        with connection.makefile("rb") as answer:
            line = answer.readline().decode().strip()
            return answer.read(int(line[1:])).decode() if line.startswith("$") else line.removeprefix("+")
