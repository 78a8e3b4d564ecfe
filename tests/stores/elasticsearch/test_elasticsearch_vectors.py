"""Vectors in Elasticsearch: which model is in force, what is too large to be read, a graph instead of a reading, what is no vector."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest
from msgspec.structs import replace

from builders import NOW, wide_item
from elasticsearch_rig import NO_ATTRIBUTES, item_indices
from market import RULES
from smallpool_core.errors import VectorRefused
from smallpool_core.items import WideItem
from smallpool_core.pages import Query, Scope
from smallpool_core.source_ports import REPLACED_KEPT_S
from smallpool_core.vectors import PARTS_OF_ONE
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.reader import ElasticsearchItemReader
from smallpool_stores.elasticsearch.removal import remove_all
from smallpool_stores.elasticsearch.vector_index import LOOK_EVERY_S, ElasticsearchVectorIndex
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter
from vector_rig import asking, nearest, of_model

QUERY = Query(Scope("all", RULES["all"], trusted=True), frozenset(), cap=99, limit=5, now=NOW)
X, Y = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]


class Fed:
    """An index on the real server, and a watch that a test moves."""

    def __init__(self, connection: Connection) -> None:
        self.now_s = 0.0
        self.connection = connection
        self.writer, self.reader = ElasticsearchItemWriter(connection, NO_ATTRIBUTES), ElasticsearchItemReader(connection)
        self.index = ElasticsearchVectorIndex(connection, lambda: self.now_s)

    def take(self, *records: WideItem) -> None:
        self.writer.index(records)
        self.writer.refresh()
        self.now_s += LOOK_EVERY_S
        self.index.look()


@contextmanager
def fed(**changes: object) -> Iterator[Fed]:
    with item_indices(vector_dimensions=3, **changes) as (connection, indices):
        indices.ensure()
        yield Fed(connection)


def row(item_id: str, axis: list[float], model: str = "m", version: int = 1, **changes: object) -> WideItem:
    item = wide_item(item_id, version=version, **({"pools": ("all",), "category": item_id} | changes))
    return of_model(item, [round(PARTS_OF_ONE * value) for value in axis], model)


def test_the_model_of_which_most_items_have_a_vector_is_in_force_and_the_one_before_answers_for_a_while() -> None:
    with fed() as it:
        assert it.index.model == ""
        it.take(row("a", X), row("b", X), row("c", Y, "new"))
        assert (it.index.model, nearest(it.index, QUERY, asking(X, model="m"))) == ("m", [["a", "b"]])
        it.take(row("a", X, "new", 2))
        assert (it.index.model, nearest(it.index, QUERY, asking(X, model="new"))) == ("new", [["a", "c"]])
        assert nearest(it.index, QUERY, asking(X, model="m")) == [["b"]]
        it.now_s += REPLACED_KEPT_S
        with pytest.raises(VectorRefused, match="new"):
            nearest(it.index, QUERY, asking(X, model="m"))


def test_case_13_where_elasticsearch_does_not_answer_what_was_known_stands_and_its_line_does_not_fail(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with fed() as it:
        it.take(row("a", X))
        remove_all(it.connection)
        for _ in range(2):
            it.now_s += LOOK_EVERY_S
            assert not it.index.look()
        assert it.index.model == "m"
        assert caplog.text.count("stays 'm'") == 1


def test_case_27_an_item_whose_vector_is_none_or_of_another_size_is_found_by_all_else(caplog: pytest.LogCaptureFixture) -> None:
    with fed() as it:
        bad = [replace(row(name, X), vector=vector) for name, vector in (("b", b"\x7f"), ("c", b"\x00\x00\x00"))]
        it.take(row("a", X), *bad)
        assert nearest(it.index, QUERY, asking(X, model="m")) == [["a"]]
        assert sorted(hit.item_id for hit in asyncio.run(it.reader.browse(QUERY, "static")).hits) == ["a", "b", "c"]
        assert caplog.text.count("could not index the vector") == 2


def test_many_rows_that_are_equal_come_by_id_however_many_there_are_under_the_cap() -> None:
    with fed() as it:
        names = [f"i{number:03d}" for number in range(200)]
        Random(1).shuffle(names)
        it.take(*(row(name, X, category="one" if name < "i150" else "other") for name in names))
        assert nearest(it.index, replace(QUERY, limit=3), asking(X, model="m")) == [["i000", "i001", "i002"]]
        [answer] = asyncio.run(it.index.nearest(replace(QUERY, cap=2, limit=9), asking(X, model="m")))
        assert ([hit.item_id for hit in answer.hits], answer.exhausted) == (["i000", "i001", "i150", "i151"], True)


def test_a_graph_finds_most_of_what_reading_finds_and_nothing_outside() -> None:
    draw, found = Random(2), {}
    items = [row(f"i{number}", unit(draw), pools=("all",) if number % 3 else ("other",)) for number in range(300)]
    asked = asking(*(unit(draw) for _ in range(5)), model="m")
    for search in ("exact", "graph"):
        with fed(vector_search=search) as it:
            it.take(*items)
            found[search] = nearest(it.index, replace(QUERY, limit=20), asked)
    inside = {item.item_id for item in items if item.pools == ("all",)}
    assert all(set(some) <= inside for some in found["graph"])
    shared = [len(set(some) & set(true)) / len(true) for some, true in zip(found["graph"], found["exact"], strict=True)]
    assert sum(shared) / len(shared) > 0.8


def unit(draw: Random) -> list[float]:
    axis = [draw.gauss(0, 1) for _ in range(3)]
    length = sum(value * value for value in axis) ** 0.5
    return [value / length for value in axis]
