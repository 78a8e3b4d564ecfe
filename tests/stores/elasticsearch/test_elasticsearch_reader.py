"""How many trips a question takes, and that what two trips bring is what one would."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

import oracle
from builders import NOW, wide_item
from elasticsearch_rig import NO_ATTRIBUTES, item_indices, settings
from loopback_proxy import LoopbackProxy, Reply, loopback_proxy
from market import RULES, Market, tagged
from smallpool_core.errors import StoreUnavailable
from smallpool_core.pages import Answer, Query, Scope
from smallpool_stores.elasticsearch.reader import ElasticsearchItemReader
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter


class Rig:
    """An index that is read through a proxy."""

    def __init__(
        self, proxy: LoopbackProxy, writer: ElasticsearchItemWriter, reader: ElasticsearchItemReader, loop: asyncio.Runner
    ) -> None:
        self.proxy = proxy
        self.writer = writer
        self.reader = reader
        self.loop = loop

    def browse(self, query: Query) -> Answer:
        self.proxy.calls.clear()
        return self.loop.run(self.reader.browse(query, "static"))

    @property
    def trips(self) -> int:
        return len(self.proxy.calls)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with loopback_proxy(settings().url) as proxy, item_indices(url=proxy.url) as (connection, indices), asyncio.Runner() as loop:
        indices.ensure()
        yield Rig(proxy, ElasticsearchItemWriter(connection, NO_ATTRIBUTES), ElasticsearchItemReader(connection), loop)


def asked(**changes: object) -> Query:
    return replace(Query(Scope("all", RULES["all"], trusted=True), frozenset(), 3, 10, NOW), **changes)


@pytest.mark.parametrize("rows_asked", [1, 7, 20])
@pytest.mark.parametrize("seed", range(4))
def test_what_two_trips_bring_is_what_one_would(rig: Rig, seed: int, rows_asked: int) -> None:
    market = Market(seed, size=120)
    rig.writer.index(market.changes(120))
    rig.writer.index(market.changes(30))
    rig.writer.refresh()
    reader = ElasticsearchItemReader(rig.reader._connection, lambda _: rows_asked)
    items = market.items.values()
    for _ in range(12):
        query, weights = market.query(limit=market.random.choice((0, 1, 5, 20, 100))), market.weights()
        assert rig.loop.run(reader.recall(query, weights)) == oracle.recall(items, query, weights)
        assert rig.loop.run(reader.browse(query, "newest")) == oracle.browse(items, query, "newest")


def test_a_question_takes_one_trip_unless_few_keys_fill_its_rows(rig: Rig) -> None:
    rig.writer.index([tagged(wide_item(f"a{number:03}", category=f"k›{number % 40}", static_score=9)) for number in range(80)])
    rig.writer.index([tagged(wide_item(f"b{number:03}", category="full", static_score=10)) for number in range(90)])
    rig.writer.refresh()
    assert len(rig.browse(asked(cap=100, limit=100)).hits) == 100
    assert rig.trips == 1
    assert [hit.item_id for hit in rig.browse(asked(limit=10)).hits] == ["b000", "b001", "b002", *(f"a{number:03}" for number in range(7))]
    assert rig.trips == 2


def test_no_trip_is_made_where_nothing_is_asked(rig: Rig) -> None:
    rig.proxy.calls.clear()
    assert rig.loop.run(rig.reader.recall(asked(), {})) == Answer((), exhausted=True)
    assert rig.loop.run(rig.reader.pick(asked(), [])) == Answer((), exhausted=True)
    assert rig.loop.run(rig.reader.get([])) == {}
    assert rig.trips == 0


def test_an_answer_without_all_its_shards_is_none(rig: Rig) -> None:
    failed = {"error": {"type": "search_phase_execution_exception", "reason": "all shards failed"}}
    rig.proxy.plan = lambda _: Reply(503, json.dumps(failed).encode())
    with pytest.raises(StoreUnavailable, match="all shards failed"):
        rig.browse(asked())
    assert "allow_partial_search_results=false" in rig.proxy.calls[0].path


def test_many_items_are_excluded_and_picked(rig: Rig) -> None:
    rig.writer.index([tagged(wide_item(f"i{number}", category=f"k{number}")) for number in range(5)])
    rig.writer.refresh()
    others = frozenset(f"none{number}" for number in range(70_000))
    assert {hit.item_id for hit in rig.browse(asked(excluded=others | {"i0"})).hits} == {"i1", "i2", "i3", "i4"}
    picked = rig.loop.run(rig.reader.pick(asked(), ["i4", *sorted(others)[:9_000], "i1"]))
    assert [hit.item_id for hit in picked.hits] == ["i4", "i1"]


def test_shards_answer_as_one() -> None:
    with item_indices(shards=3) as (connection, indices), asyncio.Runner() as loop:
        indices.ensure()
        market, writer = Market(5), ElasticsearchItemWriter(connection, NO_ATTRIBUTES)
        writer.index(market.changes(60))
        writer.refresh()
        for rows_asked in (1, 50):
            reader = ElasticsearchItemReader(connection, lambda _, rows=rows_asked: rows)
            for _ in range(15):
                query, weights = market.query(), market.weights()
                assert loop.run(reader.recall(query, weights)) == oracle.recall(market.items.values(), query, weights)
