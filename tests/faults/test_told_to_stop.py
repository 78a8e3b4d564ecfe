"""`smallpool index` and `smallpool serve` told to stop while a store hangs, at default settings: they end in time, and nothing is lost."""

import threading
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Literal

import httpx
import pytest
from msgspec.structs import replace

import http_rig
from builders import user_event
from harm_rig import Indexing, Servers, Serving
from life_rig import assert_as_the_oracle, found, life, marketplace, send, waiting
from smallpool_config.settings import Settings
from smallpool_core.items import ItemEvent
from smallpool_stores.kafka.settings import KafkaSettings
from smallpool_stores.redis.settings import RedisSettings
from system_rig import Marketplace

STOPPED_WITHIN_S = 10.0
SERVERS: tuple[Literal["elasticsearch", "kafka", "redis"], ...] = ("elasticsearch", "kafka", "redis")

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/v1/pools/p/recall", {"user_id": "u1"}),
    ("POST", "/v1/item-events", {"events": [http_rig.listing("late", at=0)]}),
    ("POST", "/v1/pools", {"pool_id": "new", "rule": {"all": []}}),
]
"""Each waits for another of the stores."""


def at_default(settings: Settings) -> Settings:
    """The same servers and names; every time is the one that is shipped."""
    kafka, redis = settings.kafka, settings.redis
    usual = KafkaSettings(bootstrap=kafka.bootstrap, prefix=kafka.prefix, partitions=kafka.partitions)
    return replace(settings, kafka=usual, redis=RedisSettings(url=redis.url, prefix=redis.prefix), read=Settings().read)


def begun(market: Marketplace, index: Indexing, seed: int) -> list[ItemEvent]:
    """Events of which some are taken in and some wait."""
    events = life(Random(seed), 400)
    send(market, events)
    market.send(*[user_event("click", event.item_id, user_id=f"u{n}", at=market.clock.now_ms()) for n, event in enumerate(events[:200])])
    total = waiting(market)
    index.await_that(lambda: waiting(market) < total, "the process takes in events")
    return events


def ask(client: httpx.Client, request: tuple[str, str, dict[str, Any]]) -> None:
    """A request that may find the process gone."""
    method, path, body = request
    with suppress(httpx.TransportError):
        client.request(method, path, json=body)


def assert_ends_in_time(process: Indexing | Serving) -> None:
    code = process.stop(STOPPED_WITHIN_S)
    assert code == 0 or "were left; nothing acknowledged is lost" in process.said, (code, process.said[-4000:])


@pytest.mark.parametrize("server", SERVERS)
def test_an_indexer_ends_within_ten_seconds_while_a_store_hangs_and_another_one_finds_everything(
    harming: Servers, tmp_path: Path, server: Literal["elasticsearch", "kafka", "redis"]
) -> None:
    with marketplace(tmp_path / "market", harming.addresses) as market:
        settings = at_default(market.system.settings)
        with Indexing(settings, tmp_path / "index") as index:
            events = begun(market, index, 4)
            harming.pause(server)
            index.await_that(lambda: ": waiting" in index.said, "the process misses the store")
            assert_ends_in_time(index)
        harming.mend()
        with Indexing(settings, tmp_path / "index"):
            assert_as_the_oracle(market, events)


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_ends_within_ten_seconds_while_a_store_hangs_and_what_it_acknowledged_is_taken_in(
    harming: Servers, tmp_path: Path, server: Literal["elasticsearch", "kafka", "redis"]
) -> None:
    with marketplace(tmp_path / "market", harming.addresses) as market:
        settings = at_default(market.system.settings)
        with Serving(settings, tmp_path / "serve") as serve, serve.client() as client:
            now = market.clock.now_ms()
            batch = [http_rig.listing(f"h{number}", at=now) for number in range(20)]
            assert client.post("/v1/item-events", json={"events": batch}).status_code == 202
            harming.pause(server)
            asking = [threading.Thread(target=ask, args=(client, how)) for how in REQUESTS]
            for thread in asking:
                thread.start()
            assert_ends_in_time(serve)
            for thread in asking:
                thread.join()
        harming.mend()
        with Indexing(settings, tmp_path / "index") as index:
            ids = [row["item_id"] for row in batch]
            index.await_that(lambda: set(found(market, ids)) == set(ids), "everything acknowledged is in the wide index")
