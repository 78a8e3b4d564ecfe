"""Which servers a stack is to have, and where they are to listen, before any of them is started.

In: a name and wishes. Out: a `Stack`. One that exists keeps its servers and data; it gets other ports only where strangers took them.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from smallpool_config.stack.free_ports import HOST, free_ports, is_free
from smallpool_config.stack.processes import is_alive
from smallpool_config.stack.servers import MAKERS
from smallpool_config.stack.state import DEFAULT_NAME, Kind, Server, Stack, stack_folder
from smallpool_core.errors import Conflict, SmallpoolError

NODES = (1, 3)
"""One of each server, or a cluster that survives the loss of one; Redis is always one."""
USUAL_PORTS: Mapping[Kind, Mapping[str, int]] = {"elasticsearch": {"http": 9200}, "kafka": {"client": 9092}, "redis": {"client": 6379}}
"""Where the settings look for them. The usual stack takes these where nobody else has them, so that it is found without a word."""


def new_stack(name: str, *, data: Path | None, nodes: int | None, appendonly: bool | None) -> Stack:
    """A stack of servers that never ran yet; one of each kind unless more are wished for."""
    count = 1 if nodes is None else nodes
    if count not in NODES:
        raise SmallpoolError(f"a stack has {' or '.join(map(str, NODES))} nodes of Elasticsearch and Kafka, not {count}")
    folder = (data or stack_folder(name)).absolute()
    kinds: list[tuple[Kind, int]] = [("elasticsearch", count), ("kafka", count), ("redis", 1)]
    free = iter(free_ports(sum(len(MAKERS[kind].PORTS) * several for kind, several in kinds)))
    servers = []
    for kind, several in kinds:
        for node in range(several):
            usual = USUAL_PORTS[kind] if name == DEFAULT_NAME and several == 1 else {}
            ports = {use: usual[use] if use in usual and is_free(usual[use]) else next(free) for use in MAKERS[kind].PORTS}
            home = folder / f"{kind}-{node}"
            servers.append(Server(kind, node, MAKERS[kind].url(ports), ports, str(home), str(home / "server.log")))
    return Stack(name, str(folder), count, bool(appendonly), tuple(servers))


def as_wished(stack: Stack, *, data: Path | None, nodes: int | None, appendonly: bool | None) -> Stack:
    """The stack that exists, where that is what is wished for; raises `Conflict` where it is another."""
    wishes = {"nodes": nodes, "data": None if data is None else str(data.absolute()), "appendonly": appendonly}
    for what, wished in wishes.items():
        if wished is not None and wished != (found := getattr(stack, what)):
            raise Conflict(
                f"stack {stack.name!r} exists with {what} {found}, and was asked for with {wished}: leave the option out, "
                f"give another --name, or begin anew after `smallpool stack down --wipe --name {stack.name}`"
            )
    return stack


def with_free_ports(stack: Stack) -> Stack:
    """The stack with other ports for the kinds of which nothing runs and a stranger listens where they did.

    Raises `Conflict` where others of the kind run: these know the old port.
    """
    for kind in MAKERS:
        servers = stack.of(kind)
        idle = [server for server in servers if not is_alive(server.process)]
        if blocked := [port for server in idle for port in server.ports.values() if not is_free(port)]:
            if len(idle) < len(servers):
                raise Conflict(
                    f"starting {idle[0]} of stack {stack.name!r}: something else listens on {HOST}:{blocked[0]}, where the rest of its "
                    f"cluster looks for it; stop that (`ss -ltnp` names it), or run `smallpool stack down --name {stack.name}` and `up`"
                )
            for server in servers:
                stack = stack.having(_moved(server))
    return stack


def _moved(server: Server) -> Server:
    ports = dict(zip(server.ports, free_ports(len(server.ports)), strict=True))
    return replace(server, ports=ports, url=MAKERS[server.kind].url(ports))
