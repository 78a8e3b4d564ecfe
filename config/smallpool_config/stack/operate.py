"""Starts and stops the servers of a stack, together or one by one, and says where they are.

In: a stack's name. Out: servers that answer, and their `Addresses`. What runs already is left as it is; what was not started here is
never stopped. `kill` and `start` are for tests that take a server away.
"""

import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from smallpool_config.stack import state
from smallpool_config.stack.cache import held
from smallpool_config.stack.kit import Kit, Tell, make_kit
from smallpool_config.stack.plan import as_wished, new_stack, with_free_ports
from smallpool_config.stack.processes import Process, is_alive, is_paused, send, spawn, stop
from smallpool_config.stack.servers import MAKERS
from smallpool_config.stack.state import DEFAULT_NAME, Kind, Server, Stack
from smallpool_core.errors import SmallpoolError, StoreUnavailable

LIMIT_S = 240.0
"""How long servers may take to answer."""
GRACE_S = 20.0
"""How long they may take to end by themselves."""
LOOK_AGAIN_S = 0.2
LAST_LINES = 15


class Addresses(Struct, frozen=True):
    """Where clients go (several nodes with a comma between them), and the pid of every server that runs, by node."""

    elasticsearch_url: str
    kafka_bootstrap: str
    redis_url: str
    pids: Mapping[Kind, tuple[int | None, ...]]


class ServerSilent(StoreUnavailable):
    """A server that was started does not answer; `last_lines` are those of its log, and stand in a traceback too."""

    def __init__(self, message: str, last_lines: Sequence[str]) -> None:
        super().__init__(message)
        self.last_lines = tuple(last_lines)
        self.add_note("\n".join(last_lines))


def up(
    name: str = DEFAULT_NAME,
    *,
    nodes: int | None = None,
    data: Path | None = None,
    appendonly: bool | None = None,
    limit_s: float = LIMIT_S,
    tell: Tell = lambda _line: None,
) -> Addresses:
    """Starts what does not run and waits until all answer.

    A wish that is None takes what the stack has, or the default where it is new. Raises `Conflict` for a stack that exists
    otherwise, `ServerSilent` for a server that ends or does not answer in time; the others run on then.
    """
    with held(state.lock_file(name)):
        known = state.load(name)
        stack = (
            new_stack(name, nodes=nodes, data=data, appendonly=appendonly)
            if known is None
            else as_wished(known, nodes=nodes, data=data, appendonly=appendonly)
        )
        if idle := [server for server in stack.servers if not is_alive(server.process)]:
            kit = make_kit({server.kind for server in idle}, tell)
            stack = with_free_ports(stack)
            for server in idle:
                tell(f"starting {server}")
                stack = _start(kit, stack, stack.server(server.kind, server.node))
        _wait(stack, stack.servers, limit_s, tell)
        return _addresses(stack)


def down(name: str = DEFAULT_NAME, *, wipe: bool = False, grace_s: float = GRACE_S) -> list[str]:
    """Stops the servers that run, and with `wipe` removes what they stored; says which it stopped. Without a stack it does nothing."""
    with held(state.lock_file(name)):
        stack = state.load(name)
        if stack is None:
            return []
        running_now = stack.alive()
        stop([server.process for server in running_now if server.process is not None], grace_s)
        for server in stack.servers:
            stack = stack.having(replace(server, process=None))
        state.save(stack)
        if wipe:
            state.forget(stack)
        return [str(server) for server in running_now]


def running(name: str = DEFAULT_NAME) -> Addresses | None:
    """Where the servers of a stack are, None where none of them runs; one that was killed has no pid, and keeps its address."""
    stack = state.load(name)
    return None if stack is None or not stack.alive() else _addresses(stack)


def kill(kind: Kind, node: int = 0, which: signal.Signals = signal.SIGKILL, name: str = DEFAULT_NAME) -> int:
    """Sends a signal to one server and gives its pid; after SIGKILL it has ended. Raises `SmallpoolError` where it does not run."""
    process = existing(name).server(kind, node).process
    if process is None or not send(process, which):
        raise SmallpoolError(f"sending {which.name} to {kind} {node} of stack {name!r}: it does not run; `smallpool stack up` starts it")
    if which == signal.SIGKILL:
        stop([process], grace_s=0)
    return process.pid


def start(kind: Kind, node: int = 0, name: str = DEFAULT_NAME, *, limit_s: float = LIMIT_S) -> int:
    """Starts one server again on its ports and data, waits until it answers, and gives its pid; one that runs is only waited for."""
    with held(state.lock_file(name)):
        stack = existing(name)
        if not is_alive(stack.server(kind, node).process):
            stack = _start(make_kit([kind], lambda _line: None), stack, stack.server(kind, node))
        server = stack.server(kind, node)
        _wait(stack, [server], limit_s, lambda _line: None)
        return _pid(server.process) or 0


def existing(name: str) -> Stack:
    """The stack of this name; raises `SmallpoolError` where there is none."""
    stack = state.load(name)
    if stack is None:
        raise SmallpoolError(f"there is no stack {name!r}; `smallpool stack up --name {name}` starts one")
    return stack


def _start(kit: Kit, stack: Stack, server: Server) -> Stack:
    """Starts the server; the state knows of its process before anything else happens."""
    server = replace(server, version=kit.versions[server.kind])
    command = MAKERS[server.kind].prepare(kit, stack, server)
    stack = stack.having(replace(server, process=spawn(command, Path(server.log))))
    state.save(stack)
    return stack


def _wait(stack: Stack, servers: Sequence[Server], limit_s: float, tell: Tell) -> None:
    """Waits until every one of the servers answers together with all others of its kind that run."""
    deadline = time.monotonic() + limit_s
    waiting = list(servers)
    while waiting:
        for server in list(waiting):
            if not is_alive(server.process):
                raise _silent(server, "it ended before it answered")
            together = sum(is_alive(other.process) for other in stack.of(server.kind))
            if MAKERS[server.kind].answers(server, together):
                waiting.remove(server)
                tell(f"{server} answers at {server.url}")
            elif time.monotonic() > deadline:
                raise _silent(server, f"it does not answer after {limit_s:.0f} s")
        if waiting:
            time.sleep(LOOK_AGAIN_S)


def _silent(server: Server, found: str) -> ServerSilent:
    if server.process is not None and is_paused(server.process):
        found += f", being paused by a signal (`kill -CONT {server.process.pid}` wakes it)"
    log = Path(server.log)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:] if log.is_file() else []
    return ServerSilent(f"starting {server} at {server.url}: {found}; its log {log} ends with the lines that follow", lines)


def _addresses(stack: Stack) -> Addresses:
    urls: dict[Kind, str] = {kind: ",".join(server.url for server in stack.of(kind)) for kind in MAKERS}
    pids: dict[Kind, tuple[int | None, ...]] = {kind: tuple(_pid(server.process) for server in stack.of(kind)) for kind in MAKERS}
    return Addresses(urls["elasticsearch"], urls["kafka"], urls["redis"], pids)


def _pid(process: Process | None) -> int | None:
    return process.pid if process is not None and is_alive(process) else None
