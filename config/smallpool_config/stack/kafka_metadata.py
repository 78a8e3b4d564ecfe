"""Asks a Kafka broker which brokers and topics there are, in Kafka's own protocol.

In: an address. Out: `Metadata`. One request needs no client library, so that a stack can be started and looked at where none is
installed; the adapters of smallpool use the vendor's.
"""

import socket
import struct

from msgspec import Struct

METADATA, VERSION, CORRELATION = 3, 1, 1
CLIENT = b"smallpool-stack"
ALL_TOPICS = -1
LARGEST_ANSWER = 64 << 20


class Metadata(Struct, frozen=True):
    """The brokers as `host:port`, by id, and the topics by name."""

    brokers: tuple[str, ...]
    topics: tuple[str, ...]


def ask(host: str, port: int, timeout_s: float) -> Metadata:
    """What this broker knows; raises `OSError` where it does not answer, and for an answer that is cut short."""
    body = struct.pack(f">hhih{len(CLIENT)}si", METADATA, VERSION, CORRELATION, len(CLIENT), CLIENT, ALL_TOPICS)
    with socket.create_connection((host, port), timeout=timeout_s) as connection:
        connection.settimeout(timeout_s)
        connection.sendall(struct.pack(">i", len(body)) + body)
        (size,) = struct.unpack(">i", _receive(connection, 4))
        if not 4 <= size <= LARGEST_ANSWER:
            raise ConnectionError(f"{host}:{port} answers in another protocol than Kafka's")
        answer = _receive(connection, size)
    try:
        return _read(_Reader(answer))
    except (struct.error, UnicodeDecodeError) as exc:
        raise ConnectionError(f"{host}:{port} answers in another protocol than Kafka's") from exc


def _receive(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(min(1 << 16, size - len(parts)))
        if not part:
            raise ConnectionError("the broker closed the connection in the middle of its answer")
        parts += part
    return bytes(parts)


class _Reader:
    """Takes one value after the other from the front of an answer."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._at = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f">{form}", self._answer, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def text(self) -> str:
        size = max(self.number("h"), 0)  # -1 stands for none
        self._at += size
        return self._answer[self._at - size : self._at].decode()


def _read(answer: _Reader) -> Metadata:
    """The answer of version 1: brokers, the controller, topics with their partitions."""
    answer.number("i")  # the correlation id
    brokers = {}
    for _ in range(answer.number("i")):
        node, host, port = answer.number("i"), answer.text(), answer.number("i")
        brokers[node] = f"{host}:{port}"
        answer.text()  # the rack
    answer.number("i")  # the controller
    topics = [_topic(answer) for _ in range(answer.number("i"))]
    return Metadata(tuple(brokers[node] for node in sorted(brokers)), tuple(sorted(topics)))


def _topic(answer: _Reader) -> str:
    answer.number("h")  # an error of this topic
    name = answer.text()
    answer.number("b")  # whether it is Kafka's own
    for _ in range(answer.number("i")):
        for form in "hii":  # an error, the partition, its leader
            answer.number(form)
        for _ in range(2):  # replicas, and those in sync
            for _ in range(answer.number("i")):
                answer.number("i")
    return name
