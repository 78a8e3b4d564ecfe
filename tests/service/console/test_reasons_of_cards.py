"""Why an item is in a preview, in words."""

from typing import Any

import pytest

from builders import NOW, wide_item
from smallpool_core.fields import Attributes
from smallpool_core.rules import Rule, parse_rule
from smallpool_service.console.matched import MOST, kept_out, let_in
from smallpool_service.console.words import load_words

WORDS = load_words()["en"]


def rule_of(rule: dict[str, Any]) -> Rule:
    return parse_rule(rule, Attributes({}))


def leaf(field: str, op: str, value: object) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


CHEAP, DEAR = leaf("price_cents", "lte", 100_000), leaf("price_cents", "gt", 100_000)
PHONES, SOLD_BY_S1 = leaf("category", "prefix", ["数码", "手机"]), leaf("seller_id", "eq", "s1")


def why(rule: dict[str, Any]) -> list[str]:
    """Why the phone for 1,000 yuan is in."""
    return let_in(WORDS, rule_of(rule), [wide_item()], NOW)[0].reasons


def why_not(rule: dict[str, Any]) -> list[str]:
    """Why it is out."""
    return kept_out(WORDS, rule_of(rule), [wide_item()], NOW)[0].reasons


def test_all_conditions_of_an_all_and_of_an_any_only_those_that_hold() -> None:
    phone, seller = why(PHONES)[0], why(SOLD_BY_S1)[0]
    assert why({"all": [PHONES, {"any": [DEAR, SOLD_BY_S1]}]}) == [phone, seller]


def test_what_must_not_hold_is_one_reason() -> None:
    [reason] = why({"not": {"any": [DEAR, leaf("seller_id", "eq", "s9")]}})
    assert reason.count(" / ") == 1
    assert "s9" in reason


@pytest.mark.parametrize("rule", [{"all": [PHONES, DEAR]}, DEAR, {"all": [{"any": [DEAR]}]}])
def test_an_item_that_is_out_is_told_what_it_fails_and_not_what_it_meets(rule: dict[str, Any]) -> None:
    assert why_not(rule) == why_not(DEAR)
    assert len(why_not(rule)) == 1


def test_of_many_reasons_the_first_are_told_and_the_others_counted() -> None:
    many = [leaf("seller_id", "in", ["s1", f"s{place + 2}"]) for place in range(MOST + 3)]
    reasons = why({"all": many})
    assert len(reasons) == MOST
    assert reasons[-1] == "+4"
    assert why({"all": []}) == []
