"""Faults of the disk: full, read-only, not there. Nothing is half written, and the process says that it is not ready."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from builders import user_event
from http_rig import Api, assert_problem, shelf
from http_rig import listing as row
from read_rig import ids
from smallpool_config.runtime import Background
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.wiring import open_system
from smallpool_core.errors import StoreError, StoreFull
from smallpool_stores.sqlite.database import Database
from system_rig import Marketplace, listing, listings, sold


def fill(database: Database) -> None:
    """As a full disk: the file may not grow by one page."""
    pages = database.connection.execute("PRAGMA page_count").fetchone()[0]
    database.connection.execute(f"PRAGMA max_page_count = {pages}")


def make_room(database: Database) -> None:
    database.connection.execute("PRAGMA max_page_count = 1000000")
    database.connection.execute("PRAGMA query_only = OFF")


def make_read_only(database: Database) -> None:
    database.connection.execute("PRAGMA query_only = ON")


BREAKS = {"full": fill, "read-only": make_read_only}
LONG = "长" * 10_000


@pytest.mark.parametrize("how", BREAKS)
def test_case_30_the_write_path_halts_on_such_a_disk_and_goes_on_whole_when_there_is_room(market: Marketplace, how: str) -> None:
    market.take(*listings(10))
    before = market.stored()
    events = [listing(f"n{n:03}", description=LONG, category=f"类{n}") for n in range(30)]
    market.send(*events, sold("i0001"), b"{", user_event("click", "i0002"))
    BREAKS[how](market.system.database)
    with pytest.raises(StoreFull):
        market.settle()
    assert (market.stored(), market.dead_letters()) == (before, [])
    assert "i0001" in market.glance(size=30), "what is sold is sold once it is taken in, not before"
    make_room(market.system.database)
    market.settle()
    assert len(market.stored()) == 40
    assert (market.item("i0001").state, len(market.dead_letters())) == ("sold", 1)
    assert market.system.triggers.load("u:u1").recent


@pytest.mark.parametrize("how", BREAKS)
def test_case_30_pages_go_on_unclaimed_and_say_so(market: Marketplace, how: str) -> None:
    market.take(*listings(40))
    first = market.page()
    BREAKS[how](market.system.database)
    pages = [market.recall(size=20) for _ in range(2)]
    for page in pages:
        assert "seen_list" in page.degraded
        assert len(page.items) == 20
        assert set(ids(page)).isdisjoint(first), "what is remembered is still kept away"
    make_room(market.system.database)
    page = market.recall()
    assert (page.degraded, set(ids(page)).isdisjoint(first)) == ([], True)
    assert market.seen() == first + ids(page)


@pytest.mark.parametrize("how", BREAKS)
def test_case_30_nothing_is_acknowledged_that_is_not_stored(market: Marketplace, how: str) -> None:
    durable = market.system.acknowledged_log
    asyncio.run(durable.append("item-events", [("a", b"{}")], 0))
    end = durable.end("item-events")
    BREAKS[how](market.system.durable_database)
    with pytest.raises(StoreFull):
        asyncio.run(durable.append("item-events", [("b", b"x" * 100_000)], 0))
    assert durable.end("item-events") == end


def test_case_30_over_http_events_are_refused_while_pages_and_health_go_on(api: Api) -> None:
    api.publish(*shelf(4))
    api.make_pool("p")
    fill(api.rig.database)
    refused = api.post("/v1/item-events", {"events": [row("x", description=LONG)] * 20})
    assert_problem(refused, 507, "store-full")
    assert api.post("/v1/pools/p/recall", {"user_id": "u1"}).status_code == 200
    assert api.get("/healthz").status_code == 200
    assert api.rig.log.poll("item-events", "none", 100)[-1].key == "i003"


def test_case_30_a_write_path_that_cannot_write_makes_the_process_unready_until_it_can(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.send(*[listing(f"n{n:03}", description=LONG) for n in range(30)])
    indexer, turns, failures = market.system.indexer, threading.Semaphore(0), list[str | None]()
    real_turn = indexer.run_once

    def turn() -> int:
        """The first turn finds the disk full, the second finds room."""
        failures.append(thread.failure)
        (fill if len(failures) == 1 else make_room)(market.system.database)
        turns.release()
        return real_turn()

    monkeypatch.setattr(indexer, "run_once", turn)
    thread = Background(market.system, market.system.serving_lines())
    with thread:
        for _ in range(3):
            assert turns.acquire(timeout=30)
    assert failures[0] is None
    assert "the disk is full" in (failures[1] or ""), "what /readyz shows meanwhile"
    assert failures[2] is None
    market.settle()
    assert len(market.stored()) == 30


def test_case_30_a_directory_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    system = open_system(Settings(store=StoreSettings(str(tmp_path / "file" / "data"))))
    with pytest.raises(StoreError, match="choose another directory"):
        system.load()


def head_lost(whole: bytes) -> bytes:
    return b"not a database" + whole[14:]


def cut_short(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


@pytest.mark.parametrize("damage", [head_lost, cut_short])
def test_case_30_a_damaged_file_is_refused_by_name_and_left_as_it_is(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    with Marketplace(tmp_path) as market:
        market.take(*listings(200))
    file = tmp_path / "smallpool.db"
    broken = damage(file.read_bytes())
    file.write_bytes(broken)
    with pytest.raises(StoreError, match=r"smallpool\.db.*not a SQLite file|the file is damaged"), Marketplace(tmp_path) as market:
        market.take(listing("new"))
    assert file.read_bytes() == broken
