"""The promises of the port `People`, and of `TriggerStore.erased` that goes with it, on every adapter."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from builders import DAY, NOW, user_event
from redis_cluster import shared_cluster
from redis_rig import Opened, claim_of, shared_redis, stores_over
from smallpool_core.places import Places
from smallpool_core.ports import Atomic, People, SeenList, TriggerStore, UserProfiles
from smallpool_core.users import Profile, TriggerState, Weighted
from smallpool_stores.sqlite.people import SqlitePeople
from smallpool_stores.sqlite.profiles import SqliteUserProfiles
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.seen import SqliteSeenList
from smallpool_stores.sqlite.triggers import SqliteTriggerStore

STATE = TriggerState(short={"brand:sony": Weighted(1.0, NOW)})


class Adapter(NamedTuple):
    """The stores that know people, and the transaction that writes of triggers join."""

    people: People
    triggers: TriggerStore
    profiles: UserProfiles
    seen: SeenList
    atomic: Atomic


@contextmanager
def sqlite_people(folder: Path) -> Iterator[Adapter]:
    database = open_database(folder / "smallpool.db")
    yield Adapter(SqlitePeople(database), SqliteTriggerStore(database), SqliteUserProfiles(database), SqliteSeenList(database), database)
    database.close()


@contextmanager
def redis_people(_: Path, opened: Opened = shared_redis) -> Iterator[Adapter]:
    with opened() as connection:
        stores = stores_over(connection)
        yield Adapter(stores.people, stores.triggers, stores.profiles, stores.seen, stores.triggers)


ADAPTERS = {"sqlite": sqlite_people, "redis": redis_people, "redis cluster": partial(redis_people, opened=shared_cluster)}


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Adapter]:
    with ADAPTERS[request.param](tmp_path) as opened:
        yield opened


def live(adapter: Adapter, identity: str = "u:u1", now: int = NOW, offset: int = 0) -> bool:
    """Gives a person everything that can be kept of one; whether their event is new."""
    with adapter.atomic.atomic():
        is_new = adapter.triggers.mark(identity, user_event(at=now), offset)
        adapter.triggers.save(identity, STATE, now)
    asyncio.run(_shown(adapter, identity))
    return is_new


async def _shown(adapter: Adapter, identity: str) -> None:
    await adapter.profiles.put(identity, Profile(("数码",)))
    for pool_id in ("p1", "p2"):
        await adapter.seen.claim(claim_of("a", identity=identity, pool_id=pool_id))


def erase(adapter: Adapter, upto: Places, identity: str = "u:u1", now: int = NOW) -> None:
    asyncio.run(adapter.people.erase(identity, upto, now))


def kept(adapter: Adapter, identity: str = "u:u1") -> list[object]:
    """What is there of a person, by store."""
    openings = [asyncio.run(adapter.seen.open(identity, pool_id, "r1", NOW)) for pool_id in ("p1", "p2")]
    found = [adapter.triggers.load(identity), asyncio.run(adapter.profiles.get(identity))]
    return [one for one in [*found, *(opening.seen or opening.page for opening in openings)] if one not in (None, TriggerState())]


def test_erasing_a_person_leaves_nothing_of_them_and_all_of_others(adapter: Adapter) -> None:
    live(adapter)
    live(adapter, "u:u2", offset=1)
    erase(adapter, {0: 1})
    assert kept(adapter) == []
    assert len(kept(adapter, "u:u2")) == 4
    assert live(adapter), "the marks went too"
    assert not live(adapter, "u:u2")


def test_up_to_where_a_person_was_erased_is_known_by_partition_and_to_nobody_else(adapter: Adapter) -> None:
    erase(adapter, {0: 7, 11: 2**40})
    assert adapter.triggers.erased("u:u1") == {0: 7, 11: 2**40}
    assert adapter.triggers.erased("u:u2") == adapter.triggers.erased("d:u1") == {}
    with adapter.atomic.atomic():
        adapter.triggers.load("u:u1")
        assert adapter.triggers.erased("u:u1") == {0: 7, 11: 2**40}


def test_of_two_erasures_the_later_places_hold_in_whatever_order_they_come(adapter: Adapter) -> None:
    for upto in ({0: 7, 1: 3}, {0: 5, 2: 1}, {1: 4}):
        erase(adapter, upto)
    assert adapter.triggers.erased("u:u1") == {0: 7, 1: 4, 2: 1}


def test_erasing_somebody_of_whom_nothing_is_kept_is_no_error(adapter: Adapter) -> None:
    erase(adapter, {}, "u:nobody")
    assert adapter.triggers.erased("u:nobody") == {}


def test_what_a_person_does_after_their_erasure_is_kept_beside_it(adapter: Adapter) -> None:
    erase(adapter, {0: 7})
    live(adapter, offset=8)
    assert (adapter.triggers.load("u:u1"), adapter.triggers.erased("u:u1")) == (STATE, {0: 7})


def test_an_erasure_is_remembered_for_seven_days_and_until_the_log_has_passed_it(adapter: Adapter) -> None:
    erase(adapter, {0: 7})
    live(adapter, "u:u2", NOW + 7 * DAY, 8)
    assert adapter.triggers.erased("u:u1") == {0: 7}
    live(adapter, "u:u2", NOW + 8 * DAY, 7)
    assert adapter.triggers.erased("u:u1") == {0: 7}


def test_what_a_batch_that_fails_had_done_for_a_person_does_not_bring_them_back(adapter: Adapter) -> None:
    with suppress(ZeroDivisionError), adapter.atomic.atomic():
        adapter.triggers.load("u:u1")
        adapter.triggers.mark("u:u1", user_event(), 3)
        raise ZeroDivisionError
    erase(adapter, {0: 3})
    assert kept(adapter) == []
    assert adapter.triggers.erased("u:u1") == {0: 3}
