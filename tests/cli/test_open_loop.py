"""The load of `bench service` is open: what is due while a server stands still counts from when it was due."""

import asyncio
from contextlib import suppress
from itertools import repeat

from smallpool_config.bench.open_loop import NO_ANSWER, Load, Step, post

REQUEST = post("/x", "secret", b"{}")


async def against(answer: str, *, rate: float, seconds: float, connections: int = 4, stall_s: float = 0.0, closes: bool = False) -> Step:
    """One step against a server that gives this answer, and stands still once for so long."""
    stalls = iter([stall_s])

    under_way: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n{}")
                await asyncio.sleep(next(stalls, 0.0))
                writer.write(answer.encode())
                if closes:
                    return
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Load("127.0.0.1", port, connections).opened() as load:
        step = await load.step(repeat(REQUEST), rate, seconds, seed=1)
    server.close()
    await asyncio.gather(*under_way)
    return step


def reply(status: int, more: str = "") -> str:
    return f"HTTP/1.1 {status} X\r\n{more}Content-Length: 2\r\n\r\nok"


def test_what_waits_behind_a_stall_counts_from_when_it_was_due() -> None:
    stalled = asyncio.run(against(reply(200), rate=200, seconds=1, connections=1, stall_s=0.5))
    assert len(stalled.late_ms) == len(stalled.sent_late_ms) > 100
    assert sum(ms > 100 for ms in stalled.late_ms) > 30, "not the one alone that met it"
    assert stalled.failed == {}


def test_requests_arrive_at_the_rate_whatever_the_answers_take() -> None:
    step = asyncio.run(against(reply(200), rate=150, seconds=2))
    assert 220 < len(step.sent_late_ms) < 390


def test_answers_that_are_none_are_counted_by_status() -> None:
    step = asyncio.run(against(reply(503), rate=50, seconds=0.5))
    assert step.failed == {"503": len(step.sent_late_ms)}
    assert step.late_ms == []


def test_a_connection_that_ends_is_made_anew() -> None:
    told = asyncio.run(against(reply(200, "Connection: close\r\n"), rate=50, seconds=0.5, connections=1, closes=True))
    assert len(told.late_ms) == len(told.sent_late_ms)
    untold = asyncio.run(against(reply(200), rate=50, seconds=0.5, connections=1, closes=True))
    assert untold.failed.keys() == {NO_ANSWER}
    assert untold.late_ms
