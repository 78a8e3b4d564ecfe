"""An open-loop load on an HTTP server: requests arrive by the clock, whether or not those before them are answered.

In: an address, requests ready to be sent, a rate. Out: how long each was under way, counted from when it was due, so that a server that
stands still cannot hide the requests that came meanwhile ("coordinated omission", Gil Tene, 2013).
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from time import perf_counter

from msgspec import Struct

EARLY_S = 0.0005
"""What is due so soon is sent at once: a sleep would end later than that."""
GIVEN_UP_S = 10.0
"""So long is an answer waited for."""
NO_ANSWER = "no answer"


class Step(Struct, frozen=True):
    """What came of one rate. `late_ms` has each answered request's time from when it was due; `failed` counts the others, by status or
    by `NO_ANSWER`; `sent_late_ms` is how late the sender itself was with each.
    """

    late_ms: Sequence[float]
    failed: dict[str, int]
    sent_late_ms: Sequence[float]
    seconds: float


class Load:
    """Keep-alive connections, handed to whichever request is due; one that finds none free waits, and its time runs."""

    def __init__(self, host: str, port: int, connections: int) -> None:
        self._host = host
        self._port = port
        self._connections = connections
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Load"]:
        """Connected, until the end of the block."""
        for _ in range(self._connections):
            self._free.put_nowait(await asyncio.open_connection(self._host, self._port))
        try:
            yield self
        finally:
            while not self._free.empty():
                await _close(self._free.get_nowait()[1])

    async def step(self, requests: Iterator[bytes], rate: float, seconds: float, seed: int) -> Step:
        """Sends at `rate` a second, the gaps drawn from an exponential distribution (Poisson arrivals), and waits for the last answer."""
        chance = random.Random(seed)  # noqa: S311, arrivals and no secrets
        late_ms: list[float] = []
        sent_late_ms: list[float] = []
        failed: Counter[str] = Counter()
        under_way: set[asyncio.Task[None]] = set()
        begun = due = perf_counter()
        while (due := due + chance.expovariate(rate)) < begun + seconds:
            if (wait_s := due - perf_counter()) > EARLY_S:
                await asyncio.sleep(wait_s)
            sent_late_ms.append(max(0.0, perf_counter() - due) * 1000)
            task = asyncio.create_task(self._one(next(requests), due, late_ms, failed))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
        return Step(late_ms, dict(failed), sent_late_ms, perf_counter() - begun)

    async def _one(self, request: bytes, due: float, late_ms: list[float], failed: Counter[str]) -> None:
        reader, writer = await self._free.get()
        try:
            async with asyncio.timeout(GIVEN_UP_S):
                status, keeps = await _exchange(reader, writer, request)
            taken_ms = (perf_counter() - due) * 1000
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            status, keeps, taken_ms = NO_ANSWER, False, 0.0
        if not keeps:
            await _close(writer)
            reader, writer = await asyncio.open_connection(self._host, self._port)
        self._free.put_nowait((reader, writer))
        if status == "200":
            late_ms.append(taken_ms)
        else:
            failed[status] += 1


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[str, bool]:
    """The status of the answer, and whether the connection may be used again; its body is read and thrown away."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, _, length = head.partition(b"\r\ncontent-length:")
    await reader.readexactly(int(length.partition(b"\r\n")[0]))
    return head[9:12].decode("ascii"), b"\r\nconnection: close" not in head


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def post(path: str, secret: str, body: bytes) -> bytes:
    """A request as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
