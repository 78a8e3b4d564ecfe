"""The promises of the port `Links`, and of the erasure that goes with it, on every adapter."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from builders import NOW, user_event
from redis_cluster import shared_cluster
from redis_rig import Opened, claim_of, shared_redis, stores_over
from smallpool_core.behaviour import BehaviourSettings, apply_event, joined
from smallpool_core.linking import Link, Links
from smallpool_core.ports import Atomic, People, SeenList, TriggerStore, UserProfiles
from smallpool_core.users import Profile, TriggerState, UserEvent
from smallpool_stores.sqlite.links import SqliteLinks
from smallpool_stores.sqlite.people import SqlitePeople
from smallpool_stores.sqlite.profiles import SqliteUserProfiles
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.seen import SqliteSeenList
from smallpool_stores.sqlite.triggers import SqliteTriggerStore

BEHAVIOUR = BehaviourSettings()
EMPTY = TriggerState()


class Adapter(NamedTuple):
    """The stores that know people, and the transaction that writes of triggers join."""

    links: Links
    people: People
    triggers: TriggerStore
    profiles: UserProfiles
    seen: SeenList
    atomic: Atomic


@contextmanager
def sqlite_links(folder: Path) -> Iterator[Adapter]:
    database = open_database(folder / "smallpool.db")
    links, seen = SqliteLinks(database, BEHAVIOUR), SqliteSeenList(database)
    yield Adapter(links, SqlitePeople(database), SqliteTriggerStore(database), SqliteUserProfiles(database), seen, database)
    database.close()


@contextmanager
def redis_links(_: Path, opened: Opened = shared_redis) -> Iterator[Adapter]:
    with opened() as connection:
        stores = stores_over(connection)
        yield Adapter(stores.links, stores.people, stores.triggers, stores.profiles, stores.seen, stores.triggers)


ADAPTERS = {"sqlite": sqlite_links, "redis": redis_links, "redis cluster": partial(redis_links, opened=shared_cluster)}


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Adapter]:
    with ADAPTERS[request.param](tmp_path) as opened:
        yield opened


def state_of(*item_ids: str, at: int = NOW) -> TriggerState:
    """The state of who clicked these things, each of a brand of its own."""
    state = EMPTY
    for place, item_id in enumerate(item_ids):
        event = user_event(item_id=item_id, at=at + place)
        state = apply_event(state, event, (f"brand:{item_id}",), BEHAVIOUR, NOW)
    return state


def did(adapter: Adapter, identity: str, *events: UserEvent, state: TriggerState = EMPTY) -> list[bool]:
    """Stores a state and marks events; whether each is new."""
    with adapter.atomic.atomic():
        adapter.triggers.load(identity)
        are_new = [adapter.triggers.mark(identity, event, offset) for offset, event in enumerate(events)]
        adapter.triggers.save(identity, state, NOW)
    return are_new


def claim(adapter: Adapter, identity: str, item_id: str, now: int = NOW, pool_id: str = "p1") -> None:
    """Serves one thing."""
    whole = claim_of(item_id, identity=identity, pool_id=pool_id, request_id=f"{item_id} {now}", now=now, deadline=now + 200)
    asyncio.run(adapter.seen.claim(whole))


def seen(adapter: Adapter, identity: str, pool_id: str = "p1") -> list[str]:
    """What was served, oldest first."""
    return [entry.item_id for entry in asyncio.run(adapter.seen.open(identity, pool_id, "none", NOW)).seen]


def linked(adapter: Adapter, device_id: str = "d1", user_id: str = "u1", at: int = NOW) -> bool:
    return asyncio.run(adapter.links.link(device_id, user_id, at))


def profile_of(adapter: Adapter, identity: str) -> Profile | None:
    return asyncio.run(adapter.profiles.get(identity))


def test_what_both_did_is_the_users_and_the_device_begins_anew(adapter: Adapter) -> None:
    ours, theirs = state_of("a", "b"), state_of("b", "c", at=NOW - 5_000)
    did(adapter, "u:u1", state=ours)
    did(adapter, "d:d1", state=theirs)
    assert linked(adapter)
    assert adapter.triggers.load("u:u1") == joined(ours, theirs, BEHAVIOUR)
    assert adapter.triggers.load("d:d1") == EMPTY


def test_every_seen_list_is_joined_by_time_and_what_both_saw_stands_where_it_was_served_last(adapter: Adapter) -> None:
    for identity, item_id, at in [("d:d1", "a", 0), ("u:u1", "b", 1), ("d:d1", "c", 2), ("u:u1", "a", 3), ("d:d1", "d", 4)]:
        claim(adapter, identity, item_id, NOW + at)
    claim(adapter, "d:d1", "x", pool_id="p2")
    assert linked(adapter)
    assert seen(adapter, "u:u1") == ["b", "c", "a", "d"]
    assert seen(adapter, "u:u1", "p2") == ["x"]
    assert seen(adapter, "d:d1") == seen(adapter, "d:d1", "p2") == []
    claim(adapter, "u:u1", "c", NOW + 9)
    claim(adapter, "u:u1", "c", NOW + 9)
    claim(adapter, "d:d1", "a", NOW + 9)
    assert seen(adapter, "u:u1") == ["b", "c", "a", "d"], "a list that was joined is claimed from like any other"
    assert seen(adapter, "d:d1") == ["a"]


def test_of_profiles_the_newer_one_holds_where_they_contradict_each_other(adapter: Adapter) -> None:
    older = Profile(("手机", "相机"), {"age": 30, "city": "杭州"}, NOW, ("s1",))
    newer = Profile(("书", "手机"), {"age": 31}, NOW + 1, ("s2",))
    asyncio.run(adapter.profiles.put("u:u1", older))
    asyncio.run(adapter.profiles.put("d:d1", newer))
    assert linked(adapter)
    assert profile_of(adapter, "u:u1") == Profile(("书", "手机", "相机"), {"age": 31, "city": "杭州"}, NOW + 1, ("s2", "s1"))
    assert profile_of(adapter, "d:d1") is None


def test_only_the_first_user_ever_gets_what_is_kept_of_a_device(adapter: Adapter) -> None:
    assert not linked(adapter)
    did(adapter, "d:d1", state=state_of("a"))
    claim(adapter, "d:d1", "a")
    for user_id in ("u1", "u2"):
        assert not linked(adapter, user_id=user_id, at=NOW + 9)
        assert (adapter.triggers.load(f"u:{user_id}"), seen(adapter, f"u:{user_id}")) == (EMPTY, [])
    assert (adapter.triggers.load("d:d1"), seen(adapter, "d:d1")) == (state_of("a"), ["a"])
    assert adapter.links.known(["d1", "d2"]) == {"d1": Link("u1", NOW)}


def test_a_user_gets_what_is_kept_of_each_device_of_theirs(adapter: Adapter) -> None:
    for device_id, item_id in (("d1", "a"), ("d2", "b")):
        claim(adapter, f"d:{device_id}", item_id)
        assert linked(adapter, device_id)
    assert seen(adapter, "u:u1") == ["a", "b"]
    assert adapter.links.known(["d1", "d2"]) == dict.fromkeys(("d1", "d2"), Link("u1", NOW))


def test_an_event_of_the_device_that_comes_again_is_known_of_the_user(adapter: Adapter) -> None:
    before, after = (user_event(user_id=None, device_id="d1", at=at) for at in (NOW, NOW + 1))
    did(adapter, "d:d1", before, after, state=state_of("a"))
    assert linked(adapter)
    assert did(adapter, "u:u1", before, after) == [False, False]
    assert did(adapter, "d:d1", after) == [False]


def test_the_write_path_links_like_a_page(adapter: Adapter) -> None:
    did(adapter, "d:d1", state=state_of("a"))
    with adapter.atomic.atomic():
        adapter.links.link_now("d1", "u1", NOW)
        assert adapter.triggers.load("u:u1") == state_of("a")
    assert adapter.links.known(["d1"]) == {"d1": Link("u1", NOW)}
    assert adapter.triggers.load("d:d1") == EMPTY


def test_fifty_at_once_merge_once(adapter: Adapter) -> None:
    did(adapter, "d:d1", state=state_of("a", "b"))
    did(adapter, "u:u1", state=state_of("c"))
    claim(adapter, "d:d1", "x")

    async def together() -> list[Any]:
        return await asyncio.gather(*(adapter.links.link("d1", f"u{1 + place % 2}", NOW + place) for place in range(50)))

    assert any(asyncio.run(together()))
    [link] = adapter.links.known(["d1"]).values()
    winner, other = f"u:{link.user_id}", "u:u2" if link.user_id == "u1" else "u:u1"
    brought = state_of("a", "b")
    held = {"u:u1": state_of("c"), "u:u2": EMPTY}
    assert adapter.triggers.load(winner) == (joined(held[winner], brought, BEHAVIOUR) if held[winner] != EMPTY else brought)
    assert adapter.triggers.load(other) == held[other]
    assert (seen(adapter, winner), seen(adapter, other), seen(adapter, "d:d1")) == (["x"], [], [])


def test_erasing_a_user_erases_what_was_merged_and_leaves_their_devices_to_nobody_for_good(adapter: Adapter) -> None:
    did(adapter, "d:d1", state=state_of("a"))
    claim(adapter, "d:d1", "a")
    linked(adapter)
    did(adapter, "d:d1", state=state_of("b"))
    asyncio.run(adapter.people.erase("u:u1", {0: 0}, NOW))
    assert (adapter.triggers.load("u:u1"), seen(adapter, "u:u1"), profile_of(adapter, "u:u1")) == (EMPTY, [], None)
    assert adapter.links.known(["d1"]) == {"d1": Link("", NOW)}
    assert not linked(adapter, user_id="u2", at=NOW + 1)
    assert adapter.triggers.load("u:u2") == EMPTY
    assert adapter.triggers.load("d:d1") == state_of("b"), "what the device did since is nobody's but its own"


def test_erasing_a_user_erases_every_list_that_was_merged_also_one_that_was_never_claimed_from_since(adapter: Adapter) -> None:
    claim(adapter, "d:d1", "a", pool_id="p1")
    linked(adapter)
    claim(adapter, "u:u1", "b", NOW + 1, pool_id="p2")
    asyncio.run(adapter.people.erase("u:u1", {0: 0}, NOW + 2))
    assert seen(adapter, "u:u1", "p1") == seen(adapter, "u:u1", "p2") == []


def test_an_erased_device_forgets_whose_it_was_and_takes_nothing_from_them(adapter: Adapter) -> None:
    claim(adapter, "d:d1", "a")
    linked(adapter)
    asyncio.run(adapter.people.erase("d:d1", {}, NOW))
    assert adapter.links.known(["d1"]) == {}
    assert seen(adapter, "u:u1") == ["a"]
    claim(adapter, "d:d1", "b", NOW + 1)
    assert linked(adapter, at=NOW + 2)
    assert seen(adapter, "u:u1") == ["a", "b"]


@pytest.mark.parametrize("user_id", ["u1", "用户", "a:b{c}", "d1"])
def test_ids_may_be_any_text(adapter: Adapter, user_id: str) -> None:
    claim(adapter, f"d:{user_id}", "a")
    assert linked(adapter, user_id, user_id)
    assert seen(adapter, f"u:{user_id}") == ["a"]
    asyncio.run(adapter.people.erase(f"u:{user_id}", {}, NOW))
    assert adapter.links.known([user_id]) == {user_id: Link("", NOW)}
