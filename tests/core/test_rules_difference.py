"""How two rules differ, condition by condition, wherever the conditions stand."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallpool_core.rules import rule_differences
from strategies import rule_values

Json = dict[str, Any]
CHEAP: Json = {"field": "price_cents", "op": "lte", "value": 500}
CHEAPER: Json = {"field": "price_cents", "op": "lte", "value": 100}
DEAR: Json = {"field": "price_cents", "op": "gt", "value": 900}
PHONES: Json = {"field": "category", "op": "prefix", "value": ["数码", "手机"]}
CITY: Json = {"field": "city", "op": "eq", "value": "杭州"}


def told(before: Json | None, after: Json | None) -> list[tuple[str, str, Json | None, Json | None]]:
    return [(one.change, one.path, one.before, one.after) for one in rule_differences(before, after)]


def test_a_condition_that_was_put_in_or_taken_out_is_the_only_difference() -> None:
    assert told({"all": [PHONES]}, {"all": [CHEAP, PHONES]}) == [("added", "$.all[0]", None, CHEAP)]
    assert told({"all": [CHEAP, PHONES]}, {"all": [PHONES]}) == [("removed", "$.all[0]", CHEAP, None)]


def test_another_value_of_a_field_is_a_change_of_its_condition() -> None:
    assert told({"all": [PHONES, CHEAP]}, {"all": [CHEAPER, PHONES]}) == [("changed", "$.all[0]", CHEAP, CHEAPER)]


def test_of_two_conditions_on_a_field_the_one_with_the_same_operator_is_the_one_that_changed() -> None:
    assert told({"any": [DEAR, CHEAP]}, {"any": [CHEAPER, DEAR]}) == [("changed", "$.any[0]", CHEAP, CHEAPER)]
    assert told({"any": [CHEAP]}, {"any": [DEAR]}) == [("changed", "$.any[0]", CHEAP, DEAR)]


def test_a_group_round_one_condition_is_no_difference() -> None:
    for one in ({"all": [PHONES]}, {"any": [PHONES]}, {"all": [{"any": [PHONES]}]}):
        assert told(PHONES, one) == told(one, PHONES) == []
    assert told(PHONES, {"all": [PHONES, CHEAP]}) == [("added", "$.all[1]", None, CHEAP)]
    assert told({"any": [PHONES, CHEAP]}, PHONES) == [("removed", "$.any[1]", CHEAP, None)]


def test_a_group_of_another_kind_is_given_whole() -> None:
    both, either = {"all": [PHONES, CHEAP]}, {"any": [PHONES, CHEAP]}
    assert told(both, either) == [("changed", "$", both, either)]
    assert told({"all": [CITY, either]}, {"all": [both, CITY]}) == [
        ("removed", "$.all[1].any[0]", PHONES, None),
        ("removed", "$.all[1].any[1]", CHEAP, None),
        ("added", "$.all[0].all[0]", None, PHONES),
        ("added", "$.all[0].all[1]", None, CHEAP),
    ]


def test_what_is_inside_a_group_or_a_not_is_compared_there() -> None:
    before = {"all": [{"any": [CITY, CHEAP]}, {"not": PHONES}]}
    after = {"all": [{"not": CITY}, {"any": [CHEAP, CITY, DEAR]}]}
    assert told(before, after) == [("changed", "$.all[0].not", PHONES, CITY), ("added", "$.all[1].any[2]", None, DEAR)]


def test_a_condition_that_is_turned_round_is_a_change() -> None:
    assert told(PHONES, {"not": PHONES}) == [("changed", "$", PHONES, {"not": PHONES})]


def test_without_one_of_the_rules_all_of_the_other_was_added_or_removed() -> None:
    rule = {"all": [CHEAP, {"not": {"any": [CITY]}}, {"any": []}]}
    leaves = [("$.all[0]", CHEAP), ("$.all[1].not.any[0]", CITY), ("$.all[2]", {"any": []})]
    assert told(None, rule) == [("added", path, None, leaf) for path, leaf in leaves]
    assert told(rule, None) == [("removed", path, leaf, None) for path, leaf in leaves]
    assert told(None, None) == []


@pytest.mark.parametrize(("before", "after"), [({"all": []}, CHEAP), ({"any": []}, CHEAP)])
def test_an_empty_group_has_nothing_that_was_removed(before: Json, after: Json) -> None:
    assert told(before, after) == [("added", "$", None, after)]


def shuffled(rule: Json, random: Random) -> Json:
    for kind in ("all", "any"):
        if kind in rule:
            return {kind: [shuffled(part, random) for part in random.sample(rule[kind], len(rule[kind]))]}
    return {"not": shuffled(rule["not"], random)} if "not" in rule else rule


@given(rule=rule_values(), random=st.randoms(use_true_random=False))
def test_the_order_of_conditions_means_nothing(rule: Json, random: Random) -> None:
    assert rule_differences(rule, shuffled(rule, random)) == []


@given(before=rule_values(), after=rule_values())
def test_there_and_back_the_same_conditions_come_and_go(before: Json, after: Json) -> None:
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    there = sorted((one.change, str(one.before), str(one.after)) for one in rule_differences(before, after))
    back = sorted((turned[one.change], str(one.after), str(one.before)) for one in rule_differences(after, before))
    assert there == back
