"""How the adapters reach one Redis: pools of connections, one round trip for several commands, scripts by their digest.

In: settings. Out: replies as Redis gives them (bytes, integers, lists), for the event loop and, with names that end in `now`,
for threads. Every error leaves as a `StoreError`.

A command that only reads is sent once more where the connection turns out to be dead; one that writes never is, because it may
have had its effect. Nothing is sent again after a timeout: the time is used up. On the event loop, where a page waits, a server that
does not answer is then left alone for a while.
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
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as NoAnswer
from redis.retry import Retry

from smallpool_core.errors import Problem, SettingsRefused
from smallpool_stores.breaker import Breaker
from smallpool_stores.redis.errors import translated
from smallpool_stores.redis.keys import Keys
from smallpool_stores.redis.scripts import Script
from smallpool_stores.redis.settings import RedisSettings

Part = str | bytes | int | float
Command = Sequence[Part]
"""One command with its arguments, `("GET", key)`."""

Call = tuple[Sequence[str], Sequence[Part]]
"""Keys and arguments of one call of a script."""

T = TypeVar("T")


class RedisConnection:
    """Connections of this process to one Redis, opened when first used; safe for threads and for several event loops."""

    def __init__(self, settings: RedisSettings) -> None:
        self.settings = settings
        self.keys = Keys(settings.prefix)
        self.where = _shown(settings.url)
        write_s = settings.write_timeout_ms / 1000
        answer_s, pause_s = settings.answer_timeout_ms / 1000, settings.pause_ms / 1000
        # A refused connection takes no time, so it needs no pause; that the server answers it does not say either.
        self._breaker = Breaker(
            (NoAnswer,), NoAnswer, neither=(redis.ConnectionError,), after=settings.pause_after, pause_s=pause_s, answer_s=answer_s
        )
        self._now = redis.Redis(connection_pool=self._pool(redis.BlockingConnectionPool, write_s, write_s))
        self._now.response_callbacks.clear()  # replies are as Redis gives them, in a pipeline or not
        self._by_loop: dict[asyncio.AbstractEventLoop, tuple[redis.asyncio.Redis, AsyncGenerator[None]]] = {}

    @contextmanager
    def translated(self, operation: str) -> Iterator[None]:
        """Turns errors of Redis inside the block into ours; `operation` reads after "could not"."""
        with translated(operation, self.where):
            yield

    async def read(self, *command: Part) -> Any:
        """The reply to one command that only reads."""
        return await _once_more(lambda: self._execute(*command))

    async def read_by(self, script: Script, keys: Sequence[str], arguments: Sequence[Part]) -> Any:
        """What a script that only reads returns; all of one moment."""
        return await _once_more(lambda: self.run(script, keys, arguments))

    async def write(self, *commands: Command) -> None:
        """Commands in their order, in one round trip. Each may fail by itself, so each must bear repeating."""
        client = await self._client()
        with self._breaker.asking():
            async with client.pipeline(transaction=False) as pipe:
                for command in commands:
                    pipe.execute_command(*command)
                _sound(await pipe.execute(raise_on_error=False))

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Part]) -> Any:
        """What the script returns; it is one atomic step."""
        try:
            return await self._execute("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self._execute("EVAL", script.text, len(keys), *keys, *arguments)

    def read_now(self, *commands: Command) -> list[Any]:
        """The replies to commands that only read, in one round trip."""
        try:
            return self._send_now(commands)
        except redis.ConnectionError as exc:
            if not _is_lost(exc):
                raise
            return self._send_now(commands)

    def write_now(self, *commands: Command) -> None:
        """Commands in their order, in one round trip. Each may fail by itself, so each must bear repeating."""
        self._send_now(commands)

    def run_now(self, script: Script, calls: Sequence[Call], *, after: Sequence[Command] = ()) -> list[Any]:
        """What the script returns for each call, after the commands that go first; in one round trip.

        Each call is one atomic step by itself. All of it must bear repeating: where one fails, others have had their effect.
        """
        with self._now.pipeline(transaction=False) as pipe:
            for command in after:
                pipe.execute_command(*command)
            for keys, arguments in calls:
                pipe.execute_command("EVALSHA", script.sha, len(keys), *keys, *arguments)
            replies = pipe.execute(raise_on_error=False)
        _sound(replies[: len(after)])
        results = replies[len(after) :]
        for place, (keys, arguments) in enumerate(calls):
            if isinstance(results[place], NoScriptError):
                results[place] = self._now.execute_command("EVAL", script.text, len(keys), *keys, *arguments)
        return _sound(results)

    def _send_now(self, commands: Sequence[Command]) -> list[Any]:
        with self._now.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return _sound(pipe.execute(raise_on_error=False))

    def close(self) -> None:
        """Closes the connections of threads; those of an event loop are closed where the loop ends."""
        self._now.close()

    async def _execute(self, *command: Part) -> Any:
        client = await self._client()
        with self._breaker.asking():
            return await client.execute_command(*command)

    async def _client(self) -> redis.asyncio.Redis:
        """The client of the running loop: a connection belongs to the loop on which it was opened."""
        loop = asyncio.get_running_loop()
        held = self._by_loop.get(loop)
        if held is None:
            answer_s, connect_s = self.settings.answer_timeout_ms / 1000, self.settings.connect_timeout_ms / 1000
            client = redis.asyncio.Redis(connection_pool=self._pool(redis.asyncio.BlockingConnectionPool, answer_s, connect_s))
            client.response_callbacks.clear()
            closing = self._closed_with(loop, client)
            await anext(closing)
            held = self._by_loop[loop] = (client, closing)
        return held[0]

    async def _closed_with(self, loop: asyncio.AbstractEventLoop, client: redis.asyncio.Redis) -> AsyncGenerator[None]:
        """A loop that ends closes the generators which were begun on it, and this one closes the client."""
        try:
            yield
        finally:
            self._by_loop.pop(loop, None)
            await client.aclose(close_connection_pool=True)

    def _pool(self, kind: Callable[..., T], answer_s: float, connect_s: float) -> T:
        """A pool of at most `connections`; who waits longer than for an answer gets an error."""
        try:
            return kind.from_url(  # type: ignore[attr-defined,no-any-return]
                self.settings.url,
                max_connections=self.settings.connections,
                timeout=answer_s,
                socket_timeout=answer_s,
                socket_connect_timeout=connect_s,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
                driver_info=None,
            )
        except ValueError as exc:
            raise SettingsRefused([Problem("url", repr(self.where), f"redis://, rediss:// or unix:// is wanted: {exc}")]) from exc


async def _once_more(call: Callable[[], Awaitable[T]]) -> T:
    """What the call returns, made a second time if the connection was lost."""
    try:
        return await call()
    except redis.ConnectionError as exc:
        if not _is_lost(exc):
            raise
        return await call()


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
