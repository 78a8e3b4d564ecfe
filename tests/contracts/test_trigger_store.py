"""The promises of the port `TriggerStore`, on every adapter."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from builders import DAY, NOW, user_event
from redis_cluster import shared_cluster
from redis_rig import Opened, shared_redis
from smallpool_core.ports import Atomic, TriggerStore
from smallpool_core.users import Exposed, Touched, TriggerState, UserEvent, Weighted
from smallpool_stores.redis.triggers import RedisTriggerStore
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


@contextmanager
def redis_triggers(_: Path, opened: Opened = shared_redis) -> Iterator[Adapter]:
    with opened() as connection:
        store = RedisTriggerStore(connection)
        yield Adapter(store, store)


ADAPTERS = {
    "sqlite": sqlite_triggers,
    "redis": redis_triggers,
    "redis cluster": partial(redis_triggers, opened=shared_cluster),
}


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
        bought=[Touched("i1", "purchase", NOW, terms=("category:数码", "brand:apple")), Touched("i0", "purchase", NOW - 2)],
        recent=[Touched("i2", "click", NOW, 129_900, "数码"), Touched("i1", "view", NOW - 1)],
        pending=[Touched("i3", "cart", NOW)],
        exposed=[Exposed("i4", 3, NOW - 5)],
        begins=NOW - DAY,
    )


def test_a_stranger_has_an_empty_state(triggers: TriggerStore) -> None:
    assert asyncio.run(triggers.get("u:nobody")) == triggers.load("u:nobody") == TriggerState()


def test_the_state_of_these_tests_has_something_in_every_field() -> None:
    assert all(getattr(state(), name) for name in TriggerState.__struct_fields__)
    told = [touched for entries in (state().bought, state().recent, state().pending) for touched in entries]
    assert all(any(getattr(touched, name) for touched in told) for name in Touched.__struct_fields__)


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


def applied(adapter: Adapter, event: UserEvent, offset: int = 1, identity: str = "u:u1", now: int = NOW) -> bool:
    """Whether a batch of this one event applies it, as the consumer does."""
    with adapter.atomic.atomic():
        is_new = adapter.triggers.mark(identity, event, offset)
        if is_new:
            adapter.triggers.save(identity, state(), now)
    return is_new


def consume(adapter: Adapter, batch: Sequence[tuple[str, UserEvent]], dies_after: int | None = None) -> None:
    """Applies a batch as the consumer does, each event adding 1 to a weight; dies after so many persons are saved."""
    with adapter.atomic.atomic():
        states = {identity: adapter.triggers.load(identity) for identity in sorted({identity for identity, _ in batch})}
        for offset, (identity, event) in enumerate(batch):
            if adapter.triggers.mark(identity, event, offset):
                before = states[identity].short.get("t", Weighted(0.0, NOW)).weight
                states[identity].short["t"] = Weighted(before + 1, NOW)
        for saved, (identity, after) in enumerate(states.items()):
            if saved == dies_after:
                raise ZeroDivisionError
            adapter.triggers.save(identity, after, NOW)


@pytest.mark.parametrize("dies_after", range(3))
def test_a_batch_that_fails_halfway_and_is_taken_again_applies_each_event_once(adapter: Adapter, dies_after: int) -> None:
    people = ("u:u1", "u:u2", "u:u3")
    batch = [(identity, user_event(at=NOW + place)) for place in (0, 1, 1) for identity in people]
    with pytest.raises(ZeroDivisionError):
        consume(adapter, batch, dies_after)
    for _ in range(2):
        consume(adapter, batch)
    assert [adapter.triggers.load(identity).short["t"].weight for identity in people] == [2.0, 2.0, 2.0]


def test_an_event_is_applied_once_whatever_its_offset(adapter: Adapter) -> None:
    assert applied(adapter, user_event(), 7)
    assert not applied(adapter, user_event(), 7)
    assert not applied(adapter, user_event(), 8)
    assert not applied(adapter, user_event(), 0)


def test_an_event_that_comes_twice_in_one_batch_is_applied_once(adapter: Adapter) -> None:
    with adapter.atomic.atomic():
        assert adapter.triggers.mark("u:u1", user_event(), 7)
        assert not adapter.triggers.mark("u:u1", user_event(), 8)


def test_events_that_differ_in_person_type_object_or_time_are_not_duplicates(adapter: Adapter) -> None:
    assert applied(adapter, user_event())
    assert applied(adapter, user_event(), identity="u:u2")
    assert applied(adapter, user_event("view"))
    assert applied(adapter, user_event(item_id="i2"))
    assert applied(adapter, user_event(at=NOW + 1))
    assert applied(adapter, user_event("follow", seller_id="i1"))
    assert applied(adapter, user_event("search", query="i1"))


def test_a_mark_does_not_look_at_where_the_event_came_from(adapter: Adapter) -> None:
    assert applied(adapter, user_event(pool_id="p1", request_id="r1"))
    assert not applied(adapter, user_event(pool_id="p2", request_id=None))


def test_an_event_is_remembered_for_seven_days_of_later_events(adapter: Adapter) -> None:
    applied(adapter, user_event())
    later = NOW + 7 * DAY
    applied(adapter, user_event(at=later), now=later)
    assert not applied(adapter, user_event(), now=later)


def test_a_history_imported_today_is_remembered_from_today(adapter: Adapter) -> None:
    applied(adapter, user_event())
    assert applied(adapter, user_event(at=NOW - 90 * DAY))
    later = NOW + 6 * DAY
    applied(adapter, user_event(at=later), now=later)
    assert not applied(adapter, user_event(at=NOW - 90 * DAY), now=later)
