"""The promises of the port `TriggerStore`, on every adapter."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from builders import DAY, NOW, user_event
from smallpool_core.ports import Atomic, TriggerStore
from smallpool_core.users import Touched, TriggerState, Weighted
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.triggers import SqliteTriggerStore


class Adapter(NamedTuple):
    """A trigger store and the transaction that its writes join."""

    triggers: TriggerStore
    atomic: Atomic


@contextmanager
def sqlite_triggers(folder: Path) -> Iterator[Adapter]:
    database = open_database(folder / "smallpool.db")
    yield Adapter(SqliteTriggerStore(database), database)
    database.close()


ADAPTERS = {"sqlite": sqlite_triggers}


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Adapter]:
    with ADAPTERS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
def triggers(adapter: Adapter) -> TriggerStore:
    return adapter.triggers


def state(term: str = "brand:apple") -> TriggerState:
    return TriggerState(
        short={term: Weighted(2.5, NOW)},
        long={term: Weighted(0.1, NOW), "category:数码›手机": Weighted(1e-9, NOW - DAY)},
        bought=[Touched("i1", "purchase", NOW)],
        recent=[Touched("i2", "click", NOW), Touched("i1", "view", NOW - 1)],
        pending=[Touched("i3", "cart", NOW)],
    )


def test_a_stranger_has_an_empty_state(triggers: TriggerStore) -> None:
    assert asyncio.run(triggers.get("u:nobody")) == triggers.load("u:nobody") == TriggerState()


def test_a_state_comes_back_as_it_was_saved(triggers: TriggerStore) -> None:
    triggers.save("u:u1", state(), NOW)
    assert asyncio.run(triggers.get("u:u1")) == triggers.load("u:u1") == state()
    assert triggers.load("d:u1") == TriggerState()


def test_a_state_is_replaced_as_a_whole(triggers: TriggerStore) -> None:
    triggers.save("u:u1", state(), NOW)
    triggers.save("u:u1", TriggerState(short={"brand:sony": Weighted(1.0, NOW)}), NOW + 1)
    assert triggers.load("u:u1") == TriggerState(short={"brand:sony": Weighted(1.0, NOW)})


def test_the_caller_may_change_what_it_loaded_without_changing_what_is_stored(triggers: TriggerStore) -> None:
    triggers.save("u:u1", state(), NOW)
    triggers.load("u:u1").short.clear()
    triggers.load("u:nobody").short["brand:apple"] = Weighted(1.0, NOW)
    assert triggers.load("u:u1") == state()
    assert triggers.load("u:nobody") == TriggerState()


def test_a_load_sees_what_its_own_transaction_saved(adapter: Adapter) -> None:
    with adapter.atomic.atomic():
        adapter.triggers.save("u:u1", state(), NOW)
        assert adapter.triggers.load("u:u1") == state()


def test_state_and_mark_are_undone_with_the_transaction_they_joined(adapter: Adapter) -> None:
    with suppress(ZeroDivisionError), adapter.atomic.atomic():
        adapter.triggers.save("u:u1", state(), NOW)
        assert adapter.triggers.mark("u:u1", user_event(), 7)
        raise ZeroDivisionError
    assert adapter.triggers.load("u:u1") == TriggerState()
    assert adapter.triggers.mark("u:u1", user_event(), 8)


def test_an_event_is_applied_at_the_offset_that_marked_it_and_at_no_other(triggers: TriggerStore) -> None:
    assert triggers.mark("u:u1", user_event(), 7)
    assert triggers.mark("u:u1", user_event(), 7)
    assert not triggers.mark("u:u1", user_event(), 8)
    assert not triggers.mark("u:u1", user_event(), 6)


def test_the_first_offset_may_be_zero(triggers: TriggerStore) -> None:
    assert triggers.mark("u:u1", user_event(), 0)
    assert triggers.mark("u:u1", user_event(), 0)
    assert not triggers.mark("u:u1", user_event(), 1)


def test_events_that_differ_in_person_type_object_or_time_are_not_duplicates(triggers: TriggerStore) -> None:
    assert triggers.mark("u:u1", user_event(), 1)
    assert triggers.mark("u:u2", user_event(), 2)
    assert triggers.mark("u:u1", user_event("view"), 3)
    assert triggers.mark("u:u1", user_event(item_id="i2"), 4)
    assert triggers.mark("u:u1", user_event(at=NOW + 1), 5)
    assert triggers.mark("u:u1", user_event("follow", seller_id="i1"), 6)
    assert triggers.mark("u:u1", user_event("search", query="i1"), 7)


def test_a_mark_does_not_look_at_where_the_event_came_from(triggers: TriggerStore) -> None:
    assert triggers.mark("u:u1", user_event(pool_id="p1", request_id="r1"), 1)
    assert not triggers.mark("u:u1", user_event(pool_id="p2", request_id=None), 2)


def test_an_event_is_remembered_for_seven_days_of_later_events(triggers: TriggerStore) -> None:
    triggers.mark("u:u1", user_event(), 1)
    triggers.mark("u:u2", user_event(at=NOW + 7 * DAY), 2)
    assert not triggers.mark("u:u1", user_event(), 3)


def test_a_history_imported_today_is_remembered_from_today(triggers: TriggerStore) -> None:
    triggers.mark("u:u1", user_event(), 1)
    assert triggers.mark("u:u1", user_event(at=NOW - 90 * DAY), 2)
    triggers.mark("u:u2", user_event(at=NOW + 6 * DAY), 3)
    assert not triggers.mark("u:u1", user_event(at=NOW - 90 * DAY), 4)


def test_erasing_forgets_state_and_marks_and_leaves_the_others(triggers: TriggerStore) -> None:
    for identity in ("u:u1", "u:u2"):
        triggers.save(identity, state(), NOW)
        triggers.mark(identity, user_event(), 1)
    asyncio.run(triggers.erase("u:u1"))
    asyncio.run(triggers.erase("u:nobody"))
    assert triggers.load("u:u1") == TriggerState()
    assert triggers.mark("u:u1", user_event(), 2)
    assert triggers.load("u:u2") == state()
    assert not triggers.mark("u:u2", user_event(), 2)
