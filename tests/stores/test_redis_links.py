"""Linking over two slots of Redis: whatever dies or overtakes it anywhere, it is finished, and nothing counts twice or is lost."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from builders import NOW, user_event
from redis_rig import Stores, claim_of, shared_redis, stores_over
from smallpool_core.behaviour import BehaviourSettings, apply_event, joined
from smallpool_core.errors import StoreUnavailable
from smallpool_core.linking import Link
from smallpool_core.users import TriggerState
from smallpool_stores.redis.links import MOST_TRIES, RedisLinks

BEHAVIOUR = BehaviourSettings()
STEPS = 5
"""Of a link that merges: look, expect, park, read what the user has, merge; the last takes away what was parked."""


@pytest.fixture
def stores() -> Iterator[Stores]:
    with shared_redis() as connection:
        yield stores_over(connection)


def state_of(item_id: str, at: int = NOW) -> TriggerState:
    return apply_event(TriggerState(), user_event(item_id=item_id, at=at), (f"brand:{item_id}",), BEHAVIOUR, NOW)


def save(stores: Stores, identity: str, state: TriggerState) -> None:
    with stores.triggers.atomic():
        stores.triggers.load(identity)
        stores.triggers.mark(identity, user_event(at=len(state.short)), 0)
        stores.triggers.save(identity, state, NOW)


def seen(stores: Stores, identity: str) -> list[str]:
    return [entry.item_id for entry in asyncio.run(stores.seen.open(identity, "p1", "none", NOW)).seen]


def claim(stores: Stores, identity: str, item_id: str, now: int = NOW) -> None:
    asyncio.run(stores.seen.claim(claim_of(item_id, identity=identity, request_id=item_id, now=now)))


def lived(stores: Stores) -> TriggerState:
    """Gives both a past; what they did together."""
    save(stores, "u:u1", state_of("a"))
    save(stores, "d:d1", state_of("b", NOW + 1))
    claim(stores, "u:u1", "a")
    claim(stores, "d:d1", "b", NOW + 1)
    return joined(state_of("a"), state_of("b", NOW + 1), BEHAVIOUR)


class UnderWay:
    """A link of the device to u1 that somebody has begun, and that stands still after so many steps."""

    def __init__(self, stores: Stores, steps: int) -> None:
        self._connection = stores.links._connection
        self._steps = stores.links._steps("d1", Link("u1", NOW))
        self._call = next(self._steps)
        for _ in range(steps):
            self._step()

    def end(self) -> None:
        """Goes on to its end."""
        with suppress(StopIteration):
            while True:
                self._step()

    def _step(self) -> None:
        [reply] = self._connection.write_now(self._call)
        self._call = self._steps.send(reply)


@pytest.mark.parametrize("steps", range(STEPS + 1))
@pytest.mark.parametrize("by", ["a page", "events"])
def test_a_link_that_dies_after_any_step_is_finished_by_who_comes_next(stores: Stores, steps: int, by: str) -> None:
    both = lived(stores)
    UnderWay(stores, steps)
    if by == "events":
        stores.links.known(["d1"])
    if by == "a page" or steps < 3:
        asyncio.run(stores.links.link("d1", "u1", NOW + 1))
    assert stores.triggers.load("u:u1") == both
    assert (seen(stores, "u:u1"), seen(stores, "d:d1")) == (["a", "b"], [])
    assert stores.triggers.load("d:d1") == TriggerState()
    assert stores.links.known(["d1"])["d1"].user_id == "u1"


@pytest.mark.parametrize("steps", range(3, STEPS + 1))
def test_one_that_was_slow_takes_nothing_from_what_came_after_another_had_finished(stores: Stores, steps: int) -> None:
    both = lived(stores)
    slow = UnderWay(stores, steps)
    stores.links.link_now("d1", "u1", NOW)
    save(stores, "d:d1", state_of("later"))
    claim(stores, "d:d1", "later", NOW + 2)
    slow.end()
    assert (stores.triggers.load("u:u1"), stores.triggers.load("d:d1")) == (both, state_of("later"))
    assert (seen(stores, "u:u1"), seen(stores, "d:d1")) == (["a", "b"], ["later"])


@pytest.mark.parametrize("identity", ["d:d1", "u:u1"])
def test_what_was_read_of_either_before_the_link_is_not_written_over_it(stores: Stores, identity: str) -> None:
    both = lived(stores)
    with stores.triggers.atomic():
        stores.triggers.load(identity)
        stores.links.link_now("d1", "u1", NOW)
        with pytest.raises(StoreUnavailable, match="linked"):
            stores.triggers.save(identity, state_of("c"), NOW)
    assert stores.triggers.load("u:u1") == both


@pytest.mark.parametrize("steps", [3, 4])
def test_an_erasure_ends_a_merge_that_is_under_way(stores: Stores, steps: int) -> None:
    lived(stores)
    under_way = UnderWay(stores, steps)
    asyncio.run(stores.people.erase("u:u1", {0: 7}, NOW))
    under_way.end()
    assert (stores.triggers.load("u:u1"), seen(stores, "u:u1")) == (TriggerState(), [])
    assert stores.links.known(["d1"]) == {"d1": Link("", NOW)}


def test_a_merge_that_ends_while_an_erasure_runs_leaves_no_list_that_the_erasure_did_not_know_of(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(stores, "d:d1", "b")
    under_way = UnderWay(stores, 4)
    read = stores.people._connection.read

    async def overtaken(*command: Any) -> Any:
        reply = await read(*command)
        if command[0] == "ZRANGE":
            under_way.end()
        return reply

    monkeypatch.setattr(stores.people._connection, "read", overtaken)
    asyncio.run(stores.people.erase("u:u1", {0: 7}, NOW))
    assert seen(stores, "u:u1") == []
    assert stores.links.known(["d1"]) == {"d1": Link("", NOW)}


def test_a_user_who_never_holds_still_fails_the_merge_and_loses_nothing(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(stores)
    tries = 0

    def restless(links: RedisLinks, name: str, stored: bytes | None, parked: bytes) -> tuple[bytes, int]:
        nonlocal tries
        tries += 1
        save(stores, "u:u1", state_of(f"c{tries}"))
        return real(links, name, stored, parked)

    real: Any = RedisLinks._joined
    with monkeypatch.context() as patched:
        patched.setattr(RedisLinks, "_joined", restless)
        with pytest.raises(StoreUnavailable, match="the next call for this device goes on"):
            stores.links.link_now("d1", "u1", NOW)
    assert tries >= MOST_TRIES
    stores.links.link_now("d1", "u1", NOW)
    assert stores.triggers.load("u:u1") == joined(state_of(f"c{tries}"), state_of("b", NOW + 1), BEHAVIOUR)
    assert seen(stores, "u:u1") == ["a", "b"]
