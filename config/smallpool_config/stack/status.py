"""How the servers of a stack are, each asked in its own protocol.

In: a stack's name. Out: `Report`. Nothing is started or changed.
"""

from typing import Literal

from msgspec import Struct

from smallpool_config.stack.operate import existing
from smallpool_config.stack.processes import is_alive, is_paused
from smallpool_config.stack.servers import MAKERS
from smallpool_config.stack.state import Kind, Server

Condition = Literal["up", "unwell", "silent", "paused", "down"]


class ServerReport(Struct, frozen=True):
    """One server: `condition` is `up` where it answers that it is well; `says` is what it said, or what is wrong."""

    server: Kind
    node: int
    condition: Condition
    url: str
    version: str
    pid: int | None
    log: str
    says: str
    topics: tuple[str, ...] = ()


class Report(Struct, frozen=True):
    """A stack is `ok` where every one of its servers is up."""

    name: str
    ok: bool
    data: str
    servers: tuple[ServerReport, ...]


def report_on(name: str) -> Report:
    """Asks every server; raises `SmallpoolError` where there is no such stack."""
    stack = existing(name)
    servers = tuple(_look(server) for server in stack.servers)
    return Report(name, all(one.condition == "up" for one in servers), stack.data, servers)


def _look(server: Server) -> ServerReport:
    def report(condition: Condition, version: str, says: str, topics: tuple[str, ...] = ()) -> ServerReport:
        pid = server.process.pid if server.process is not None and is_alive(server.process) else None
        return ServerReport(server.kind, server.node, condition, server.url, version, pid, server.log, says, topics)

    if server.process is None or not is_alive(server.process):
        return report(
            "down", server.version, "`smallpool stack up` starts it" if server.process is None else f"it ended by itself: see {server.log}"
        )
    if is_paused(server.process):
        return report("paused", server.version, f"`kill -CONT {server.process.pid}` wakes it")
    try:
        found = MAKERS[server.kind].look(server)
    except OSError as error:
        return report("silent", server.version, str(error))
    return report("up" if found.is_well else "unwell", found.version, found.says, found.topics)
