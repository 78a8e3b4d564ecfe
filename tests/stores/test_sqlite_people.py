"""What the SQLite stores of people promise beyond their ports: bounds, durability, and errors that say what to do."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from builders import DAY, MINUTE, NOW, user_event
from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable
from smallpool_core.pages import ClaimRequest, Entry
from smallpool_core.statistics import StatDelta
from smallpool_core.users import Profile, TriggerState, Weighted
from smallpool_stores.sqlite.database import Database
from smallpool_stores.sqlite.people import SqlitePeople
from smallpool_stores.sqlite.profiles import SqliteUserProfiles
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.seen import SqliteSeenList
from smallpool_stores.sqlite.stats import SqliteItemStats
from smallpool_stores.sqlite.triggers import SqliteTriggerStore

TABLES = (
    "seen_lists",
    "claimed_pages",
    "triggers",
    "trigger_marks",
    "erasures",
    "profiles",
    "item_hours",
    "decayed_weights",
    "stats_offsets",
)


class Stores(NamedTuple):
    """All that is kept of people, in one file."""

    database: Database
    seen: SqliteSeenList
    triggers: SqliteTriggerStore
    profiles: SqliteUserProfiles
    stats: SqliteItemStats
    people: SqlitePeople


def opened(path: Path) -> Stores:
    database = open_database(path, busy_timeout_ms=1)
    return Stores(
        database,
        SqliteSeenList(database),
        SqliteTriggerStore(database),
        SqliteUserProfiles(database),
        SqliteItemStats(database),
        SqlitePeople(database),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "smallpool.db"


@pytest.fixture
def stores(path: Path) -> Iterator[Stores]:
    stores = opened(path)
    yield stores
    stores.database.close()


def request(request_id: str = "r1", now: int = NOW, payload: bytes = b"{}") -> ClaimRequest:
    """Claims a page of the one item that is named after the request."""
    ordered = (Entry(f"item of {request_id}", "k", None, payload),)
    return ClaimRequest(
        identity="u:u1",
        pool_id="p1",
        request_id=request_id,
        round=0,
        ordered=ordered,
        n=1,
        cap=3,
        seen_size=200,
        allow_seen=False,
        now=now,
        deadline=now + 200,
        final=True,
        fingerprint="f1",
    )


def state(size: int = 1) -> TriggerState:
    return TriggerState(short={f"brand:{number}": Weighted(1.0, NOW) for number in range(size)})


def rows(database: Database, table: str) -> int:
    return int(database.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


READS: dict[str, Callable[[Stores], object]] = {
    "seen.open": lambda stores: asyncio.run(stores.seen.open("u:u1", "p1", "r1", NOW)),
    "triggers.get": lambda stores: asyncio.run(stores.triggers.get("u:u1")),
    "triggers.load": lambda stores: stores.triggers.load("u:u1"),
    "triggers.erased": lambda stores: stores.triggers.erased("u:u1"),
    "profiles.get": lambda stores: asyncio.run(stores.profiles.get("u:u1")),
    "stats.popular": lambda stores: asyncio.run(stores.stats.popular("p1", 10)),
    "stats.responses": lambda stores: asyncio.run(stores.stats.responses("p1", ["i1"], NOW)),
    "stats.top_terms": lambda stores: asyncio.run(stores.stats.top_terms("p1", 10, NOW)),
}
LARGE = 1 << 20
WRITES: dict[str, Callable[[Stores], object]] = {
    "seen.claim": lambda stores: asyncio.run(stores.seen.claim(request(payload=bytes(LARGE)))),
    "triggers.save": lambda stores: stores.triggers.save("u:u1", state(LARGE // 32), NOW),
    "triggers.mark": lambda stores: stores.triggers.mark("u:u1", user_event("search", query="q" * LARGE), 1),
    "profiles.put": lambda stores: asyncio.run(stores.profiles.put("u:u1", Profile(("q" * LARGE,)))),
    "stats.add": lambda stores: stores.stats.add([StatDelta("i1", "p1", "click", 1.0, NOW, ("t:" + "q" * LARGE,))], 0, 0),
}
DELETES: dict[str, Callable[[Stores], object]] = {
    "seen.erase": lambda stores: asyncio.run(stores.seen.erase("u:u1", None)),
    "people.erase": lambda stores: asyncio.run(stores.people.erase("u:u1", {0: 7}, NOW)),
    "stats.forget": lambda stores: stores.stats.forget(["i1"]),
}


@pytest.mark.parametrize("call", {**WRITES, **DELETES}.values(), ids={**WRITES, **DELETES})
def test_a_write_while_another_process_holds_the_file_is_unavailable(stores: Stores, path: Path, call: Callable[[Stores], object]) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="database is locked"):
        call(stores)
    other.execute("ROLLBACK")
    other.close()
    call(stores)


@pytest.mark.parametrize("call", READS.values(), ids=READS)
def test_a_read_does_not_wait_for_a_writer(stores: Stores, path: Path, call: Callable[[Stores], object]) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    call(stores)
    other.close()


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
def test_a_write_to_a_full_disk_says_so_and_writes_nothing(stores: Stores, call: Callable[[Stores], object]) -> None:
    before = [rows(stores.database, table) for table in TABLES]
    pages = stores.database.connection.execute("PRAGMA page_count").fetchone()[0]
    stores.database.connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFull, match=r"could not (claim|write|mark|add) .*disk is full"):
        call(stores)
    assert [rows(stores.database, table) for table in TABLES] == before


@pytest.mark.parametrize("call", {**READS, **WRITES, **DELETES}.values(), ids={**READS, **WRITES, **DELETES})
def test_no_error_of_sqlite_leaves_a_store_untranslated(stores: Stores, call: Callable[[Stores], object]) -> None:
    for table in TABLES:
        stores.database.connection.execute(f"DROP TABLE {table}")
    with pytest.raises(StoreError, match=r"could not .*no such table"):
        call(stores)


def test_everything_is_there_after_the_file_is_opened_again(path: Path) -> None:
    stores = opened(path)
    claimed = asyncio.run(stores.seen.claim(request()))
    stores.triggers.save("u:u1", state(), NOW)
    stores.triggers.mark("u:u1", user_event(), 1)
    asyncio.run(stores.profiles.put("u:u1", Profile(("数码",))))
    stores.stats.add([StatDelta("i1", "p1", "click", 1.0, NOW, ())], 0, 1)
    stores.database.close()

    stores = opened(path)
    opening = asyncio.run(stores.seen.open("u:u1", "p1", "r1", NOW))
    assert opening.page is not None
    assert (opening.page.entries, [entry.item_id for entry in opening.seen]) == (claimed.entries, ["item of r1"])
    assert stores.triggers.load("u:u1") == state()
    assert not stores.triggers.mark("u:u1", user_event(), 2)
    assert asyncio.run(stores.profiles.get("u:u1")) == Profile(("数码",))
    stores.stats.add([StatDelta("i2", "p1", "click", 1.0, NOW, ())], 0, 1)
    assert asyncio.run(stores.stats.popular("p1", 10)) == ["i1"]
    stores.database.close()


def test_two_processes_on_one_file_share_the_seen_list(stores: Stores, path: Path) -> None:
    other = opened(path)
    asyncio.run(stores.seen.claim(request("r1")))
    asyncio.run(other.seen.claim(request("r2")))
    opening = asyncio.run(stores.seen.open("u:u1", "p1", "r2", NOW))
    assert opening.page is not None
    assert [entry.item_id for entry in opening.seen] == ["item of r1", "item of r2"]
    other.database.close()


def test_pages_whose_time_is_over_go_a_few_at_each_claim(stores: Stores) -> None:
    for number in range(40):
        asyncio.run(stores.seen.claim(request(f"r{number}", now=NOW + number)))
    assert rows(stores.database, "claimed_pages") == 40
    later = NOW + 21 * MINUTE
    for number in range(14):
        asyncio.run(stores.seen.claim(request(f"later {number}", now=later)))
    assert rows(stores.database, "claimed_pages") == 14


def test_an_erasure_that_fails_halfway_leaves_the_person_whole(stores: Stores) -> None:
    stores.triggers.save("u:u1", state(), NOW)
    stores.database.connection.execute("DROP TABLE seen_lists")
    with pytest.raises(StoreError, match="could not erase"):
        asyncio.run(stores.people.erase("u:u1", {0: 7}, NOW))
    assert (stores.triggers.load("u:u1"), stores.triggers.erased("u:u1")) == (state(), {})


def test_erasures_go_after_seven_days_of_events_once_the_log_has_passed_them(stores: Stores) -> None:
    asyncio.run(stores.people.erase("u:u1", {0: 7}, NOW))
    asyncio.run(stores.people.erase("u:u2", {0: 9}, NOW))
    for offset in (8, 9):
        stores.triggers.mark("u:u3", user_event(at=NOW + 8 * DAY + offset), offset)
        assert (stores.triggers.erased("u:u1"), stores.triggers.erased("u:u2")) == ({}, {0: 9})
    stores.triggers.mark("u:u3", user_event(at=NOW + 9 * DAY), 10)
    assert rows(stores.database, "erasures") == 0


def test_marks_older_than_seven_days_of_events_go_a_few_at_each_event(stores: Stores) -> None:
    for number in range(40):
        stores.triggers.mark("u:u1", user_event(at=NOW + number), number)
    for number in range(10):
        stores.triggers.mark("u:u2", user_event(at=NOW + 8 * DAY + number), 40 + number)
    assert rows(stores.database, "trigger_marks") == 10
