"""What the SQL compiler reads and writes, and that every rule that parses fits SQLite's limits."""

import sqlite3
from typing import Any

import pytest

from smallpool_core.fields import FIELDS
from smallpool_core.items import WideItem
from smallpool_core.rules import Rule, columns, matches, parse_rule, row_values, to_sql
from strategies import ATTRIBUTES, NOW

NINE = [f"t{number}" for number in range(9)]
LONGEST_LEAVES = [
    {"field": "tags", "op": "has_all", "value": NINE},
    {"field": "tags", "op": "has_any", "value": NINE[:8]},
    {"field": "category", "op": "prefix", "value": ["数码", "手机"]},
    {"field": "attributes.colour", "op": "in", "value": NINE},
    {"field": "attributes.weight", "op": "between", "value": [1, 2]},
    {"field": "published_at", "op": "within", "value": "-24h"},
]
AROUND = "SELECT f.item_id FROM wide AS f WHERE f.item_id IN (SELECT w.item_id FROM wide AS w WHERE w.price_cents > 0) AND ({}) AND {}"
TO_SPARE = 40
"""Of the parser's stack of 100, what a caller's query around the expression may well take besides the above."""


def table(*rows: WideItem) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE wide ({', '.join(f'{name} {kind}' for name, kind in columns())})")
    for item in rows:
        connection.execute(f"INSERT INTO wide VALUES ({', '.join('?' for _ in columns())})", row_values(item))
    return connection


def an_item(**fields: Any) -> WideItem:
    return WideItem(item_id="i1", version=1, enrich=0, state="on_sale", **fields)


def found(connection: sqlite3.Connection, rule: Rule) -> bool:
    text, parameters = to_sql(rule, NOW)
    return bool(connection.execute(f"SELECT ({text}) FROM wide AS f", parameters).fetchone()[0])


def spine(depth: int, width: int, leaf: object) -> Any:
    value: Any = leaf
    for level in range(depth - 1):
        value = {("all", "any")[level % 2]: [*[leaf] * (width - 1), value]}
    return value


def bush(depth: int, width: int, leaf: object) -> Any:
    return leaf if depth == 1 else {("all", "any")[depth % 2]: [bush(depth - 1, width, leaf)] * width}


def spine_of_bushes(leaf: object) -> Any:
    value = bush(5, 2, leaf)
    for level in range(26):
        value = {("all", "any")[level % 2]: [bush(5 + level % 2, 2, leaf) if level < 20 else leaf, value]}
    return value


SHAPES = {
    "flat": lambda leaf: {"all": [leaf] * 1_000},
    "flat and negated": lambda leaf: {"not": {"all": [leaf] * 1_000}},
    "narrow spine": lambda leaf: spine(32, 2, leaf),
    "wide spine": lambda leaf: spine(32, 32, leaf),
    "bush of two": lambda leaf: bush(10, 2, leaf),
    "bush of three": lambda leaf: bush(7, 3, leaf),
    "bush of nine": lambda leaf: bush(4, 9, leaf),
    "spine of bushes": spine_of_bushes,
}


def test_there_is_a_column_for_each_field_and_one_for_the_attributes() -> None:
    assert [name for name, _ in columns()] == [*FIELDS, "attributes"]
    assert dict(columns())["price_cents"] == "INTEGER"
    assert len(row_values(an_item())) == len(columns())


def test_a_row_holds_sets_between_separators_and_nothing_for_what_is_missing() -> None:
    row = dict(zip(FIELDS, row_values(an_item(tags=("a", "b"), category="数码›手机")), strict=False))
    assert row["tags"] == "\x1fa\x1fb\x1f"
    assert row["points"] == ""
    assert row["category"] == "数码›手机"
    assert row["price_cents"] is None


@pytest.mark.parametrize("leaf", LONGEST_LEAVES, ids=lambda leaf: f"{leaf['field']} {leaf['op']}")
@pytest.mark.parametrize("shape", SHAPES)
def test_a_rule_of_any_shape_within_the_limits_fits_sqlite(shape: str, leaf: object) -> None:
    text, parameters = to_sql(parse_rule(SHAPES[shape](leaf), ATTRIBUTES), NOW)
    assert len(parameters) < 32_766
    query = AROUND.format(text, "(" * TO_SPARE + "1" + ")" * TO_SPARE)
    table().execute(query, parameters).fetchall()
    query = AROUND.format("(" * TO_SPARE + text + ")" * TO_SPARE, "1")
    table().execute(query, parameters).fetchall()


def test_a_wide_rule_is_as_true_as_its_parts() -> None:
    leaves = [{"field": "price_cents", "op": "gt", "value": number} for number in range(1_000)]
    connection = table(an_item(price_cents=1_000))
    assert found(connection, parse_rule({"all": leaves}, ATTRIBUTES))
    connection = table(an_item(price_cents=999))
    assert not found(connection, parse_rule({"all": leaves}, ATTRIBUTES))
    assert found(connection, parse_rule({"any": leaves}, ATTRIBUTES))


@pytest.mark.parametrize(
    ("field", "op", "fields"),
    [
        ("seller_id", "in", {"seller_id": "v9999"}),
        ("tags", "has_any", {"tags": ("v9999",)}),
        ("tags", "has_all", {"tags": tuple(f"v{number}" for number in range(10_000))}),
        ("title_words", "contains_any", {"title_words": ("x", "v9999")}),
        ("attributes.colour", "in", {"attributes": {"colour": "v9999"}}),
    ],
)
def test_ten_thousand_values_take_few_parameters(field: str, op: str, fields: dict[str, Any]) -> None:
    rule = parse_rule({"field": field, "op": op, "value": [f"v{number}" for number in range(10_000)]}, ATTRIBUTES)
    assert len(to_sql(rule, NOW)[1]) <= 3
    assert found(table(an_item(**fields)), rule)
    assert (
        not found(table(an_item(seller_id="v", tags=("v1", "x"), title_words=("v",), attributes={"colour": "v"})), rule) or op == "has_any"
    )


def test_a_member_that_holds_the_separator_is_no_two_members() -> None:
    item = an_item(tags=("a\x1fb",))
    rule = parse_rule({"field": "tags", "op": "has", "value": "a"}, ATTRIBUTES)
    assert found(table(item), rule) is matches(rule, item, NOW) is False


def test_an_attribute_that_holds_nul_is_not_what_stands_before_it() -> None:
    item = an_item(attributes={"colour": "red\0dish"})
    rule = parse_rule({"field": "attributes.colour", "op": "eq", "value": "red"}, ATTRIBUTES)
    assert found(table(item), rule) is matches(rule, item, NOW) is False


def test_numbers_keep_their_order_across_zero() -> None:
    numbers = [-1e300, -2, -1.5, -5e-324, -0.0, 5e-324, 1, 1.5, 1e300]
    for place, weight in enumerate(numbers):
        connection = table(an_item(attributes={"weight": weight}))
        for other_place, other in enumerate(numbers):
            rule = parse_rule({"field": "attributes.weight", "op": "lt", "value": other}, ATTRIBUTES)
            assert found(connection, rule) is (place < other_place)


def test_neighbouring_floats_are_told_apart() -> None:
    low, high = 0.1 + 0.2, 0.3
    for weight, other in ((low, high), (high, low)):
        item = an_item(attributes={"weight": weight})
        assert found(table(item), parse_rule({"field": "attributes.weight", "op": "eq", "value": weight}, ATTRIBUTES))
        assert not found(table(item), parse_rule({"field": "attributes.weight", "op": "eq", "value": other}, ATTRIBUTES))


def test_an_attribute_name_that_a_path_cannot_quote_is_still_found() -> None:
    name = 'odd "name" 50%\\'
    rule = parse_rule({"field": f"attributes.{name}", "op": "eq", "value": "x"}, ATTRIBUTES)
    assert found(table(an_item(attributes={name: "x"})), rule)


def test_an_index_on_a_column_serves_the_leaves_on_it() -> None:
    connection = table()
    connection.execute("CREATE INDEX by_category ON wide (category)")
    connection.execute("CREATE INDEX by_seller ON wide (seller_id)")
    for leaf, index in (
        ({"field": "category", "op": "eq", "value": ["数码"]}, "by_category"),
        ({"field": "category", "op": "prefix", "value": ["数码"]}, "by_category"),
        ({"field": "seller_id", "op": "in", "value": ["a", "b"]}, "by_seller"),
    ):
        text, parameters = to_sql(parse_rule({"all": [leaf, {"field": "price_cents", "op": "lt", "value": 5}]}, ATTRIBUTES), NOW)
        plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM wide AS f WHERE {text}", parameters).fetchall()
        assert any(index in str(step) for step in plan), plan
