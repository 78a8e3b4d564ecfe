"""One broker of Kafka on loopback, which is a controller too: its properties, its command, and whether it answers.

In: a kit, the stack, the server. Out: files under the server's folder and a command line. Settings suit tests: no topic is made by
accident, and a consumer group does not wait for more members.
"""

import base64
import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

from smallpool_config.stack.free_ports import HOST
from smallpool_config.stack.kafka_metadata import Metadata, ask
from smallpool_config.stack.kit import Kit
from smallpool_config.stack.state import Found, Server, Stack
from smallpool_core.errors import SmallpoolError

PORTS = ("client", "controller")
ANSWER_WITHIN_S = 3.0
LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server
logger.server.level = info
"""


def url(ports: Mapping[str, int]) -> str:
    """Where clients go first."""
    return f"{HOST}:{ports['client']}"


def prepare(kit: Kit, stack: Stack, server: Server) -> list[str]:
    """Writes the broker's properties, formats its folder of data where that is new, and gives the command that runs it."""
    directory = Path(server.directory)
    directory.mkdir(parents=True, exist_ok=True)
    properties = directory / "server.properties"
    properties.write_text("".join(f"{name}={value}\n" for name, value in settings(stack, server).items()), encoding="utf-8")
    logging = directory / "log4j2.properties"
    logging.write_text(LOGGING, encoding="utf-8")
    java = [kit.programs["java"], "-Xms256m", "-Xmx512m", f"-Dlog4j2.configurationFile={logging}", "-cp", kit.path_of("kafka")]
    if not (directory / "data" / "meta.properties").is_file():
        _format(java, stack, properties)
    return [java[0], "-XX:+ExitOnOutOfMemoryError", *java[1:], "kafka.Kafka", str(properties)]


def settings(stack: Stack, server: Server) -> dict[str, object]:
    """The broker's properties: topics have a copy on every broker, and a write counts once most of them hold it."""
    brokers = stack.of("kafka")
    copies, in_sync = len(brokers), len(brokers) // 2 + 1
    return {
        "process.roles": "broker,controller",
        "node.id": server.node,
        "controller.quorum.voters": ",".join(f"{broker.node}@{HOST}:{broker.ports['controller']}" for broker in brokers),
        "listeners": f"CLIENT://{server.url},CONTROLLER://{HOST}:{server.ports['controller']}",
        "advertised.listeners": f"CLIENT://{server.url}",
        "inter.broker.listener.name": "CLIENT",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": Path(server.directory, "data"),
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 8,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": 0,
        "log.retention.hours": 168,
        # Records carry the time of the clock that made them, and a demo or a test may play at an instant of last year: what is that old is
        # gone as soon as the broker looks, which it does by default every five minutes.
        "log.retention.check.interval.ms": 24 * 3_600_000,
        "log.segment.bytes": 64 << 20,
        "log.cleaner.dedupe.buffer.size": 16 << 20,
    }


def answers(server: Server, together: int) -> bool:
    """Whether the broker knows of at least so many brokers, itself among them."""
    try:
        brokers = metadata(server).brokers
    except OSError:
        return False
    return len(brokers) >= together and server.url in brokers


def look(server: Server) -> Found:
    """The brokers and topics that this one knows of; raises `OSError` where it does not answer."""
    known = metadata(server)
    return Found(server.url in known.brokers, server.version, f"brokers {', '.join(known.brokers) or 'none'}", known.topics)


def metadata(server: Server) -> Metadata:
    """What the broker knows; raises `OSError` where it does not answer."""
    return ask(HOST, server.ports["client"], ANSWER_WITHIN_S)


def _format(java: list[str], stack: Stack, properties: Path) -> None:
    # A cluster has an id of 16 bytes; the first is 0, so that the id does not begin with a dash, which would be an option.
    identity = base64.urlsafe_b64encode(b"\0" + hashlib.sha256(stack.name.encode()).digest()[:15]).decode().rstrip("=")
    command = [*java, "kafka.tools.StorageTool", "format", "--cluster-id", identity, "--config", str(properties)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    if ran.returncode:
        raise SmallpoolError(
            f"formatting Kafka's folder for {properties}: {(ran.stdout + ran.stderr).strip()[-500:]}; "
            f"`smallpool stack down --wipe --name {stack.name}` begins anew"
        )
