"""What a rule compiles to, and that every rule that parses is one that Elasticsearch takes."""

from collections.abc import Iterator
from typing import Any

import pytest

from builders import NOW, wide_item
from elasticsearch_rig import item_indices
from smallpool_core.items import WideItem
from smallpool_core.rules import parse_rule
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.names import LONG_KEY, items_alias
from smallpool_stores.elasticsearch.rules import to_filter
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter
from strategies import ATTRIBUTES

DEEP_ENOUGH = 27
"""A question adds three levels to a rule, and Elasticsearch takes 30."""
MEMBERS = [f"t{number}" for number in range(9)]
LEAVES = [
    {"field": "tags", "op": "has_all", "value": MEMBERS},
    {"not": {"field": "tags", "op": "has_all", "value": MEMBERS}},
    {"field": "category", "op": "prefix", "value": ["数码", "手机"]},
    {"field": "published_at", "op": "within", "value": "-24h"},
]


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with item_indices(ATTRIBUTES) as (made, indices):
        indices.ensure()
        yield made


def compiled(value: object) -> dict[str, Any]:
    return to_filter(parse_rule(value, ATTRIBUTES), NOW)


def found(connection: Connection, value: object) -> set[str]:
    alias = items_alias(connection.settings.prefix)
    asked = {"function_score": {"query": {"bool": {"filter": [compiled(value)]}}}}
    hits = connection.sync.search(index=alias, query=asked, size=1_000, source=False, version=True)["hits"]["hits"]
    return {hit["_id"] for hit in hits}


def write(connection: Connection, *items: WideItem) -> None:
    writer = ElasticsearchItemWriter(connection, ATTRIBUTES)
    assert writer.index(items).refused == ()
    writer.refresh()


def depth(query: object) -> int:
    """How many queries are nested in each other."""
    if isinstance(query, list):
        return max(map(depth, query))
    if not isinstance(query, dict) or "bool" not in query:
        return 1
    return 1 + max(depth(clauses) for clauses in query["bool"].values() if isinstance(clauses, list))


def spine(levels: int, leaf: object) -> Any:
    value: Any = leaf
    for level in range(levels - 1):
        value = {("all", "any")[level % 2]: [leaf, value]}
    return value


def bush(levels: int, width: int, leaf: object) -> Any:
    return leaf if levels == 1 else {("all", "any")[levels % 2]: [bush(levels - 1, width, leaf)] * width}


def heavy_spine(leaf: object) -> Any:
    """The deepest rule with two equally deep choices wherever its thousand leaves allow."""
    value: Any = spine(22, leaf)
    for level in range(5):
        value = {"any": [leaf, {"all": [value, value]}]} if level < 4 else {"all": [value, value]}
    return value


SHAPES = {
    "flat": lambda leaf: {"all": [leaf] * 1_000},
    "flat and negated": lambda leaf: {"not": {"all": [leaf] * 1_000}},
    "spine": lambda leaf: spine(31, leaf),
    "negated spine": lambda leaf: {"not": spine(30, leaf)},
    "bush of two": lambda leaf: bush(9, 2, leaf),
    "bush of three": lambda leaf: bush(6, 3, leaf),
    "heavy spine": heavy_spine,
}


@pytest.mark.parametrize("leaf", LEAVES, ids=["has_all", "not has_all", "prefix", "within"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_rule_of_any_shape_within_the_limits_is_taken(connection: Connection, shape: str, leaf: object) -> None:
    value = SHAPES[shape](leaf)
    assert depth(compiled(value)) <= DEEP_ENOUGH
    found(connection, value)


@pytest.mark.parametrize(
    ("field", "op", "item"),
    [
        ("seller_id", "in", wide_item("seller", seller_id="v9999")),
        ("tags", "has_any", wide_item("tags", tags=("v9999",))),
        ("title_words", "contains_any", wide_item("words", title_words=("x", "v9999"))),
        ("attributes.colour", "in", wide_item("colour", attributes={"colour": "v9999"})),
    ],
)
def test_ten_thousand_values_are_taken(connection: Connection, field: str, op: str, item: WideItem) -> None:
    write(connection, item)
    assert found(connection, {"field": field, "op": op, "value": [f"v{number}" for number in range(10_000)]}) == {item.item_id}


def test_no_item_has_more_members_than_an_index_keeps(connection: Connection) -> None:
    members = tuple(f"m{number}" for number in range(1_024))
    write(connection, wide_item("most", tags=members))
    assert found(connection, {"field": "tags", "op": "has_all", "value": list(members)}) == {"most"}
    assert compiled({"field": "tags", "op": "has_all", "value": [*members, "more"]}) == {"match_none": {}}


def test_numbers_keep_their_order_across_zero(connection: Connection) -> None:
    numbers = [-1e300, -2, -1.5, -5e-324, -0.0, 5e-324, 0.1 + 0.2, 1, 1.5, 2**53, 1e300]
    write(connection, *(wide_item(f"n{place}", attributes={"weight": weight}) for place, weight in enumerate(numbers)))
    every = {f"n{place}" for place in range(len(numbers))}
    for place, other in enumerate(numbers):
        for op, wanted in (("lt", range(place)), ("gte", range(place, len(numbers))), ("eq", [place]), ("lte", range(place + 1))):
            leaf = {"field": "attributes.weight", "op": op, "value": other}
            assert found(connection, leaf) & every == {f"n{number}" for number in wanted}, leaf
    assert found(connection, {"field": "attributes.weight", "op": "eq", "value": 0}) == {"n4"}


def test_long_text_is_found_by_all_of_it(connection: Connection) -> None:
    long, other = "手" * (LONG_KEY + 1), "手" * LONG_KEY + "机"
    write(connection, wide_item("long", city=long, category=f"{long}›x"), wide_item("other", city=other, category=f"{other}›x"))
    assert found(connection, {"field": "city", "op": "eq", "value": long}) == {"long"}
    assert found(connection, {"field": "category", "op": "prefix", "value": [other]}) == {"other"}
    assert found(connection, {"field": "category", "op": "eq", "value": [long, "x"]}) == {"long"}


def test_a_rule_that_does_not_depend_on_now_is_compiled_once() -> None:
    steady = parse_rule({"field": "city", "op": "eq", "value": "杭州"}, ATTRIBUTES)
    fresh = parse_rule({"field": "published_at", "op": "within", "value": "-1h"}, ATTRIBUTES)
    assert to_filter(steady, NOW) is to_filter(steady, NOW + 1)
    assert to_filter(fresh, NOW) != to_filter(fresh, NOW + 1)
