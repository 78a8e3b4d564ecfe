"""`smallpool index` and a live replica, while Elasticsearch is down or hangs, or Redis hangs: sales go on, and nothing is missing after."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import httpx
import pytest
from msgspec.structs import replace

from builders import user_event
from harm_rig import Indexing, Servers, Serving, await_that, body_of
from life_rig import assert_as_the_oracle, life, marketplace, send, waiting
from smallpool_core.items import ItemEvent
from smallpool_service.settings import ReadSettings
from system_rig import listing, sold

CATEGORIES = 20


class Harm(NamedTuple):
    """What is done to a server, and what `smallpool index` says once it has noticed."""

    does: Callable[[Servers], None]
    noticed: str


WITHOUT_ELASTICSEARCH = {
    "down": Harm(lambda servers: servers.kill("elasticsearch"), "backfill: waiting"),
    "hangs": Harm(lambda servers: servers.pause("elasticsearch"), "backfill: waiting"),
}
REDIS_HANGS = Harm(lambda servers: servers.pause("redis"), "user events: waiting")


def shelf(first: int, count: int, at: int) -> list[ItemEvent]:
    return [
        listing(f"s{number:03}", category=f"架{number % CATEGORIES}", seller_id=f"s{number}", published_at=at)
        for number in range(first, first + count)
    ]


def shown(client: httpx.Client) -> set[str]:
    """The ids of a large page, which nobody remembers."""
    page: dict[str, Any] = body_of(client.post("/v1/pools/p/recall", json={"user_id": "u1", "size": 100, "dry_run": True}))
    return {item["item_id"] for item in page["items"]}


@pytest.mark.parametrize("how", WITHOUT_ELASTICSEARCH)
def test_case_13_what_is_sold_without_elasticsearch_leaves_the_pages_and_the_index_catches_up(
    harming: Servers, tmp_path: Path, how: str
) -> None:
    assert_sales_go_on(harming, tmp_path, WITHOUT_ELASTICSEARCH[how])


def test_case_14_what_is_sold_while_redis_hangs_leaves_the_pages_and_the_index_is_whole(harming: Servers, tmp_path: Path) -> None:
    assert_sales_go_on(harming, tmp_path, REDIS_HANGS)


def assert_sales_go_on(harming: Servers, tmp_path: Path, harm: Harm) -> None:
    """The real indexer and a live replica: sales reach its pages while the store is away, and afterwards the index is as the oracle."""
    with marketplace(tmp_path / "market", harming.addresses) as market:
        now = market.clock.now_ms()
        settings = replace(market.system.settings, read=ReadSettings(timeout_ms=3_000))
        events = shelf(0, 40, now)
        with Indexing(settings, tmp_path / "index") as index, Serving(settings, tmp_path / "serve") as serve, serve.client(60) as client:
            index.await_ready()
            send(market, events)
            await_that(lambda: shown(client) == {event.item_id for event in events}, "everything is on the page")
            harm.does(harming)
            market.send(user_event("click", "s001", at=market.clock.now_ms()))
            index.await_that(lambda: harm.noticed in index.said, "the process misses the store")
            sales = [sold(f"s{number:03}") for number in range(10)]
            news = shelf(40, 5, now + 1)
            send(market, [*sales, *news])
            expected = {event.item_id for event in [*events[10:], *news]}
            await_that(lambda: shown(client) == expected, "a live replica shows what was published and nothing that was sold")
            rest = life(Random(13), 300)
            send(market, rest)
            index.await_that(lambda: waiting(market) == 0, "all events are recorded without the store")
            assert harm.noticed in index.said
            harming.mend()
            assert_as_the_oracle(market, [*events, *sales, *news, *rest])
            assert index.is_alive
            assert serve.is_alive
