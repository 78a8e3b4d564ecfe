"""What a broker answers is read to the last byte, and a stranger on its port is told from a broker."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from smallpool_config.stack.kafka_metadata import Metadata, ask


def text(value: str) -> bytes:
    return struct.pack(f">h{len(value)}s", len(value), value.encode())


def broker(node: int, port: int) -> bytes:
    return struct.pack(">i", node) + text("127.0.0.1") + struct.pack(">ih", port, -1)


def topic(name: str, partitions: int) -> bytes:
    one = struct.pack(">hii", 0, 0, 1) + struct.pack(">iii", 2, 1, 2) + struct.pack(">ii", 1, 1)
    return struct.pack(">h", 0) + text(name) + struct.pack(">bi", 0, partitions) + one * partitions


ANSWER = struct.pack(">ii", 1, 2) + broker(2, 9002) + broker(1, 9001) + struct.pack(">ii", 1, 2) + topic("b", 3) + topic("a", 1)


@contextmanager
def answering(raw: bytes) -> Iterator[int]:
    """A port on which the first caller gets these bytes, whatever it asks, in two pieces."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            # One who has seen enough in the first piece hangs up before the second.
            with connection, suppress(ConnectionError):
                connection.recv(1 << 16)
                for piece in (raw[:5], raw[5:]):
                    connection.sendall(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def framed(answer: bytes) -> bytes:
    return struct.pack(">i", len(answer)) + answer


def test_brokers_come_by_id_and_topics_by_name() -> None:
    with answering(framed(ANSWER)) as port:
        assert ask("127.0.0.1", port, 5) == Metadata(("127.0.0.1:9001", "127.0.0.1:9002"), ("a", "b"))


@pytest.mark.parametrize(
    "raw", [b"HTTP/1.1 400 Bad Request\r\n\r\n", framed(ANSWER)[:-9], framed(ANSWER[:-9]), b"", framed(b"\0" * 40)[:6]]
)
def test_whatever_is_no_whole_answer_is_no_broker(raw: bytes) -> None:
    with answering(raw) as port, pytest.raises(OSError, match=r"broker closed|another protocol"):
        ask("127.0.0.1", port, 5)


def test_a_port_on_which_nothing_listens_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        ask("127.0.0.1", port, 5)
