"""`smallpool index` in the distributed wiring: killed at any point, joined and left by others, stopped; everything acknowledged stays."""

import math
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import Random

import pytest

from builders import user_event
from harm_rig import LOOK_EVERY_S, Indexing, Servers, await_that
from life_rig import DEAR, assert_as_the_oracle, life, marketplace, send, waiting
from smallpool_config.clock import SystemClock
from smallpool_config.wiring.distributed import Distributed
from smallpool_core.behaviour import apply_event, triggers_from
from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP, encode_user_event
from smallpool_core.items import ItemEvent
from smallpool_core.places import behind
from smallpool_core.users import TriggerState, UserEvent
from smallpool_stores.kafka import clients
from smallpool_stores.kafka.topics import group_name
from smallpool_stores.redis.additions import HOUR_MS
from system_rig import Marketplace, listing

STOPPED_WITHIN_S = 10.0
SLICE = 50
BACKLOG = 100
KEPT = 30
PEOPLE = 20


@contextmanager
def flowing(market: Marketplace, events: Sequence[ItemEvent], people: Sequence[UserEvent]) -> Iterator[None]:
    """Both are sent side by side from a thread, never many more than are taken in; all is acknowledged when the block ends."""

    def flow() -> None:
        slices = math.ceil(len(events) / SLICE)
        for number in range(slices):
            while waiting(market) > BACKLOG and not is_over.wait(LOOK_EVERY_S):
                pass
            send(market, events[number * SLICE : (number + 1) * SLICE])
            act(market, people[number * len(people) // slices : (number + 1) * len(people) // slices])

    is_over = threading.Event()
    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(flow)
        try:
            yield
        finally:
            is_over.set()
        sent.result()


def act(market: Marketplace, people: Sequence[UserEvent]) -> None:
    """Behaviour, acknowledged by brokers."""
    market.system.log.append_now("user-events", [(event.identity.key, encode_user_event(event)) for event in people], market.clock.now_ms())


def clicks(random: Random, count: int) -> list[UserEvent]:
    """Clicks of some people on items that are never sold, no two alike."""
    now = SystemClock().now_ms()
    return [
        user_event("click", f"kept{random.randrange(KEPT)}", user_id=f"u{number % PEOPLE}", pool_id="p", at=now - number)
        for number in range(count)
    ]


def taken(market: Marketplace) -> int:
    return sum(offset + 1 for offset in market.system.log.committed("item-events", INDEXER_GROUP).values())


def assert_counted_once(market: Distributed, people: Sequence[UserEvent]) -> None:
    """Statistics and triggers are what each event, counted once, adds up to."""
    await_that(
        lambda: behind(market.log.committed("user-events", BEHAVIOUR_GROUP), market.log.end("user-events")) == 0, "behaviour is applied"
    )
    keys = market.redis.keys.pool("p", market.settings.statistics.popularity_half_life_h * HOUR_MS)
    counted: Counter[str] = Counter()
    for [fields] in [market.redis.read_now(("HGETALL", keys.hour(hour))) for hour in {event.at // HOUR_MS for event in people}]:
        counted.update({name.decode(): int(count) for name, count in zip(fields[::2], fields[1::2], strict=True)})
    assert counted == Counter(f"click:{event.item_id}" for event in people)
    items, now, settings = market.items.get({event.object for event in people}), market.clock.now_ms(), market.settings.behaviour
    for number in range(PEOPLE):
        expected, key = TriggerState(), f"u:u{number}"
        for event in people:
            if event.identity.key == key:
                expected = apply_event(expected, event, items[event.object].terms, settings, now)
        wanted, found = (
            {trigger.term: trigger.weight for trigger in triggers_from(state, now, settings, 100)}
            for state in (expected, market.triggers.load(key))
        )
        assert found == pytest.approx(wanted, rel=1e-6), key


@pytest.mark.parametrize(("kills", "items"), [(10, 600), pytest.param(50, 20_000, marks=pytest.mark.faults_long)])
def test_case_08_indexers_killed_at_random_points_while_events_flow_lose_nothing_and_count_nothing_twice(
    harming: Servers, tmp_path: Path, kills: int, items: int
) -> None:
    random = Random(kills)
    with marketplace(tmp_path / "market", harming.addresses) as market:
        system = market.system
        assert isinstance(system, Distributed)
        kept = [listing(f"kept{number}", category=f"留{number}", published_at=market.clock.now_ms()) for number in range(KEPT)]
        with Indexing(system.settings, tmp_path / "a"):
            send(market, kept)
            await_that(lambda: len(system.items.get([item.item_id for item in kept])) == KEPT, "the items that stay are indexed")
        events, people = life(random, items), clicks(random, items)
        with flowing(market, events, people):
            for _ in range(kills // 2):
                # Two at a time: brokers take some seconds to miss one, and the second dies while they still do.
                with Indexing(system.settings, tmp_path / "a") as first, Indexing(system.settings, tmp_path / "b") as second:
                    aim = taken(market) + 1 + random.randrange(len(events) // (kills // 2 + 1))
                    first.await_that(lambda aim=aim: taken(market) >= aim, "the processes take in events")
                    for process in random.sample([first, second], 2):
                        for _ in range(random.randrange(8)):  # some ms each, so that it is hit anywhere between two commits
                            taken(market)
                        process.kill()
        with Indexing(system.settings, tmp_path / "a"):
            assert_as_the_oracle(market, [*kept, *events])
            assert_counted_once(system, people)


def test_case_09_an_indexer_that_joins_and_one_that_leaves_while_events_flow_lose_nothing(harming: Servers, tmp_path: Path) -> None:
    with marketplace(tmp_path / "market", harming.addresses) as market, ExitStack() as stack:
        events = life(Random(9), 600)
        third = len(events) // 3
        first = stack.enter_context(Indexing(market.system.settings, tmp_path / "first"))
        send(market, events[:third])
        first.await_ready()
        second = stack.enter_context(Indexing(market.system.settings, tmp_path / "second"))
        second.await_ready()
        await_that(lambda: members(market) == 2, "both are in the group")
        send(market, events[third : 2 * third])
        market.save_pool("cheap", DEAR)
        send(market, events[2 * third :])
        assert first.stop(STOPPED_WITHIN_S) == 0
        assert_as_the_oracle(market, events)
        assert second.is_alive


def members(market: Marketplace) -> int:
    settings = market.system.settings.kafka
    name = group_name(settings, "item-events", INDEXER_GROUP)
    with closing(clients.admin(settings)) as client:
        return sum(len(described["members"]) for described in client.describe_groups([name]).values())


def test_an_indexer_that_is_told_to_stop_under_load_ends_soon_and_leaves_its_group_at_once(harming: Servers, tmp_path: Path) -> None:
    with marketplace(tmp_path / "market", harming.addresses) as market, Indexing(market.system.settings, tmp_path / "index") as process:
        events = life(Random(1), 600)
        send(market, events)
        total = waiting(market)
        process.await_that(lambda: waiting(market) < total, "the process takes in events")
        assert process.stop(STOPPED_WITHIN_S) == 0, process.said
        assert members(market) == 0
        assert "stopped; everything taken in is stored" in process.said
