"""What is known of a stack between two commands: its servers, where they listen, their processes, data and logs.

In: a stack's name. Out: a `Stack`, kept as JSON in the cache, so that every command and every test finds the same servers.
"""

import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from smallpool_config.stack.cache import cache_folder
from smallpool_config.stack.processes import Process, is_alive
from smallpool_core.errors import SmallpoolError

Kind = Literal["elasticsearch", "kafka", "redis"]
DEFAULT_NAME = "default"
STATE_FILE = "state.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class Server(Struct, frozen=True):
    """One server: `ports` by what listens there, `url` where clients go, `directory` for all that it writes.

    `version` and `process` are those of the last start; stopped on purpose it has no process.
    """

    kind: Kind
    node: int
    url: str
    ports: dict[str, int]
    directory: str
    log: str
    version: str = ""
    process: Process | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.node}"


class Found(Struct, frozen=True):
    """What a server says of itself: whether it is well, its version, and one line more; Kafka tells of its topics."""

    is_well: bool
    version: str
    says: str
    topics: tuple[str, ...] = ()


class Stack(Struct, frozen=True):
    """The servers of one name; `data` is the folder under which each has its own, `appendonly` is of Redis."""

    name: str
    data: str
    nodes: int
    appendonly: bool
    servers: tuple[Server, ...]

    def of(self, kind: Kind) -> list[Server]:
        """The servers of one kind, by node."""
        return [server for server in self.servers if server.kind == kind]

    def server(self, kind: Kind, node: int) -> Server:
        """One server; raises `SmallpoolError` where the stack has none such."""
        for server in self.of(kind):
            if server.node == node:
                return server
        raise SmallpoolError(f"stack {self.name!r} has {len(self.of(kind))} of {kind}, counted from 0; there is no {kind} {node}")

    def alive(self) -> list[Server]:
        """The servers whose processes run, whether they answer or not."""
        return [server for server in self.servers if is_alive(server.process)]

    def having(self, changed: Server) -> "Stack":
        """The same stack with this server in the place of the one of its kind and node."""
        same = (changed.kind, changed.node)
        return replace(self, servers=tuple(changed if (one.kind, one.node) == same else one for one in self.servers))


def stack_folder(name: str) -> Path:
    """Where the state of a stack is kept, and by default its data; raises `SmallpoolError` for a name that is none."""
    if _NAME.fullmatch(name) is None:
        raise SmallpoolError(f"{name!r} names no stack: a name has up to 32 of a-z, 0-9 and -, and does not begin with -")
    return cache_folder() / "stack" / name


def lock_file(name: str) -> Path:
    """Held while a stack is changed; it outlives a stack that is wiped."""
    return stack_folder(name).with_suffix(".lock")


def load(name: str) -> Stack | None:
    """The stack of this name as it was last written, None where there is none."""
    path = stack_folder(name) / STATE_FILE
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Stack)
    except msgspec.MsgspecError as exc:
        raise SmallpoolError(
            f"reading {path}: it is no state of a stack ({exc}); see by `ps` that none of its servers runs, then remove {path.parent}"
        ) from exc


def save(stack: Stack) -> None:
    """Writes the state whole, or not at all."""
    path = stack_folder(stack.name) / STATE_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(stack)) + b"\n")
    new.replace(path)


def forget(stack: Stack) -> None:
    """Removes the servers' folders and the state; of a folder that the user named, nothing that is not the servers'."""
    for server in stack.servers:
        shutil.rmtree(server.directory, ignore_errors=True)
    (stack_folder(stack.name) / STATE_FILE).unlink(missing_ok=True)
    for folder in (Path(stack.data), stack_folder(stack.name)):
        with suppress(OSError):  # whatever else is in it stays
            folder.rmdir()
