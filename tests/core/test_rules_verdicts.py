"""What an operator is warned of before a rule is saved."""

from typing import Any

import pytest

from smallpool_core.rules import parse_rule, warnings
from strategies import ATTRIBUTES


def leaf(field: str, op: str, value: object) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def no(value: object) -> dict[str, Any]:
    return {"not": value}


APPLE = leaf("brand", "eq", "apple")
CHEAP = leaf("price_cents", "lt", 1_000)
TAGGED = leaf("tags", "has", "new")


def told(value: object) -> list[tuple[str, str]]:
    return [(warning.code, warning.path) for warning in warnings(parse_rule(value, ATTRIBUTES))]


@pytest.mark.parametrize("value", [APPLE, {"all": [APPLE, CHEAP]}, {"any": [APPLE, no(TAGGED)]}, no({"all": [APPLE, no(CHEAP)]})])
def test_an_ordinary_rule_draws_no_warning(value: object) -> None:
    assert told(value) == []


def test_an_empty_group_is_named_for_what_it_matches() -> None:
    assert told({"all": []}) == [("matches_everything", "$")]
    assert told({"any": []}) == [("matches_nothing", "$")]
    assert told({"all": [APPLE, {"any": []}]}) == [("matches_nothing", "$"), ("matches_nothing", "$.all[1]")]
    assert told({"all": [APPLE, {"all": []}]}) == [("matches_everything", "$.all[1]")]
    assert told(no({"any": []})) == [("matches_everything", "$"), ("matches_nothing", "$.not")]


@pytest.mark.parametrize(
    "parts",
    [
        [APPLE, leaf("brand", "eq", "vivo")],
        [APPLE, leaf("brand", "in", ["vivo", "oppo"])],
        [leaf("brand", "in", ["apple", "vivo"]), no(APPLE), no(leaf("brand", "in", ["vivo"]))],
        [CHEAP, leaf("price_cents", "gte", 1_000)],
        [CHEAP, no(leaf("price_cents", "between", [0, 999])), leaf("price_cents", "gte", 0)],
        [leaf("price_cents", "eq", 7), leaf("price_cents", "in", [8, 9])],
        [leaf("quality", "gt", 0.5), leaf("quality", "lt", 0.501)],
        [leaf("attributes.weight", "lt", 1.5), leaf("attributes.weight", "gte", 1.5)],
        [leaf("published_at", "lt", 5), leaf("published_at", "gt", 4)],
        [leaf("published_at", "within", "-1h"), no(leaf("published_at", "within", "-24h"))],
        [leaf("category", "eq", ["数码"]), leaf("category", "prefix", ["数码", "手机"])],
        [leaf("category", "prefix", ["数码", "手机"]), leaf("category", "prefix", ["数码", "相机"])],
        [leaf("category", "prefix", ["数码", "手机"]), no(leaf("category", "prefix", ["数码"]))],
        [leaf("category", "in", [["数码", "手机"]]), no(leaf("category", "prefix", ["数码"]))],
        [TAGGED, no(TAGGED)],
        [leaf("tags", "has_any", ["a", "b"]), no(leaf("tags", "has", "a")), no(leaf("tags", "has_any", ["b", "c"]))],
        [leaf("tags", "has_any", ["a", "b"]), no(leaf("tags", "has_all", ["a"])), no(leaf("tags", "has", "b"))],
        [leaf("tags", "has_all", ["a", "b", "c"]), no(leaf("tags", "has_all", ["a", "c"]))],
        [{"any": [APPLE, CHEAP]}, no({"any": [APPLE, CHEAP]})],
        [{"any": [{"all": [APPLE, CHEAP]}, TAGGED]}, no({"any": [{"all": [APPLE, CHEAP]}, TAGGED]})],
        [{"all": [APPLE, CHEAP]}, {"all": [TAGGED, no(APPLE)]}],
    ],
)
def test_conditions_that_never_hold_together_are_contradictory(parts: list[object]) -> None:
    assert told({"all": parts}) == [("matches_nothing", "$"), ("contradictory", "$")]
    assert told({"any": [CHEAP, {"all": parts}]}) == [("contradictory", "$.any[1]")]
    assert told({"any": [no(part) for part in parts]}) == [("matches_everything", "$")]


@pytest.mark.parametrize(
    "parts",
    [
        [leaf("brand", "in", ["apple", "vivo"]), no(APPLE)],
        [TAGGED, leaf("tags", "has", "old")],
        [leaf("tags", "has_any", ["new", "old"]), no(TAGGED)],
        [TAGGED, no(leaf("tags", "has_all", ["new", "old"]))],
        [leaf("title_words", "contains_any", ["new"]), no(TAGGED)],
        [no(CHEAP), no(leaf("price_cents", "gte", 1_000))],
        [leaf("category", "prefix", ["数码"]), no(leaf("category", "prefix", ["数码", "手机"]))],
        [leaf("category", "prefix", ["数码"]), leaf("category", "prefix", ["数码", "手机"])],
        [leaf("published_at", "within", "-24h"), leaf("published_at", "within", "+1h")],
        [leaf("published_at", "within", "-24h"), leaf("published_at", "lt", 0)],
        [leaf("quality", "gte", 0.5), leaf("quality", "lte", 0.5)],
    ],
)
def test_conditions_that_some_item_meets_are_not_called_contradictory(parts: list[object]) -> None:
    assert told({"all": parts}) == []


def test_a_range_that_holds_no_value_is_contradictory_on_its_own() -> None:
    assert told(leaf("price_cents", "between", [9, 1])) == [("matches_nothing", "$"), ("contradictory", "$")]
    assert told({"any": [APPLE, leaf("quality", "lt", 0)]}) == [("contradictory", "$.any[1]")]
    assert told(leaf("price_cents", "lt", -(2**63))) == [("matches_nothing", "$"), ("contradictory", "$")]


def test_one_of_two_opposites_always_holds_but_an_item_without_the_field_is_in_neither_range() -> None:
    assert told({"any": [APPLE, TAGGED, no(TAGGED)]}) == [("matches_everything", "$")]
    assert told({"all": [CHEAP, {"any": [APPLE, no(APPLE)]}]}) == [("matches_everything", "$.all[1]")]
    assert told({"any": [CHEAP, leaf("price_cents", "gte", 1_000)]}) == []


def test_each_warning_says_what_is_meant() -> None:
    whole, part = warnings(parse_rule({"all": [APPLE, no(APPLE)]}, ATTRIBUTES))
    assert whole.message == "the rule holds for no item"
    assert part.message == "these conditions never hold together: no value of `brand` fits"
