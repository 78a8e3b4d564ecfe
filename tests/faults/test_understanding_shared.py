"""Assistants understand listings beside the write path; killed, hanging or behind, they cost no listing and change none."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from smallpool_config import assistant, sharing
from smallpool_config.assistant import Assistant
from smallpool_config.settings import KnowledgeSettings, ModelSettings, Settings
from smallpool_config.sharing import AGAIN_S, IDLE_S, WORTH_SHARING, SharedUnderstander
from smallpool_config.tagging import ServedUnderstander
from smallpool_config.vector_models import vectors_of
from smallpool_core.items import Given
from smallpool_models.listings import generate_listings
from smallpool_models.understanding import load_knowledge

START_S = 120.0
PATIENCE_S = 120.0
"""On a machine with a load of twelve an assistant took 15 s to start: 2.6 s of computing, with a model of vectors as without. Once its
knowledge base changed it reads that anew before it answers. Nobody but the one that hangs is given up here.
"""
BACKLOG = 80
"""So few listings are a backlog here."""
STARTS = """
import sys, time
from smallpool_config.assistant import Assistant
from smallpool_config.settings import Settings
print(Assistant(Settings()).process_id, flush=True)
time.sleep(60)
"""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Helped:
    """An understander with one assistant, what it would say alone, and listings that are a backlog."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(knowledge=KnowledgeSettings(directory=str(folder)), models=ModelSettings(ner=""))
        knowledge = load_knowledge(folder)
        self.alone = ServedUnderstander(settings, knowledge, vectors=vectors_of(settings.models))
        self.started: list[Assistant] = []
        self.clock = Clock()

        def start() -> Assistant:
            self.started.append(Assistant(settings))
            return self.started[-1]

        self.shared = SharedUnderstander(self.alone, 1, start, self.clock)
        events = generate_listings(knowledge, count=BACKLOG + 1, seed=3, start_ms=0, gap_ms=0)
        self.listings = [event.given for event in events if event.given is not None]

    def see_a_backlog(self) -> None:
        """Until an assistant is there and has read all that it needs."""
        self.shared.understand(self.listings)
        awaited(self.started[-1].is_ready)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(KnowledgeSettings().path, tmp_path / "knowledge")


@pytest.fixture
def helped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Helped]:
    monkeypatch.setattr(sharing, "BACKLOG", BACKLOG)
    monkeypatch.setattr(assistant, "PATIENCE_S", PATIENCE_S)
    made = Helped(folder)
    yield made
    made.shared.close()


def awaited(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + START_S
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def is_running(process_id: int) -> bool:
    """A zombie has ended too."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_listings_are_shared_once_there_is_a_backlog_and_mean_what_they_mean_alone(helped: Helped) -> None:
    few, many = helped.listings[: WORTH_SHARING - 1], helped.listings[:64]
    assert helped.shared.understand(few) == helped.alone.understand(few)
    assert helped.shared.understand(many) == helped.alone.understand(many)
    assert helped.started == []
    helped.see_a_backlog()
    asked: list[int] = []
    ask = helped.started[0].ask

    def counted(version: str, given: "list[Given]") -> None:
        asked.append(len(given))
        ask(version, given)

    helped.started[0].ask = counted  # type: ignore[method-assign, assignment]
    assert helped.shared.understand(many) == helped.alone.understand(many)
    assert helped.shared.understand(few) == helped.alone.understand(few)
    assert len(asked) == 1
    assert 20 < asked[0] < 44


def test_after_a_batch_that_could_not_be_borne_the_next_has_its_own_meanings(helped: Helped, monkeypatch: pytest.MonkeyPatch) -> None:
    helped.see_a_backlog()

    def fails(_: object) -> None:
        raise ValueError("a listing that nobody can bear")

    with monkeypatch.context() as patched:
        patched.setattr(helped.alone, "understand", fails)
        with pytest.raises(ValueError, match="nobody can bear"):
            helped.shared.understand(helped.listings[:64])
    assert helped.shared.understand(helped.listings[-64:]) == helped.alone.understand(helped.listings[-64:])


@pytest.mark.parametrize("signalled", [signal.SIGKILL, signal.SIGSTOP])
def test_an_assistant_that_dies_or_hangs_costs_no_listing_and_is_replaced(
    helped: Helped, signalled: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    helped.see_a_backlog()
    many = helped.listings[:64]
    os.kill(helped.started[0].process_id, signalled)
    with monkeypatch.context() as patched:
        patched.setattr(assistant, "PATIENCE_S", 0.1)
        assert helped.shared.understand(many) == helped.alone.understand(many)
    assert helped.shared.assistants == 0
    assert not is_running(helped.started[0].process_id)
    helped.shared.understand(helped.listings)
    assert len(helped.started) == 1
    helped.clock.now += AGAIN_S
    helped.see_a_backlog()
    assert len(helped.started) == 2
    assert helped.shared.understand(many) == helped.alone.understand(many)


def test_a_changed_knowledge_base_holds_for_all_of_a_batch(folder: Path, helped: Helped) -> None:
    helped.see_a_backlog()
    with (folder / "brands.tsv").open("a", encoding="utf-8") as brands:
        brands.write("lingxi\t灵犀牌\t\t数码/手机\n")
    helped.shared.refresh()
    helped.shared.refresh()
    many = [Given(f"灵犀牌 手机 {number}g") for number in range(64)]
    for _ in range(3):  # the assistant looks at its folder when it hears of another version
        understood = helped.shared.understand(many)
        assert {one.brand for one in understood} == {"lingxi"}
        assert len({one.versions["knowledge"] for one in understood}) == 1
    assert helped.shared.assistants == 1


def test_assistants_are_let_go_when_no_backlog_was_there_for_long(helped: Helped) -> None:
    helped.see_a_backlog()
    helped.clock.now += IDLE_S
    helped.shared.refresh()
    assert helped.shared.assistants == 1
    helped.clock.now += 1
    helped.shared.refresh()
    assert helped.shared.assistants == 0
    assert not is_running(helped.started[0].process_id)


def test_an_assistant_ends_when_who_started_it_is_killed() -> None:
    process = subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process_id = int(process.stdout.readline())
    awaited(partial(is_running, process_id))
    process.kill()
    process.wait()
    process.stdout.close()
    awaited(lambda: not is_running(process_id))


def test_where_no_process_can_be_started_listings_are_understood_all_the_same(helped: Helped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert helped.shared.understand(helped.listings) == helped.alone.understand(helped.listings)
    assert len(list(islice(helped.started, 1))) == 0
