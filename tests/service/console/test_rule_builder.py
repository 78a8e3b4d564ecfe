"""The rule builder: what a form means as a rule, what a rule looks like as a form, and where mistakes are shown."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console_rig import VOCABULARY, Desk
from smallpool_core.fields import FIELDS, OPERATORS, Attributes, field_named
from smallpool_core.pools import DIMENSIONS
from smallpool_core.rules import parse_rule
from smallpool_service.console.editing import edited
from smallpool_service.console.editors import Untyped, raw_of, value_of
from smallpool_service.console.forms import Form
from smallpool_service.console.tree import Node, tree_from, tree_of, written
from smallpool_service.console.vocabulary import Vocabulary
from smallpool_service.console.words import load_words
from strategies import ATTRIBUTES, rule_values

NONE = Attributes({})
DECLARED = Vocabulary(ATTRIBUTES)


def leaf(field: str = "brand", op: str = "eq", value: Any = "apple") -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def form_of(root: Node) -> Form:
    """The fields that a browser would send of the builder."""
    pairs: list[tuple[str, str]] = []
    for node in root.walk():
        if node.mode is not None:
            pairs.append((f"{node.node_id}:mode", node.mode))
        else:
            pairs += [(f"{node.node_id}:field", node.name), (f"{node.node_id}:op", node.op)]
            pairs += [(f"{node.node_id}:{part}", text) for part, texts in node.raw.items() for text in texts]
    return Form(pairs)


@settings(max_examples=60)
@given(rule_values())
def test_a_rule_that_goes_through_the_form_is_the_rule_that_it_was(rule: dict[str, Any]) -> None:
    stored = parse_rule(rule, ATTRIBUTES).json
    again = parse_rule(written(tree_from(form_of(tree_of(stored, DECLARED))), DECLARED).rule, ATTRIBUTES).json
    assert normal(again) in (normal(stored), {"all": [normal(stored)]})


def normal(rule: Any) -> Any:
    """A form of rules in which those that the builder may exchange are equal."""
    match rule:
        case {"all": [*parts]}:
            return {"all": [normal(part) for part in parts]}
        case {"any": [*parts]}:
            return {"any": [normal(part) for part in parts]}
        case {"not": {"any": [only]}}:
            return normal({"not": only})
        case {"not": part}:
            return {"not": normal(part)}
        case _:
            return rule


@pytest.mark.parametrize(
    ("field", "op", "raw", "value"),
    [
        ("price_cents", "lte", {"v": ["99.90"]}, 9_990),
        ("price_cents", "eq", {"v": ["¥1,280"]}, 128_000),
        ("price_cents", "between", {"low": ["1"], "high": ["2.5"]}, [100, 250]),
        ("category", "prefix", {"v": ["数码 > 手机"]}, ["数码", "手机"]),
        ("category", "in", {"v": ["数码 › 手机", "", "文玩"]}, [["数码", "手机"], ["文玩"]]),
        ("brand", "in", {"v": ["apple", " ", "huawei"]}, ["apple", "huawei"]),
        ("quality", "gte", {"v": ["0.85"]}, 0.85),
        ("expires_at", "within", {"sign": ["+"], "count": ["3"], "unit": ["h"]}, "+3h"),
        ("published_at", "gt", {"v": ["2026-01-01T08:00:00"]}, 1_767_225_600_000),
        ("sale", "in", {"v": ["auction", "free"]}, ["auction", "free"]),
    ],
)
def test_what_is_typed_means_this_value(field: str, op: Any, raw: dict[str, list[str]], value: Any) -> None:
    known = field_named(field, NONE)
    assert known is not None
    assert value_of(known, op, raw) == value
    assert value_of(known, op, raw_of(known, op, value)) == value


@pytest.mark.parametrize("text", ["abc", "1.234", "1e99", "NaN", "∞", ""])
def test_a_price_that_is_none_is_refused(text: str) -> None:
    known = field_named("price_cents", NONE)
    assert known is not None
    with pytest.raises(Untyped):
        value_of(known, "eq", {"v": [text]})


def test_acts_change_the_tree_and_say_where_the_focus_goes() -> None:
    root = tree_of({"all": [leaf()]}, VOCABULARY)
    assert edited(root, "add-leaf:r", VOCABULARY) == "r-1"
    assert edited(root, "nest:r-0", VOCABULARY) == "r-0-0"
    assert edited(root, "add-group:r-0", VOCABULARY) == "r-0-1-0"
    assert edited(root, "remove:r-1", VOCABULARY) == "r-0"
    assert [node.node_id for node in root.walk()] == ["r", "r-0", "r-0-0", "r-0-1", "r-0-1-0"]
    for senseless in ("", "remove:r", "add-leaf:r-9", "nest:r", "explode:r-0", "add-leaf:r-0-0"):
        assert edited(root, senseless, VOCABULARY) == ""


def test_another_field_brings_an_operator_that_it_has_and_forgets_what_was_typed() -> None:
    root = tree_of({"all": [leaf()]}, VOCABULARY)
    root.parts[0].name = "quality"
    edited(root, "change:r-0", VOCABULARY)
    assert (root.parts[0].op, root.parts[0].raw) == ("gte", {"v": []})


@settings(max_examples=60)
@given(st.lists(st.tuples(st.text("r-0123:mvfieldop ", max_size=12), st.text(max_size=5)), max_size=20))
def test_no_form_whatever_breaks_the_builder(pairs: list[tuple[str, str]]) -> None:
    written(tree_from(Form(pairs)), VOCABULARY)


def test_a_mistake_stands_at_its_condition_with_the_path_of_the_api(desk: Desk) -> None:
    desk.log_in()
    fields = {"r:mode": "all", "r-0:mode": "none", "r-0-0:field": "brand", "r-0-0:op": "eq", "r-0-0:v": "a\x01"}
    text = desk.form("/console/rule/preview", fields).text
    beside = text.partition('id="r-0-0-errors"')[2].partition("</div>")[0]
    assert "rule.all[0].not.value" in beside
    refused = desk.api.post("/v1/pools/preview", {"rule": {"all": [{"not": leaf(value="a\x01")}]}}).json()
    assert [one["path"] for one in refused["errors"]] == ["rule.all[0].not.value"]


def test_a_condition_without_a_value_is_left_out_of_the_preview_and_refused_when_saved(desk: Desk) -> None:
    desk.api.publish({"item_id": "i1"})
    desk.log_in()
    fields = {"r:mode": "all", "r-0:field": "brand", "r-0:op": "eq", "r-0:v": ""}
    assert 'id="tally">1<' in desk.form("/console/rule/preview", fields).text
    saved = desk.form("/console/new-pool", fields | {"pool_id": "n", "name": "n", "state": "live", "reason": "x"})
    assert saved.status_code == 422
    assert "rule.all[0].value" in saved.text


def test_the_catalogues_of_both_languages_have_the_same_keys_and_the_same_values_in_them() -> None:
    chinese, english = load_words()["zh"], load_words()["en"]
    assert chinese.keys() == english.keys()
    for key in sorted(chinese.keys()):
        assert sorted(re.findall(r"{(\w+)}", chinese._sentences[key])) == sorted(re.findall(r"{(\w+)}", english._sentences[key])), key


def test_every_field_operator_and_dimension_has_a_name_in_every_language() -> None:
    wanted = {f"field.{name}" for name in FIELDS} | {f"op.{op}" for ops in OPERATORS.values() for op in ops}
    wanted |= {f"dimension.{name}" for name in DIMENSIONS}
    for words in load_words().values():
        assert wanted <= words.keys()
