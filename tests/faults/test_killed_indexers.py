"""`smallpool index` in the distributed wiring: killed at any point, joined and left by others, stopped; everything acknowledged stays."""

from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

import pytest

from harm_rig import Indexing, Servers, await_that
from life_rig import DEAR, assert_as_the_oracle, life, marketplace, send, waiting
from smallpool_core.events import INDEXER_GROUP
from smallpool_stores.kafka import clients
from smallpool_stores.kafka.topics import group_name
from system_rig import Marketplace

STOPPED_WITHIN_S = 10.0


def share_of(total: int, kills: int, number: int) -> int:
    """How many events may wait at most before the next kill."""
    return total * (kills - number) // (kills + 1)


@pytest.mark.parametrize(("kills", "items"), [(4, 600), pytest.param(50, 4_000, marks=pytest.mark.faults_long)])
def test_case_08_an_indexer_killed_at_random_points_while_events_flow_loses_nothing(
    harming: Servers, tmp_path: Path, kills: int, items: int
) -> None:
    random = Random(kills)
    with marketplace(tmp_path / "market", harming.addresses) as market:
        events = life(random, items)
        send(market, events)
        total = waiting(market)
        for number in range(kills):
            with Indexing(market.system.settings, tmp_path / "index") as process:
                most = share_of(total, kills, number) + random.randrange(1 + total // (kills + 1))
                process.await_that(lambda most=most: waiting(market) <= most, "the process takes in events")
                for _ in range(random.randrange(8)):  # some ms each, so that it is hit anywhere between two commits
                    waiting(market)
                process.kill()
        with Indexing(market.system.settings, tmp_path / "index"):
            assert_as_the_oracle(market, events)


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
