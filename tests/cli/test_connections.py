"""What comes before a request is one: heads without an end, of any size, and what is no HTTP at all."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest
import uvicorn
from msgspec.structs import replace
from starlette.responses import PlainTextResponse
from uvicorn.server import ServerState

from smallpool_config.cli.connections import bounded
from smallpool_service.http.settings import HttpLimits

LIMITS = HttpLimits(header_bytes=1_000, head_timeout_ms=60_000)
ASK = b"GET /x HTTP/1.1\r\nHost: h\r\n"
OK = PlainTextResponse("ok")
Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(limits: HttpLimits, app: Any = OK) -> AsyncIterator[Wire]:
    """A connection to a server that answers everything with `ok`, unless told otherwise."""
    config, state = uvicorn.Config(app, log_config=None, lifespan="off"), ServerState()
    kind = bounded(limits)
    server = await asyncio.get_running_loop().create_server(lambda: kind(config=config, server_state=state, app_state={}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()


def exchanged(*sent: bytes, limits: HttpLimits = LIMITS) -> bytes:
    """All that the server says until it closes the connection."""

    async def scenario() -> bytes:
        async with connected(limits) as (reader, writer):
            for part in sent:
                writer.write(part)
                await writer.drain()
            return await reader.read()

    return asyncio.run(scenario())


def problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head
    found: dict[str, Any] = json.loads(body)
    assert answer.startswith(f"HTTP/1.1 {found['status']} ".encode())
    return found


@pytest.mark.parametrize("sent", [b"G", ASK, ASK + b"X-Half: ", b"GET /" + b"a" * 500])
def test_a_head_that_does_not_come_to_its_end_is_given_up(sent: bytes) -> None:
    assert problem(exchanged(sent, limits=replace(LIMITS, head_timeout_ms=20)))["type"] == "urn:smallpool:problem:head-late"


def test_a_connection_that_says_nothing_is_closed() -> None:
    assert exchanged(limits=replace(LIMITS, head_timeout_ms=20)) == b""


def test_a_further_request_on_a_connection_has_its_own_time() -> None:
    answer = exchanged(ASK + b"\r\n", b"GET /hal", limits=replace(LIMITS, head_timeout_ms=50))
    first, _, second = answer.partition(b"HTTP/1.1 408 ")
    assert first.endswith(b"\r\n\r\nok")
    assert b"head-late" in second


def test_headers_without_an_end_are_cut_off_before_they_fill_the_memory() -> None:
    assert problem(exchanged(ASK, b"X: " + b"y" * 4_000))["status"] == 431


def test_many_requests_and_a_body_larger_than_any_head_go_through() -> None:
    body = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n" + b"z" * 9_000
    last = b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answer = exchanged(*[ASK + b"\r\n"] * 20, body, last)
    assert answer.count(b"HTTP/1.1 200 OK") == 22


@pytest.mark.parametrize(
    "sent", [b"\x00\x01\r\n\r\n", "GET /瓷 HTTP/1.1\r\n\r\n".encode(), b"GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n"]
)
def test_what_is_no_http_is_a_problem_too(sent: bytes) -> None:
    assert problem(exchanged(sent))["type"] == "urn:smallpool:problem:no-http"


def test_it_is_noted_when_the_head_of_a_request_had_come() -> None:
    noted: list[float] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        noted.append(scope["state"]["smallpool_arrived_s"])
        await PlainTextResponse("ok")(scope, receive, send)

    async def scenario() -> None:
        async with connected(LIMITS, app) as (reader, writer):
            writer.write(ASK)
            await writer.drain()
            await asyncio.sleep(0.01)
            noted.append(monotonic())
            writer.write(b"\r\n")
            await reader.readuntil(b"ok")

    asyncio.run(scenario())
    assert len(noted) == 2
    assert noted == sorted(noted), "the time until the head had come is the caller's"
