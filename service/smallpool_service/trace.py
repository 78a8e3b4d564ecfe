"""The one wrapper round a stage: times it, counts what came in and out, and tells an observer.

Stages come in as functions and go out unchanged; nothing inside a stage knows that it is watched.
"""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from smallpool_service.page import StageTrace

P = ParamSpec("P")
S = TypeVar("S")
R = TypeVar("R")


class Observer(Protocol):
    """Where figures go: to metrics, or nowhere."""

    def observe(self, stage: str, seconds: float, in_count: int, out_count: int) -> None:
        """One run of one stage."""
        ...

    def count(self, name: str, amount: int = 1) -> None:
        """Something worth counting happened, such as `page.replayed` or `degraded.seen_list`."""
        ...


class Unobserved:
    """The observer of those who do not look."""

    def observe(self, stage: str, seconds: float, in_count: int, out_count: int) -> None:
        """Ignores it."""

    def count(self, name: str, amount: int = 1) -> None:
        """Ignores it."""


class Tracer:
    """Counts and times by stage over one request; a stage that runs in several rounds is added up."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._stages: dict[str, tuple[int, int, float]] = {}

    def timed(self, stage: str, function: Callable[Concatenate[S, P], R], first: S, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls a stage; what it takes in is counted on its first argument."""
        started = perf_counter()
        result = function(first, *args, **kwargs)
        self._note(stage, perf_counter() - started, _size(first), _size(result))
        return result

    async def awaited(
        self, stage: str, function: Callable[Concatenate[S, P], Awaitable[R]], first: S, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Awaits a stage; what it takes in is counted on its first argument."""
        started = perf_counter()
        result = await function(first, *args, **kwargs)
        self._note(stage, perf_counter() - started, _size(first), _size(result))
        return result

    def report(self) -> list[StageTrace]:
        """Every stage in order of first run."""
        return [
            StageTrace(stage, came_in, came_out, round(seconds * 1000, 3)) for stage, (came_in, came_out, seconds) in self._stages.items()
        ]

    def _note(self, stage: str, seconds: float, came_in: int, came_out: int) -> None:
        before = self._stages.get(stage, (0, 0, 0.0))
        self._stages[stage] = (before[0] + came_in, before[1] + came_out, before[2] + seconds)
        self._observer.observe(stage, seconds, came_in, came_out)


def _size(value: object) -> int:
    return len(value) if hasattr(value, "__len__") else 1
