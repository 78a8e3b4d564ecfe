"""What the rule language takes, what it refuses, and what it says of each mistake."""

import json
from typing import Any

import pytest

from smallpool_core.errors import Problem, RuleRefused
from smallpool_core.fields import FieldKind
from smallpool_core.rules import AllOf, Leaf, Not, Rule, parse_rule
from strategies import ATTRIBUTES

EQ = {"field": "city", "op": "eq", "value": "杭州"}


def refused(value: object, **options: Any) -> tuple[Problem, ...]:
    with pytest.raises(RuleRefused) as caught:
        parse_rule(value, ATTRIBUTES, **options)
    return caught.value.problems


def the_problem(field: str, op: str, value: object) -> Problem:
    (problem,) = refused({"field": field, "op": op, "value": value})
    return problem


def parsed_value(field: str, op: str, value: object) -> object:
    expression = parse_rule({"field": field, "op": op, "value": value}, ATTRIBUTES).expression
    assert isinstance(expression, Leaf)
    return expression.value


def test_every_mistake_is_reported_with_its_path() -> None:
    problems = refused(
        {
            "all": [
                {"field": "brnd", "op": "eq", "value": "apple"},
                {"not": {"field": "price_cents", "op": "lt", "value": "9"}},
                {
                    "any": [
                        EQ,
                        {"field": "tags", "op": "eq", "value": "x", "extra": 1},
                        {"field": "tags", "op": "has_any", "value": ["x", 3]},
                    ]
                },
                {"op": "eq"},
                7,
                {"all": [], "any": []},
                {"not": None},
                {"any": EQ},
            ]
        }
    )
    assert [problem.path for problem in problems] == [
        "$.all[0].field",
        "$.all[1].not.value",
        "$.all[2].any[1]",
        "$.all[2].any[1].op",
        "$.all[2].any[2].value[1]",
        "$.all[3].field",
        "$.all[3].value",
        "$.all[4]",
        "$.all[5]",
        "$.all[6].not",
        "$.all[7].any",
    ]


def test_an_unknown_field_names_the_near_ones() -> None:
    assert "did you mean price_cents" in the_problem("price_cent", "eq", 1).message
    assert "attributes.colour" in the_problem("attributes.color", "eq", "red").message
    assert "city, brand" in the_problem("§§§", "eq", 1).message
    assert "declared attributes are: colour" in the_problem("attributes.§§§", "eq", 1).message
    assert "did you mean attributes.colour" in the_problem("colour", "eq", "red").message
    assert "did you mean brand" in the_problem("attributes.brand", "eq", "apple").message


def test_an_operator_that_the_field_does_not_take_names_those_it_takes() -> None:
    assert the_problem("category", "has", ["数码"]).message == "`category` takes eq, prefix, in"
    assert the_problem("quality", "eq", 0.5).path == "$.op"
    assert the_problem("published_at", "lte", 5).found == "'lte'"
    assert the_problem("city", 3, "x").found == "3"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [
        ("price_cents", "eq", True),
        ("price_cents", "eq", 5.0),
        ("price_cents", "eq", float("nan")),
        ("price_cents", "lt", 2**63),
        ("price_cents", "gt", -(2**63) - 1),
        ("price_cents", "in", []),
        ("price_cents", "in", 5),
        ("price_cents", "between", [1]),
        ("price_cents", "between", [1, 2, 3]),
        ("published_at", "lt", "2026-01-01"),
        ("published_at", "gt", False),
        ("quality", "gte", 0.1234),
        ("quality", "gte", 1.001),
        ("quality", "gte", -0.001),
        ("quality", "gte", float("inf")),
        ("quality", "gte", True),
        ("quality", "gte", "0.5"),
        ("attributes.weight", "lt", float("nan")),
        ("attributes.weight", "lt", float("-inf")),
        ("attributes.weight", "lt", 2**53 + 1),
        ("attributes.weight", "lt", 10**400),
        ("attributes.weight", "eq", True),
        ("attributes.colour", "eq", 5),
        ("city", "eq", None),
        ("city", "eq", ""),
        ("city", "eq", ["杭州"]),
        ("city", "eq", "lone \ud800"),
        ("city", "eq", "line\nbreak"),
        ("item_id", "eq", "nul\0"),
        ("tags", "has", "a\x1fb"),
        ("title_words", "contains_any", "手机"),
        ("sale", "eq", "barter"),
        ("category", "eq", "数码"),
        ("category", "eq", []),
        ("category", "prefix", ["数码", ""]),
        ("category", "prefix", ["数码›手机"]),
        ("category", "in", ["数码"]),
        ("category", "eq", [["数码"]]),
        ("published_at", "within", "24h"),
        ("published_at", "within", "-24"),
        ("published_at", "within", "-24w"),
        ("published_at", "within", "-٢h"),
        ("published_at", "within", "-367d"),
        ("published_at", "within", "+9999999999s"),
        ("published_at", "within", -24),
    ],
)
def test_a_value_of_the_wrong_type_or_out_of_range_is_refused_where_it_stands(field: str, op: str, value: object) -> None:
    assert the_problem(field, op, value).path.startswith("$.value")


def test_values_are_brought_into_stored_form_once() -> None:
    assert parsed_value("brand", "eq", "ＡPPLE") == "apple"
    assert parsed_value("seller_id", "eq", "ＡPPLE") == "ＡPPLE"
    assert parsed_value("tags", "has_any", ["New", "ＮEW", "old"]) == ("new", "old")
    assert parsed_value("sale", "in", ["Auction"]) == ("auction",)
    assert parsed_value("category", "prefix", ["数码", "ＩPhone"]) == "数码›iphone"
    assert parsed_value("category", "in", [["数码"], ["文玩", "手串"]]) == ("数码", "文玩›手串")
    assert parsed_value("quality", "between", [0.001, 1]) == (1, 1000)
    assert parsed_value("attributes.weight", "eq", 3) == 3.0
    assert parsed_value("published_at", "within", "-024h") == "-24h"
    assert parsed_value("price_cents", "eq", 2**63 - 1) == 2**63 - 1
    assert parsed_value("price_cents", "between", [9, 1]) == (9, 1)


def test_each_multiple_of_a_thousandth_is_taken_and_shown_as_it_was_written() -> None:
    for thousandths in range(1001):
        written = json.loads(f"{thousandths // 1000}.{thousandths % 1000:03d}")
        rule = parse_rule({"field": "quality", "op": "lt", "value": written}, ATTRIBUTES)
        assert isinstance(rule.expression, Leaf)
        assert rule.expression.value == thousandths
        assert rule.json["value"] == written


def test_the_json_of_a_rule_is_what_an_operator_writes() -> None:
    value = {
        "all": [
            {"field": "category", "op": "in", "value": [["数码", "手机"], ["文玩"]]},
            {"not": {"field": "published_at", "op": "within", "value": "-24h"}},
            {"any": [{"field": "seller_score", "op": "between", "value": [0.25, 1.0]}, EQ]},
        ]
    }
    assert parse_rule(value, ATTRIBUTES).json == value


def test_a_rule_is_timed_only_with_a_leaf_that_depends_on_now() -> None:
    within = {"field": "expires_at", "op": "within", "value": "+1h"}
    assert parse_rule({"any": [EQ, {"not": within}]}, ATTRIBUTES).is_timed
    assert not parse_rule({"all": [EQ, {"field": "expires_at", "op": "lt", "value": 5}]}, ATTRIBUTES).is_timed


def test_the_tree_is_typed_and_keeps_the_shape_that_was_written() -> None:
    leaf = Leaf("city", FieldKind.KEYWORD, "eq", "杭州")
    assert parse_rule({"not": {"all": [EQ]}}, ATTRIBUTES) == Rule.of(Not(AllOf((leaf,))))


def test_a_title_word_that_is_not_one_word_is_refused_and_its_words_named() -> None:
    leaf = {"field": "title_words", "op": "contains_any", "value": ["苹果 手机", "手机", "！"]}
    two, none = refused(leaf, split_words=lambda text: [word for word in text.split() if word != "!"])
    assert two.path == "$.value[0]"
    assert "'苹果', '手机'" in two.message
    assert none.path == "$.value[2]"
    assert "none" in none.message


def test_words_are_split_as_items_are_after_normalising() -> None:
    seen: list[str] = []

    def split(text: str) -> list[str]:
        seen.append(text)
        return [text]

    parse_rule({"field": "title_words", "op": "contains_any", "value": ["ＩPhone"]}, ATTRIBUTES, split_words=split)
    parse_rule({"field": "tags", "op": "has", "value": "two words"}, ATTRIBUTES, split_words=split)
    assert seen == ["iphone"]


def test_a_rule_nests_32_deep_and_no_deeper() -> None:
    def nested(depth: int) -> dict[str, Any]:
        value: dict[str, Any] = EQ
        for _ in range(depth - 1):
            value = {"not": value}
        return value

    parse_rule(nested(32), ATTRIBUTES)
    (problem,) = refused(nested(33))
    assert problem.path == "$" + ".not" * 32


@pytest.mark.parametrize("key", ["all", "any", "not", "value"])
def test_json_20000_deep_is_refused_like_any_other_mistake(key: str) -> None:
    value: Any = EQ
    for _ in range(20_000):
        value = {key: value} if key == "not" else [value] if key == "value" else {key: [value]}
    if key == "value":
        value = {"field": "category", "op": "in", "value": value}
    (problem,) = refused(value)
    assert problem.path.startswith("$.")


def test_a_rule_has_a_thousand_leaves_and_no_more() -> None:
    parse_rule({"any": [EQ] * 1_000}, ATTRIBUTES)
    (problem,) = refused({"any": [EQ] * 1_001})
    assert problem.path == "$.any[1000]"
    (problem,) = refused({"all": [{"any": [{"all": []}] * 600}] * 2})
    assert problem.path == "$.all[1].any[400].all"


def test_reading_stops_at_the_limit_however_much_nonsense_follows() -> None:
    problems = refused({"all": [[]] * 200_000})
    assert len(problems) <= 1_002
    assert "1000 leaves" in problems[-2].message


def test_a_leaf_lists_ten_thousand_values_and_no_more() -> None:
    values = [f"s{number}" for number in range(10_000)]
    assert parsed_value("seller_id", "in", values) == tuple(values)
    assert the_problem("seller_id", "in", [*values, "one more"]).found == "a list of 10001"


def test_a_message_shows_at_most_a_line_of_what_was_found() -> None:
    assert len(the_problem("city", "eq", ["x" * 10_000] * 3).found) < 100
    assert len(the_problem("sale", "eq", "x" * 10_000).found) < 100
    assert len(str(refused({"k" * 10_000: 1})[0])) < 300
    assert the_problem("price_cents", "eq", 10**5_000).found == "an integer of 16610 bits"
