"""Faults of the wide index on Elasticsearch: answers that are lost, requests that fail in part, text that means something elsewhere."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from msgspec.structs import replace

from builders import NOW, wide_item
from elasticsearch_rig import NO_ATTRIBUTES, item_index, item_indices, settings
from loopback_proxy import Call, Cut, Edit, Fault, LoopbackProxy, Reply, loopback_proxy
from market import rule
from smallpool_core.errors import RuleRefused
from smallpool_core.items import Indexed, WideItem
from smallpool_core.normalise import normalise
from smallpool_core.pages import Query, Scope
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.reader import ElasticsearchItemReader
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter

Writers = tuple[LoopbackProxy, ElasticsearchItemWriter, ElasticsearchItemWriter]


@pytest.fixture
def writers() -> Iterator[Writers]:
    """A proxy, the writer behind it, and another writer that reaches the same index without it."""
    with loopback_proxy(settings().url) as proxy, item_indices(url=proxy.url) as (connection, indices):
        indices.ensure()
        direct = Connection(settings(prefix=connection.settings.prefix))
        yield proxy, writer_of(connection), writer_of(direct)
        direct.close()


def writer_of(connection: Connection) -> ElasticsearchItemWriter:
    return ElasticsearchItemWriter(connection, NO_ATTRIBUTES, pause=lambda _: None)


def lose_first_answer(proxy: LoopbackProxy, meanwhile: list[WideItem], other: ElasticsearchItemWriter) -> list[Call]:
    """The first bulk request is carried out and its answer lost; before it is sent again the other writer writes `meanwhile`."""
    sent: list[Call] = []

    def plan(call: Call) -> Fault | None:
        if "_bulk" not in call.path:
            return None
        sent.append(call)
        if len(sent) == 1:
            return Cut(after=True)
        if meanwhile:
            other.index(meanwhile)
        return None

    proxy.plan = plan
    return sent


def test_case_05_a_write_whose_answer_was_lost_is_a_success(writers: Writers) -> None:
    proxy, writer, other = writers
    sent = lose_first_answer(proxy, [], other)
    assert writer.index([wide_item("a"), wide_item("b")]) == Indexed(2)
    assert len(sent) == 2
    assert set(writer.get(["a", "b"])) == {"a", "b"}


def test_case_05_what_another_wrote_meanwhile_is_not_counted_as_ours_and_stays(writers: Writers) -> None:
    proxy, writer, other = writers
    newer = wide_item("a", version=9)
    lose_first_answer(proxy, [newer], other)
    assert writer.index([wide_item("a"), wide_item("b")]) == Indexed(1)
    assert writer.get(["a"]) == {"a": newer}


def test_case_06_of_a_bulk_that_fails_in_part_each_item_gets_what_is_due(writers: Writers) -> None:
    proxy, writer, other = writers
    other.index([wide_item("stale", version=5)])
    bodies: list[list[str]] = []

    def overload(reply: Reply) -> Reply:
        """Of the first two it is said that the cluster was too busy. It was not, so when they come again it answers 409."""
        results = json.loads(reply.body)["items"]
        for result, status in zip(results, (429, 503), strict=False):
            result["index"] = {"status": status, "error": {"type": "es_rejected_execution_exception", "reason": "busy"}}
        return Reply(200, json.dumps({"items": results}).encode())

    def plan(call: Call) -> Fault | None:
        if "_bulk" not in call.path:
            return None
        bodies.append([json.loads(line)["index"]["_id"] for line in call.body.splitlines()[::2]])
        return Edit(overload) if len(bodies) == 1 else None

    proxy.plan = plan
    items = [wide_item("busy"), wide_item("away"), wide_item("stale", version=4), wide_item("bad", price_cents=2**63), wide_item("fine")]
    indexed = writer.index(items)
    assert bodies == [["busy", "away", "stale", "bad", "fine"], ["busy", "away"]]
    ((refused, reason),) = indexed.refused
    assert (refused, "price_cents" in reason, indexed.newer) == ("bad", True, 1)
    stored = writer.get([item.item_id for item in items])
    assert {item_id: item.version for item_id, item in stored.items()} == {"busy": 1, "away": 1, "stale": 5, "fine": 1}


TEXTS = {
    "Lucene": 'title:(苹果 OR 华为) AND price:[0 TO *] +must -not "phrase"~2 /re.*gex/ \\',
    "everything": "*:*",
    "wildcards": "*?*",
    "JSON": '"}}, {"match_all": {}}, {"term": {"x": "',
    "10 KB": "手机" * 5_000,
    "emoji": "👩‍👩‍👧‍👦🧿手串🔥",
    "NUL": "苹果\x00手机",
    "right to left": "\u202eمرحبا\u202c 手机",
    "full width": "ＩＰＨＯＮＥ　１３　Ｐｒｏ",
    "newline": 'a\n{"delete": {"_id": "a"}}\n',
    "date math": "<logstash-{now/d}>",
}


def test_case_24_text_is_data_wherever_elasticsearch_gets_it() -> None:
    with item_index() as (writer, reader), asyncio.Runner() as loop:
        items = {name: item_of(text) for name, text in TEXTS.items()}
        assert writer.index(list(items.values())) == Indexed(len(TEXTS))
        writer.refresh()
        assert writer.get([item.item_id for item in items.values()]) == {item.item_id: item for item in items.values()}
        for name, item in items.items():
            assert set(found(loop, reader, item, TEXTS[name])) == {(item.item_id,)}, name


def item_of(text: str) -> WideItem:
    """An item that has the text wherever it may."""
    return wide_item(text[:100], terms=(f"point:{text}",), pools=(text,), city=normalise(text), seller_id=text, category=text)


def found(loop: asyncio.Runner, reader: ElasticsearchItemReader, item: WideItem, text: str) -> list[tuple[str, ...]]:
    """What is found by the text as a term, as a pool, as an id and, where a rule may hold it, by a rule."""
    everything = Query(Scope("home", rule({"all": []}), trusted=True, everything=True), frozenset(), 100, 100, NOW)
    answers = [
        reader.recall(everything, {f"point:{text}": 5}),
        reader.browse(replace(everything, scope=Scope(text, rule({"all": []}), trusted=True)), "newest"),
        reader.pick(everything, [item.item_id]),
    ]
    with suppress(RuleRefused):
        by_rule = rule({"all": [{"field": field, "op": "eq", "value": text} for field in ("city", "seller_id")]})
        answers.append(reader.browse(replace(everything, scope=Scope("p", by_rule, trusted=False)), "static"))
    return [tuple(hit.item_id for hit in loop.run(answer).hits) for answer in answers]
