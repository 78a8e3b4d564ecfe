"""Long work beside a line of workers: begun by a turn, once at a time, and what it raises stops nobody."""

import threading
from pathlib import Path

import pytest

from builders import user_event
from smallpool_config.beside import Beside
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.wiring import open_system
from smallpool_config.wiring.relates_items import RELATING
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import encode_user_event


def wait_for(name: str) -> None:
    """Until the work of that name is over."""
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(60)


def test_before_it_is_time_nothing_is_begun() -> None:
    Beside("early work", lambda: False, lambda: None, nobody_counts).turn()
    assert "early work" not in {thread.name for thread in threading.enumerate()}


def nobody_counts() -> None:
    """For work that does not fail."""


def test_a_turn_comes_back_while_the_work_goes_on_and_begins_no_second_one() -> None:
    begun, may_end = [], threading.Event()

    def work() -> None:
        begun.append(1)
        may_end.wait(60)

    beside = Beside("slow work", lambda: True, work, nobody_counts)
    assert [beside.turn(), beside.turn()] == [False, False]
    may_end.set()
    wait_for("slow work")
    assert len(begun) == 1
    beside.turn()
    wait_for("slow work")
    assert len(begun) == 2


@pytest.mark.parametrize("error", [StoreUnavailable("could not work: the test says so"), ValueError("the test says so")])
def test_what_the_work_raises_is_logged_and_counted_and_stops_nobody(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    failures = []

    def work() -> None:
        raise error

    beside = Beside("failing work", lambda: True, work, lambda: failures.append(1))
    beside.turn()
    wait_for("failing work")
    assert "the test says so" in caplog.text
    beside.turn()
    wait_for("failing work")
    assert len(failures) == 2


def test_a_process_that_serves_relates_items_by_itself(tmp_path: Path) -> None:
    system = open_system(Settings(store=StoreSettings(directory=str(tmp_path), synchronous="off")))
    system.begin()
    at = system.clock.now_ms() - 60_000
    for place, item_id in enumerate("ab"):
        system.log.append_now("user-events", [("u:u1", encode_user_event(user_event("click", item_id, at=at + place)))], at + place)
    [worker] = [worker for line in system.serving_lines() for worker in line if worker.name == RELATING]
    worker.turn()
    wait_for(RELATING)
    generation = system.relations.current()
    assert generation is not None
    assert (generation.events, generation.source) == (2, "log")
    system.close()


def test_a_command_that_takes_everything_in_does_not_wait_for_it(tmp_path: Path) -> None:
    system = open_system(Settings(store=StoreSettings(directory=str(tmp_path))))
    system.begin()
    system.whole_turn()()
    assert RELATING not in {thread.name for thread in threading.enumerate()}
    system.close()
