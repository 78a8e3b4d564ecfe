"""Lines of workers in threads: a store that fails or hangs costs its own worker, and stopping waits for nobody long."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harm_rig import await_that
from smallpool_config.closing import close_together
from smallpool_config.runtime import Background
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.wiring import open_system
from smallpool_config.wiring.system import System
from smallpool_core.errors import StoreUnavailable
from smallpool_indexer.write_path import Worker


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    made = open_system(Settings(store=StoreSettings(str(tmp_path), "off")))
    made.begin()
    yield made
    made.close()


class Counted:
    """A worker that says how often it had its turn, and does what it is told there."""

    def __init__(self, does: Callable[[], object] = lambda: None) -> None:
        self.turns = 0
        self._does = does

    def turn(self) -> bool:
        self.turns += 1
        self._does()
        return False


def fails() -> None:
    raise StoreUnavailable("the store is away")


def test_a_worker_whose_store_fails_rests_alone_and_is_named(system: System) -> None:
    failing, well = Counted(fails), Counted()
    with Background(system, [[Worker("behaviour", failing.turn), Worker("items", well.turn)]]) as background:
        await_that(lambda: well.turns >= 50, "the other goes on")
        assert failing.turns < 25, "it rests ever longer, from 50 ms on"
        assert background.failure == "behaviour: the store is away"
        assert background.is_alive


def test_a_worker_that_fails_no_more_is_well_again(system: System) -> None:
    is_away = threading.Event()
    is_away.set()
    worker = Counted(lambda: fails() if is_away.is_set() else None)
    with Background(system, [[Worker("items", worker.turn)]]) as background:
        await_that(lambda: background.failure, "it has failed")
        is_away.clear()
        await_that(lambda: background.failure is None, "it is well")


def test_a_line_whose_store_hangs_holds_up_no_other_and_is_left_when_all_is_to_stop(system: System) -> None:
    answers = threading.Event()
    hanging, well = Counted(answers.wait), Counted()
    background = Background(system, [[Worker("index", hanging.turn)], [Worker("items", well.turn)]])
    background.start()
    await_that(lambda: hanging.turns == 1 and well.turns >= 50, "the other line goes on")
    assert background.stop() == ["index"]
    answers.set()
    await_that(lambda: not background.is_alive, "it ends when it can")
    assert hanging.turns == 1, "and takes up nothing new"


def test_an_error_that_is_no_stores_ends_its_line_and_shows(system: System) -> None:
    def breaks() -> None:
        raise ZeroDivisionError("a defect")

    with Background(system, [[Worker("items", Counted(breaks).turn)], [Worker("index", Counted().turn)]]) as background:
        await_that(lambda: not background.is_alive, "the process is to end")
        assert background.failure == "items: a defect"


def test_things_are_closed_side_by_side_and_one_that_hangs_or_fails_keeps_no_other(caplog: pytest.LogCaptureFixture) -> None:
    meet, never = threading.Barrier(2), threading.Event()
    parts = {"one": meet.wait, "other": meet.wait, "hangs": never.wait, "fails": fails}
    assert close_together(parts, 1.0) == ["hangs"]
    assert not meet.broken
    assert "fails was not closed in order" in caplog.text
    never.set()
