"""Long work beside a line of workers: begun by a turn, once at a time, and what it raises is raised by a later turn."""

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


def test_a_turn_comes_back_while_the_work_goes_on_and_begins_no_second_one() -> None:
    begun, may_end = [], threading.Event()

    def work() -> None:
        begun.append(1)
        may_end.wait(60)

    beside = Beside("slow work", work)
    assert [beside.turn(), beside.turn()] == [False, False]
    may_end.set()
    wait_for("slow work")
    assert len(begun) == 1
    beside.turn()
    wait_for("slow work")
    assert len(begun) == 2


def test_what_the_work_raised_the_next_turn_raises_and_the_one_after_begins_anew() -> None:
    begun = []

    def work() -> None:
        begun.append(1)
        raise StoreUnavailable("could not work: the test says so")

    beside = Beside("failing work", work)
    beside.turn()
    wait_for("failing work")
    with pytest.raises(StoreUnavailable, match="the test says so"):
        beside.turn()
    assert len(begun) == 1
    beside.turn()
    wait_for("failing work")
    assert len(begun) == 2


def test_a_process_that_serves_relates_items_by_itself(tmp_path: Path) -> None:
    system = open_system(Settings(store=StoreSettings(directory=str(tmp_path), synchronous="off")))
    system.begin()
    at = system.clock.now_ms() - 60_000
    for place, item_id in enumerate("ab"):
        system.log.append_now("user-events", [("u:u1", encode_user_event(user_event("click", item_id, at=at + place)))], at + place)
    [worker] = [worker for line in system.serving_lines() for worker in line if worker.name == RELATING]
    worker.turn()
    wait_for(RELATING)
    worker.turn()  # raises what the first one raised
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
