"""Behaviour whose states, marks and statistics lie in Redis, apart from the log: a batch that dies anywhere still counts once."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from builders import NOW, item_event, user_event
from redis_rig import Stores, shared_redis, stores_over
from smallpool_core.errors import StoreUnavailable
from smallpool_core.linking import Link
from smallpool_core.users import TriggerState, UserEvent
from smallpool_indexer.user_events import UserEventConsumer
from write_rig import Rig, power_cut

EVENTS: list[UserEvent] = [
    user_event("click", "a", pool_id="p"),
    user_event("click", "a", user_id="u2", pool_id="p"),
    user_event("favourite", "a"),
    user_event("click", "a", pool_id="p"),
    user_event("expose", "a", user_id="u3"),
    user_event("click", "b", user_id="u3"),
    user_event("expose", "a", user_id="u4"),
]
HOUR = NOW // 3_600_000


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    made.send(item_event("a"), item_event("b"))
    made.drain()
    made.send(*EVENTS)
    yield made
    made.database.close()


@pytest.fixture
def stores() -> Iterator[Stores]:
    with shared_redis() as connection:
        yield stores_over(connection)


def consumer(rig: Rig, stores: Stores) -> UserEventConsumer:
    return UserEventConsumer(
        clock=rig.clock,
        atomic=stores.triggers,
        log=rig.log,
        items=rig.wide,
        triggers=stores.triggers,
        links=stores.links,
        stats=stores.stats,
        understander=rig.understander,
    )


def outcome(stores: Stores) -> dict[str, Any]:
    """Everything that the events led to."""
    keys = stores.stats._connection.keys
    hours = [keys.pool(pool_id, stores.stats._half_life_ms).hour(HOUR) for pool_id in ("p", "")]
    return {
        "states": [stores.triggers.load(f"u:u{number}") for number in range(1, 5)],
        "popularity": [asyncio.run(stores.stats.responses(pool_id, ["a", "b"], NOW)).weights for pool_id in ("p", "")],
        "hours": [
            dict(zip(flat[::2], flat[1::2], strict=True))
            for flat in stores.stats._connection.read_now(*(("HGETALL", key) for key in hours))
        ],
    }


@pytest.fixture
def expected(rig: Rig) -> dict[str, Any]:
    """What the events lead to where nothing dies, in a Redis of its own."""
    with shared_redis() as connection:
        undisturbed = stores_over(connection)
        batch = consumer(rig, undisturbed)
        batch._log = Forgetful(rig.log)  # type: ignore[assignment]
        batch.run_once()
        found = outcome(undisturbed)
    assert found["hours"] == [{b"click:a": b"2"}, {b"click:a": b"2", b"favourite:a": b"1", b"expose:a": b"2", b"click:b": b"1"}]
    return found


class Forgetful:
    """A log whose group never moves, so that a batch is there for the next consumer."""

    def __init__(self, log: Any) -> None:
        self.poll = log.poll

    def commit(self, *_: object) -> None:
        """Nothing is kept."""


def nth(call: Callable[..., Any], number: int) -> Callable[..., Any]:
    """The call, which dies before it is made for the nth time."""
    made = 0

    def counted(*values: Any) -> Any:
        nonlocal made
        made += 1
        return power_cut() if made > number else call(*values)

    return counted


PLACES = [("triggers.mark", 0), ("triggers.mark", 6), ("stats.add", 0), ("stats.add", 3), *[("triggers.save", place) for place in range(4)]]


@pytest.mark.parametrize(("part", "number"), [*PLACES, ("log.commit", 0)])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_batch_that_dies_anywhere_counts_once_when_it_is_taken_again(
    rig: Rig, stores: Stores, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch, part: str, number: int, restarts: bool
) -> None:
    store, method = part.split(".")
    broken = {"triggers": stores.triggers, "stats": stores.stats, "log": rig.log}[store]
    with monkeypatch.context() as patched:
        patched.setattr(broken, method, nth(getattr(broken, method), number))
        with pytest.raises(KeyboardInterrupt):
            consumer(rig, stores).run_once()
    again = stores_over(stores.seen._connection) if restarts else stores
    assert consumer(rig, again).run_once() == len(EVENTS)
    assert outcome(again) == expected
    rig.send(*EVENTS)
    assert consumer(rig, again).run_once() == len(EVENTS)
    assert outcome(again) == expected, "events sent again at other offsets are known"


def test_a_page_that_links_after_the_links_were_read_leaves_no_event_with_the_device(
    rig: Rig, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer(rig, stores).drain()
    rig.send(user_event("click", "a", user_id=None, device_id="d1"))
    known = stores.links.known

    def overtaken(device_ids: Collection[str]) -> dict[str, Link]:
        links = known(device_ids)
        stores_over(stores.seen._connection).links.link_now("d1", "u9", NOW)
        return links

    with monkeypatch.context() as patched:
        patched.setattr(stores.links, "known", overtaken)
        with pytest.raises(StoreUnavailable, match="take the batch again"):
            consumer(rig, stores).run_once()
    consumer(rig, stores).drain()
    assert [touched.item_id for touched in stores.triggers.load("u:u9").recent] == ["a"]
    assert stores.triggers.load("d:d1") == TriggerState()
