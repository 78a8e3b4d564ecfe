"""How the adapters reach Redis, one server or a cluster: pools of connections, one round trip to a server for several commands.

In: settings. Out: replies as Redis gives them (bytes, integers, lists), for the event loop and, with names that end in `now`,
for threads. Every error leaves as a `StoreError`.

A command that only reads is sent once more where the connection turns out to be dead, on the event loop within a budget; one that
writes never is, because it may have had its effect. Nothing is sent again after a timeout: the time is used up. On the event loop, where
a page waits, a server that does not answer is then left alone for a while. The cluster client of redis-py keeps none of this, so it is
not used: it sends writes again, sleeps before it does, and refuses a call that finds every connection busy.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty
from typing import Any, TypeVar
from urllib.parse import urlsplit

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import TimeoutError as NoAnswer
from redis.retry import Retry

from smallpool_core.breaker import Breaker
from smallpool_core.errors import Problem, SettingsRefused
from smallpool_stores.redis.commands import Call, Command, Part
from smallpool_stores.redis.errors import translated
from smallpool_stores.redis.keys import Keys
from smallpool_stores.redis.routing import routed
from smallpool_stores.redis.scripts import Script
from smallpool_stores.redis.settings import RedisSettings
from smallpool_stores.redis.slots import Slots
from smallpool_stores.retry_budget import RetryBudget

T = TypeVar("T")


class RedisConnection:
    """Connections of this process to one Redis or one cluster, opened when first used; safe for threads and for several event loops."""

    def __init__(self, settings: RedisSettings) -> None:
        self.settings = settings
        self.keys = Keys(settings.prefix)
        self.where = _shown(settings.url)
        _check(settings, self.where)
        self._slots = Slots(settings.url, self._slots_by if settings.cluster else None)
        self._now: dict[str, redis.Redis] = {}
        self._breakers: dict[str, Breaker] = {}
        self.budget = RetryBudget()
        self._by_loop: dict[asyncio.AbstractEventLoop, tuple[dict[str, redis.asyncio.Redis], AsyncGenerator[None]]] = {}

    @contextmanager
    def translated(self, operation: str) -> Iterator[None]:
        """Turns errors of Redis inside the block into ours; `operation` reads after "could not"."""
        with translated(operation, self.where):
            yield

    async def read(self, *command: Part) -> Any:
        """The reply to one command that only reads."""
        [reply] = await self._once_more(lambda: self._send([command]))
        return reply

    async def read_all(self, *commands: Command) -> list[Any]:
        """The replies to several of them, in one round trip to each server."""
        return await self._once_more(lambda: self._send(commands))

    async def read_by(self, script: Script, keys: Sequence[str], arguments: Sequence[Part]) -> Any:
        """What a script that only reads returns; all of one moment."""
        return await self._once_more(lambda: self.run(script, keys, arguments))

    async def write(self, *commands: Command) -> None:
        """Commands, those of one slot in their order. Each may fail by itself, so each must bear repeating."""
        await self._send(commands)

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Part]) -> Any:
        """What the script returns; it is one atomic step."""
        [result] = await self._send([Call(script, keys, arguments)])
        return result

    def read_now(self, *commands: Command, at: str | None = None) -> list[Any]:
        """The replies to commands that only read, in one round trip to each server; `at` asks one of `servers_now`."""
        try:
            return self._send_now(commands, at)
        except redis.ConnectionError as exc:
            if not _is_lost(exc):
                raise
            return self._send_now(commands, at)

    def write_now(self, *commands: Command) -> list[Any]:
        """The replies to commands and calls of scripts, those of one slot in their order, in one round trip to each server.

        Each call is one atomic step by itself. All of it must bear repeating: where one fails, others have had their effect.
        """
        return self._send_now(commands)

    def servers_now(self) -> list[str]:
        """Every server that holds keys, as the cluster says now; only to be handed back to `read_now`."""
        self._slots.read()
        return self._slots.servers

    def close(self) -> None:
        """Closes the connections of threads; those of an event loop are closed where the loop ends."""
        self._slots.close()
        for client in list(self._now.values()):
            client.connection_pool.disconnect()  # a client does not close a pool that it was given

    def _send_now(self, commands: Sequence[Command], at: str | None = None) -> list[Any]:
        steps = routed(commands, self._slots, at)
        try:
            server, words = next(steps)
            while True:
                server, words = steps.send(self._exchange_now(server, words))
        except StopIteration as end:
            return _sound(end.value)

    def _exchange_now(self, server: str, commands: Sequence[Sequence[Part]]) -> list[Any]:
        with self._watched(server), self._client_now(server).pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return pipe.execute(raise_on_error=False)

    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        steps = routed(commands, self._slots)
        try:
            server, words = next(steps)
            while True:
                server, words = steps.send(await self._exchange(server, words))
        except StopIteration as end:
            return _sound(end.value)

    async def _once_more(self, call: Callable[[], Awaitable[T]]) -> T:
        """What the call returns, made a second time if the connection was lost and the budget allows it."""
        self.budget.called()
        try:
            return await call()
        except redis.ConnectionError as exc:
            if not _is_lost(exc) or not self.budget.may_retry():
                raise
            return await call()

    async def _exchange(self, server: str, commands: Sequence[Sequence[Part]]) -> list[Any]:
        client = await self._client(server)
        with self._breaker(server).asking(), self._watched(server):
            async with client.pipeline(transaction=False) as pipe:
                for command in commands:
                    pipe.execute_command(*command)
                return await pipe.execute(raise_on_error=False)

    @contextmanager
    def _watched(self, server: str) -> Iterator[None]:
        """A server that is gone may have a successor, of which it tells nobody."""
        try:
            yield
        except (redis.ConnectionError, NoAnswer):
            self._slots.renew(lost=server)
            raise

    def _slots_by(self, server: str) -> list[Any]:
        return self._client_now(server).execute_command("CLUSTER", "SLOTS")  # type: ignore[no-any-return]

    def _breaker(self, server: str) -> Breaker:
        """What is known of the answers of one server: the others are asked while it is left alone."""
        breaker = self._breakers.get(server)
        if breaker is None:
            settings = self.settings
            answer_s, pause_s = settings.answer_timeout_ms / 1000, settings.pause_ms / 1000
            # A refused connection takes no time, so it needs no pause; that the server answers it does not say either.
            breaker = Breaker(
                (NoAnswer,), NoAnswer, neither=(redis.ConnectionError,), after=settings.pause_after, pause_s=pause_s, answer_s=answer_s
            )
        return self._breakers.setdefault(server, breaker)

    def _client_now(self, server: str) -> redis.Redis:
        client = self._now.get(server)
        if client is None:
            write_s = self.settings.write_timeout_ms / 1000
            client = redis.Redis(connection_pool=self._pool(redis.BlockingConnectionPool, server, write_s, write_s))
            client.response_callbacks.clear()  # replies are as Redis gives them
        return self._now.setdefault(server, client)

    async def _client(self, server: str) -> redis.asyncio.Redis:
        """The client of the running loop: a connection belongs to the loop on which it was opened."""
        loop = asyncio.get_running_loop()
        held = self._by_loop.get(loop)
        if held is None:
            clients: dict[str, redis.asyncio.Redis] = {}
            closing = self._closed_with(loop, clients)
            await anext(closing)
            held = self._by_loop[loop] = (clients, closing)
        if server not in held[0]:
            answer_s, connect_s = self.settings.answer_timeout_ms / 1000, self.settings.connect_timeout_ms / 1000
            client = redis.asyncio.Redis(connection_pool=self._pool(redis.asyncio.BlockingConnectionPool, server, answer_s, connect_s))
            client.response_callbacks.clear()
            held[0][server] = client
        return held[0][server]

    async def _closed_with(self, loop: asyncio.AbstractEventLoop, clients: dict[str, redis.asyncio.Redis]) -> AsyncGenerator[None]:
        """A loop that ends closes the generators which were begun on it, and this one closes the clients."""
        try:
            yield
        finally:
            self._by_loop.pop(loop, None)
            for client in clients.values():
                await client.aclose(close_connection_pool=True)

    def _pool(self, kind: Callable[..., T], server: str, answer_s: float, connect_s: float) -> T:
        """A pool of at most `connections`; who waits longer than for an answer gets an error."""
        return kind.from_url(  # type: ignore[attr-defined,no-any-return]
            server,
            max_connections=self.settings.connections,
            timeout=answer_s,
            socket_timeout=answer_s,
            socket_connect_timeout=connect_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,
        )


def _check(settings: RedisSettings, where: str) -> None:
    """Raises `SettingsRefused` for a url that is none, or that cannot be one of a cluster."""
    try:
        options = parse_url(settings.url)
    except ValueError as exc:
        raise SettingsRefused([Problem("url", repr(where), f"redis://, rediss:// or unix:// is wanted: {exc}")]) from exc
    if settings.cluster and ("path" in options or options.get("db")):
        raise SettingsRefused([Problem("url", repr(where), "a cluster is reached by redis:// or rediss://, and has no database but 0")])


def _is_lost(error: redis.ConnectionError) -> bool:
    """Whether the connection was lost: subclasses say that the server refused, these causes that none was free for too long."""
    return type(error) is redis.ConnectionError and not isinstance(error.__cause__, TimeoutError | Empty)


def _sound(replies: list[Any]) -> list[Any]:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


def _shown(url: str) -> str:
    """The address without user and password."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parts.path or "(no address)"
