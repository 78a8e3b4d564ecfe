"""Recall over an Elasticsearch that was not refreshed: what came in since is recalled all the same, exactly."""

import asyncio

import pytest
from msgspec.structs import replace

import oracle
from elasticsearch_rig import item_index
from market import Market
from smallpool_stores.memory.live_first import LiveFirstReader, breaker_of
from smallpool_stores.memory.live_reader import LiveItemReader
from smallpool_stores.memory.recent import RecentIndex
from smallpool_stores.memory.rows import ItemRows


@pytest.mark.parametrize("seed", range(3))
def test_every_answer_is_the_oracles_though_elasticsearch_was_refreshed_three_rounds_ago(seed: int) -> None:
    market, recent = Market(seed), RecentIndex()
    with asyncio.Runner() as loop, item_index() as (writer, reader):
        live_first = LiveFirstReader(reader, LiveItemReader(ItemRows()), recent, breaker_of("elasticsearch", after=6, pause_ms=1_000))
        for number in range(9):
            changes = market.changes(25)
            recent.index(changes)
            writer.index(changes)
            if number % 3 == 0:
                writer.refresh()
            for _ in range(8):
                scope = market.query().scope
                query, weights = market.query(scope=replace(scope, trusted=not scope.everything)), market.weights()
                assert loop.run(live_first.recall(query, weights)) == oracle.recall(market.items.values(), query, weights)
