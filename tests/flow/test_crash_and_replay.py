"""A crash anywhere between an event and its page loses nothing and doubles nothing; two processes may share one folder."""

import signal
from pathlib import Path
from typing import NoReturn

import pytest

from builders import FakeClock, user_event
from smallpool_core.errors import DirectoryLocked
from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP
from smallpool_core.items import WideItem
from system_rig import EVERYTHING, Event, Marketplace, listing, listings, sold
from write_process import write_process

EVENTS: list[Event] = [*listings(20), sold("i0003"), listing("i0003", version=3), sold("i0004"), b"{", listing("late", category="晚")]


def undisturbed(folder: Path) -> tuple[dict[str, WideItem], list[str]]:
    """What the events lead to where nothing crashes."""
    with Marketplace(folder) as market:
        market.put_pool("p", EVERYTHING)
        market.take(*EVENTS)
        return market.stored(), market.page(size=30)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, WideItem], list[str]]:
    return undisturbed(tmp_path_factory.mktemp("undisturbed"))


Outcome = tuple[dict[str, WideItem], list[str]]


@pytest.mark.parametrize(("dies_at", "is_recorded"), [("commit", False), ("index", True)])
def test_a_process_killed_between_record_and_recall_loses_and_doubles_nothing(
    tmp_path: Path, expected: Outcome, dies_at: str, *, is_recorded: bool
) -> None:
    with Marketplace(tmp_path) as market:
        market.put_pool("p", EVERYTHING)
        market.send(*EVENTS)
        with write_process(tmp_path, dies_at) as process:
            assert process.end() == -signal.SIGKILL
        assert bool(market.system.log.committed("item-events", INDEXER_GROUP)) == is_recorded
        assert (len(market.stored()) > 0) == is_recorded
        assert (len(market.dead_letters()) > 0) == is_recorded
    with Marketplace(tmp_path) as again:
        again.settle()
        assert (again.stored(), again.page(size=30)) == expected
        assert len(again.dead_letters()) == 1


class PowerCut(Exception):
    """What ends a transaction in the middle."""


def cut(*_values: object, **_options: object) -> NoReturn:
    raise PowerCut


@pytest.mark.parametrize("part", ["wide.append", "stats.forget", "log.dead_letter", "log.commit"])
def test_a_batch_that_fails_at_any_write_is_taken_again_whole(
    tmp_path: Path, expected: Outcome, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    with Marketplace(tmp_path) as market:
        market.put_pool("p", EVERYTHING)
        market.send(*EVENTS)
        store, method = part.split(".")
        with monkeypatch.context() as broken:
            broken.setattr(getattr(market.system, store), method, cut)
            with pytest.raises(PowerCut):
                market.settle()
        assert market.stored() == {}
        assert market.dead_letters() == []
        market.settle()
        assert (market.stored(), market.page(size=30)) == expected
        assert len(market.dead_letters()) == 1


@pytest.mark.parametrize("part", ["triggers.mark", "triggers.save", "stats.add", "log.commit"])
def test_behaviour_that_fails_at_any_write_counts_once_when_it_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    with Marketplace(tmp_path) as market:
        market.take(listing("a"))
        market.send(user_event("click", "a"), user_event("favourite", "a"), user_event("click", "a"))
        store, method = part.split(".")
        with monkeypatch.context() as broken:
            broken.setattr(getattr(market.system, store), method, cut)
            with pytest.raises(PowerCut):
                market.settle()
        assert market.system.log.committed("user-events", BEHAVIOUR_GROUP) == {}
        market.settle()
        weight = market.system.triggers.load("u:u1").short["category:数码›手机"].weight
        assert weight == pytest.approx(1.0 + 3.0), "one click and one favourite; the second click is the same one"


def test_a_page_begun_before_a_crash_is_gone_on_with_by_its_request_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    with Marketplace(tmp_path, clock=clock) as market:
        market.put_pool("p", EVERYTHING)
        market.take(*listings(30, per_category=3))
        claim = market.system.seen.claim

        async def claim_then_cut(request: object) -> NoReturn:
            await claim(request)  # type: ignore[arg-type]
            raise PowerCut

        monkeypatch.setattr(market.system.seen, "claim", claim_then_cut)
        with pytest.raises(PowerCut):
            market.recall(request_id="r1")
        burnt = market.seen()
    with Marketplace(tmp_path, clock=clock) as again:
        page = again.page(request_id="r1")
        assert len(page) == 10
        assert page[: len(burnt)] == burnt
        assert again.seen() == page


def test_what_another_process_appends_is_taken_by_the_one_that_turns_the_write_path(tmp_path: Path) -> None:
    with Marketplace(tmp_path) as serving, serving.system.own_write_path(), Marketplace(tmp_path) as other:
        serving.put_pool("p", EVERYTHING)
        other.send(*listings(20), user_event("click", "i0003"))
        with pytest.raises(DirectoryLocked):
            other.system.own_write_path()
        serving.settle()
        assert "i0003" in serving.glance()[:2]
        other.save_pool("p", {"field": "item_id", "op": "in", "value": ["i0003", "i0004"]})
        assert sorted(serving.glance()) == ["i0003", "i0004"]


def test_a_running_write_process_takes_what_this_process_appends(tmp_path: Path) -> None:
    with Marketplace(tmp_path) as here:
        here.put_pool("p", EVERYTHING)
        with write_process(tmp_path) as process:
            assert here.system.has_writer()
            last = here.send(*listings(3, per_category=1))[-1]
            while here.system.log.committed("item-events", INDEXER_GROUP).get(0, -1) < last:
                assert process.await_stage("index"), "the process goes on"
        assert here.system.indexer.drain() == 0, "nothing was left to take in"
        here.system.tail_indexer.drain()
        assert sorted(here.page()) == ["i0000", "i0001", "i0002"]
        assert not here.system.has_writer()
