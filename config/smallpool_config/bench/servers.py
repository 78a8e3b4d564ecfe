"""The servers that a benchmark is run against: what they are, and the CPU time that they take.

In: settings. Out: versions and heaps; seconds of CPU by kind of server, of those that `smallpool stack` runs on this machine.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from smallpool_config.settings import Settings
from smallpool_config.stack.processes import is_alive
from smallpool_config.stack.state import DEFAULT_NAME, STATE_FILE, Kind, Server, load, stack_folder
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.edge import translated
from smallpool_stores.redis.connection import RedisConnection

_USER, _SYSTEM = 11, 12
"""Where the times stand in a line of `/proc`, counted from what follows the name of the program."""


def server_cpu_s(settings: Settings) -> dict[Kind, float]:
    """Seconds of CPU that each kind of server has taken since it started; a server that `smallpool stack` did not start is left out."""
    taken: dict[Kind, float] = {}
    for server in _running_here(settings):
        if server.process is not None:
            taken[server.kind] = taken.get(server.kind, 0.0) + _cpu_s(server.process.pid)
    return taken


def cpu_since(before: dict[Kind, float], settings: Settings) -> dict[str, float]:
    """Seconds of CPU since `before`, by kind of server."""
    return {kind: round(total - before[kind], 2) for kind, total in server_cpu_s(settings).items() if kind in before}


def shares(cpu_s: Mapping[str, float]) -> dict[str, float]:
    """What part of all that CPU time each took, adding up to 1."""
    total = sum(cpu_s.values())
    return {who: round(seconds / total, 3) for who, seconds in cpu_s.items()}


def described(settings: Settings, connection: Connection, redis: RedisConnection) -> dict[str, dict[str, str | int]]:
    """Version of each server, and the heap of Elasticsearch. Kafka's version is known of `smallpool stack` only: brokers do not tell."""
    with translated("ask the nodes what they are"):
        nodes = connection.sync.nodes.info(metric="jvm")["nodes"].values()
    with redis.translated("ask the server what it is"):
        [told] = redis.read_now(("INFO", "server"), at=redis.servers_now()[0])
    redis_version = next(line for line in told.decode().splitlines() if line.startswith("redis_version:")).partition(":")[2]
    kafka_version = next((server.version for server in _running_here(settings) if server.kind == "kafka"), "unknown")
    heap = sum(node["jvm"]["mem"]["heap_max_in_bytes"] for node in nodes)
    return {
        "elasticsearch": {"version": next(iter(nodes))["version"], "nodes": len(nodes), "heap_mb": round(heap / 2**20)},
        "kafka": {"version": kafka_version, "partitions": settings.kafka.partitions},
        "redis": {"version": redis_version},
    }


def _running_here(settings: Settings) -> list[Server]:
    """The servers of any stack of this machine that the settings name."""
    named = {*settings.elasticsearch.urls, *settings.kafka.bootstrap.split(","), settings.redis.url}
    stacks = [load(file.parent.name) for file in sorted(stack_folder(DEFAULT_NAME).parent.glob(f"*/{STATE_FILE}"))]
    servers = [server for stack in stacks if stack is not None for server in stack.servers]
    return [server for server in servers if server.url in named and is_alive(server.process)]


def _cpu_s(pid: int) -> float:
    times = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(times[_USER]) + int(times[_SYSTEM])) / os.sysconf("SC_CLK_TCK")
