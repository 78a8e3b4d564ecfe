"""Awaits what may well answer at once: an adapter in this process computes and never waits, one behind a network does.

In: awaitables. Out: what they return. Tasks and timers, which cost more than many an answer, are made only once something waits.
"""

import asyncio
from collections.abc import Awaitable, Generator, Iterator
from typing import Any, Generic, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T = TypeVar("T")


async def in_time(call: Awaitable[T], seconds: float) -> T:
    """What the call returns; raises `TimeoutError` if it still waits when `seconds` are over.

    Nothing can interrupt a call that computes, so one that never waits is not late however long it takes.
    """
    until = asyncio.get_running_loop().time() + seconds
    begun = _Begun(call)
    if begun.is_over:
        return begun.end
    async with asyncio.timeout_at(until):
        return await begun


@overload
async def side_by_side(first: Awaitable[A], second: Awaitable[B], /) -> tuple[A, B]: ...
@overload
async def side_by_side(first: Awaitable[A], second: Awaitable[B], third: Awaitable[C], /) -> tuple[A, B, C]: ...
@overload
async def side_by_side(*calls: Awaitable[T]) -> tuple[T, ...]: ...
async def side_by_side(*calls: Awaitable[Any]) -> tuple[Any, ...]:
    """What the calls return, in their order: each is begun when the one before it has ended or waits for something.

    The first error is raised, once every call has ended. Where this is cancelled, so are the calls under way.
    """
    ends: list[Any] = []
    left = iter(calls)
    for call in left:
        try:
            begun = _Begun(call)
        except Exception as error:  # noqa: BLE001  it is raised below
            ends.append(error)
            continue
        if begun.is_over:
            ends.append(begun.end)
        else:
            ends += await _together(begun, asyncio.gather(*left, return_exceptions=True))
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return tuple(ends)


async def _together(begun: "_Begun[T]", others: "asyncio.Future[list[T | BaseException]]") -> list[T | BaseException]:
    """One call goes on in this task, in which it was begun: what it made its own, such as a timeout, belongs to this task."""
    end: T | BaseException
    try:
        end = await begun
    except asyncio.CancelledError:
        others.cancel()
        await asyncio.gather(others, return_exceptions=True)
        raise
    except Exception as error:  # noqa: BLE001  `side_by_side` raises it
        end = error
    return [end, *await others]


class _Begun(Generic[T]):
    """A call that has run to where it first waits, or is over and has returned `end`; what is left of it the same task must await."""

    end: T

    def __init__(self, call: Awaitable[T]) -> None:
        self._steps = call.__await__()
        self._waits_for: list[Any] = []
        try:
            self._waits_for.append(next(self._steps))
        except StopIteration as done:
            self.end = done.value
        self.is_over = not self._waits_for

    def __await__(self) -> Generator[Any, None, T]:
        return self  # type: ignore[return-value]

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self._waits_for.pop() if self._waits_for else next(self._steps)

    def throw(self, *error: Any) -> Any:
        """Goes on with an error."""
        return self._steps.throw(*error)

    def close(self) -> None:
        """Gives up what is left."""
        self._steps.close()
