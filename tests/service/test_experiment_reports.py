"""Reports and the pages that are served beside them: the join is done apart, one at a time, and is refused when its time is over."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from builders import MINUTE, NOW, FakeClock
from read_rig import FakeLog
from smallpool_core.errors import Refused
from smallpool_core.experiment_ports import Moments, People
from smallpool_core.experiments import Bucket, Experiment
from smallpool_service.experiments.operating import ExperimentDesk
from smallpool_service.experiments.report import Asked, Report

EXPERIMENT = Experiment("e", "e", "main", "running", (Bucket("a", 0.5), Bucket("b", 0.5)), (), 0.0, 1.0, 1, 1, NOW - MINUTE)


class SlowJoin:
    """Outcomes whose join waits until it is let go, at most five seconds."""

    def __init__(self) -> None:
        self.began, self.go = Event(), Event()
        self.joining = 0
        self.most = 0
        self.was_let_go = True
        self.is_closed = False
        self.closed_while_joining = False

    @contextmanager
    def __call__(self) -> Iterator["SlowJoin"]:
        try:
            yield self
        finally:
            self.is_closed = True
            self.closed_while_joining |= self.joining > 0

    def add(self, topic: str, values: Sequence[bytes]) -> None: ...

    def attribute(self, since: int, until: int, window_ms: int) -> None:
        self.joining += 1
        self.most = max(self.most, self.joining)
        self.began.set()
        self.was_let_go &= self.go.wait(5)
        self.joining -= 1

    def people(self, layer: str, experiment_id: str) -> People:
        return People({"a": 1}, 0, 0)

    def moments(self, layer: str, experiment_id: str) -> list[Moments]:
        return []


def asked(desk: ExperimentDesk, clock: FakeClock, stop: int | None = None) -> "asyncio.Task[Report]":
    return asyncio.ensure_future(desk.report(FakeLog(), clock, EXPERIMENT, Asked(stop=stop)))  # type: ignore[arg-type]


def desk_of(join: Any) -> ExperimentDesk:
    nothing: Any = None
    return ExperimentDesk(nothing, nothing, join)


async def begun(join: SlowJoin) -> None:
    assert await asyncio.to_thread(join.began.wait, 5)


def test_pages_are_served_while_a_report_is_joined() -> None:
    join = SlowJoin()

    async def serve() -> Report:
        made = asked(desk_of(join), FakeClock())
        await begun(join)
        join.go.set()  # as only a loop can that is not itself busy with the join
        return await made

    assert asyncio.run(serve()).people == {"a": 1, "b": 0}
    assert join.was_let_go


def test_one_report_is_made_at_a_time() -> None:
    join = SlowJoin()

    async def serve() -> None:
        desk = desk_of(join)
        made = [asked(desk, FakeClock()) for _ in range(3)]
        await begun(join)
        await asyncio.sleep(0.05)
        join.go.set()
        await asyncio.gather(*made)

    asyncio.run(serve())
    assert join.most == 1


def test_a_report_whose_turn_does_not_come_in_time_is_refused_and_the_first_goes_on() -> None:
    join = SlowJoin()

    async def serve() -> None:
        desk, clock = desk_of(join), FakeClock()
        first = asked(desk, clock)
        await begun(join)
        with pytest.raises(Refused, match="in time"):
            await asked(desk, clock, stop=NOW + 20)
        join.go.set()
        assert (await first).people["a"] == 1

    asyncio.run(serve())


def test_a_report_whose_time_is_over_when_it_is_joined_is_refused() -> None:
    join = SlowJoin()

    async def serve() -> None:
        desk, clock = desk_of(join), FakeClock()
        made = asked(desk, clock, stop=NOW + MINUTE)
        await begun(join)
        clock.advance(MINUTE)
        join.go.set()
        with pytest.raises(Refused, match="in time"):
            await made

    asyncio.run(serve())


def test_what_is_joined_is_not_closed_under_the_join_of_a_report_that_is_cancelled() -> None:
    join = SlowJoin()

    async def serve() -> None:
        made = asked(desk_of(join), FakeClock())
        await begun(join)
        made.cancel()
        await asyncio.sleep(0.05)
        join.go.set()
        with pytest.raises(asyncio.CancelledError):
            await made

    asyncio.run(serve())
    assert (join.is_closed, join.closed_while_joining) == (True, False)
