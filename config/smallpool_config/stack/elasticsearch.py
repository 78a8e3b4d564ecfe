"""One node of Elasticsearch on loopback: its home, its command, and whether it answers.

In: a kit, the stack, the server. Out: files under the server's folder and a command line. Settings suit tests: nothing is made
by accident, and a full disk does not stop a shard from being placed.
"""

import json
import shutil
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from smallpool_config.stack.free_ports import HOST
from smallpool_config.stack.kit import MAIN_CLASS, Kit
from smallpool_config.stack.state import Found, Server, Stack

PORTS = ("http", "transport")
MODULE = "transport-netty4"
ANSWER_WITHIN_S = 3.0
ANSWERED = (200, 408)
"""408 is a health that was waited for in vain."""
Answer = TypeVar("Answer", bound=Struct)
LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
"""


def url(ports: Mapping[str, int]) -> str:
    """Where clients go."""
    return f"http://{HOST}:{ports['http']}"


def prepare(kit: Kit, stack: Stack, server: Server) -> list[str]:
    """Makes the node's home, all but its data anew, and gives the command that runs it."""
    home = Path(server.directory)
    for folder in ("config", "modules", "plugins"):
        shutil.rmtree(home / folder, ignore_errors=True)
        (home / folder).mkdir(parents=True)
    module = home / "modules" / MODULE
    module.mkdir()
    for jar in kit.jars[MODULE]:
        shutil.copy(jar, module)
    (module / "plugin-descriptor.properties").write_text(_descriptor(server.version), encoding="utf-8")
    # JSON is YAML, and needs no rules for quoting.
    (home / "config" / "elasticsearch.yml").write_text(json.dumps(settings(stack, server), indent=1), encoding="utf-8")
    (home / "config" / "log4j2.properties").write_text(LOGGING, encoding="utf-8")
    (home / "tmp").mkdir(exist_ok=True)
    heap = "1g" if stack.nodes == 1 else "512m"
    options = [f"-Xms{heap}", f"-Xmx{heap}", "-XX:+ExitOnOutOfMemoryError", f"-Djava.io.tmpdir={home / 'tmp'}", "-Dfile.encoding=UTF-8"]
    # On the class path the server cannot be loaded: its parts find each other as modules.
    modules = ["--module-path", kit.path_of("elasticsearch"), "--add-modules=jdk.net,ALL-MODULE-PATH"]
    return [kit.programs["java"], *options, *modules, "-cp", str(kit.classes), MAIN_CLASS, str(home)]


def settings(stack: Stack, server: Server) -> dict[str, object]:
    """The node's settings."""
    nodes = stack.of("elasticsearch")
    return {
        "cluster.name": f"smallpool-{stack.name}",
        "node.name": node_name(server),
        "network.host": HOST,
        "http.port": server.ports["http"],
        "transport.port": server.ports["transport"],
        "discovery.seed_hosts": [f"{HOST}:{node.ports['transport']}" for node in nodes],
        "cluster.initial_master_nodes": [node_name(node) for node in nodes],
        "action.auto_create_index": False,
        "cluster.routing.allocation.disk.threshold_enabled": False,
        "cluster.max_shards_per_node": 5000,
    }


def node_name(server: Server) -> str:
    """What the node is called in its cluster."""
    return f"node-{server.node}"


class Health(Struct):
    """The part of a cluster's health that counts here."""

    status: str
    number_of_nodes: int
    timed_out: bool


class Node(Struct):
    """The part of a node's own account that counts here."""

    version: str


class Nodes(Struct):
    """Nodes by id."""

    nodes: dict[str, Node]


def answers(server: Server, together: int) -> bool:
    """Whether the node knows of at least so many nodes, itself among them, and every primary shard is there."""
    try:
        health = _get(server, f"/_cluster/health?wait_for_nodes=%3E%3D{together}&wait_for_status=yellow&timeout=1s", Health)
    except OSError:
        return False
    return not health.timed_out


def look(server: Server) -> Found:
    """The health of its cluster and its version; raises `OSError` where it does not answer."""
    health = _get(server, "/_cluster/health", Health)
    (node,) = _get(server, "/_nodes/_local", Nodes).nodes.values()
    counted = f"{health.number_of_nodes} node{'' if health.number_of_nodes == 1 else 's'}"
    return Found(health.status != "red", node.version, f"{health.status}, {counted}")


def _get(server: Server, path: str, answer: type[Answer]) -> Answer:
    """What the node answers; raises `OSError` also for an HTTP error and for an answer of another form. No proxy is asked."""
    connection = HTTPConnection(HOST, server.ports["http"], timeout=ANSWER_WITHIN_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        if response.status not in ANSWERED:
            raise ConnectionError(f"{server.url}{path} answers {response.status}")
        return msgspec.json.decode(body, type=answer)
    except (HTTPException, msgspec.MsgspecError) as exc:
        raise ConnectionError(f"{server.url}{path} answers in another form than Elasticsearch") from exc
    finally:
        connection.close()


def _descriptor(elasticsearch: str) -> str:
    """Tells Elasticsearch what the module's folder holds; it loads one made for another version not at all."""
    lines = {
        "name": MODULE,
        "description": "HTTP and transport",
        "version": elasticsearch,
        "elasticsearch.version": elasticsearch,
        "java.version": "17",
        "classname": "org.elasticsearch.transport.netty4.Netty4Plugin",
        "modulename": "org.elasticsearch.transport.netty4",
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())
