"""Hypothesis strategies for rules and wide items that meet often: both draw from the same few values.

Rules come as the JSON values an operator would send, over FIELDS and ATTRIBUTES; items lack fields, hold awkward text and, in
attributes, values of the wrong type. NOWS are the instants around which times lie.
"""

from functools import cache
from typing import Any

from hypothesis import strategies as st

from smallpool_core.fields import FIELDS, Attributes, Field, FieldKind
from smallpool_core.items import THOUSAND, WideItem
from smallpool_core.normalise import PATH_SEPARATOR, normalise
from smallpool_core.rules import Rule, parse_rule
from smallpool_core.selection import Selection, effective_rule

ATTRIBUTES = Attributes(types={"colour": "keyword", "weight": "number", 'odd "name" 50%\\': "keyword"})
HOUR_MS = 3_600_000
NOW = 1_760_000_000_000
NOWS = (NOW - 25 * HOUR_MS, NOW - HOUR_MS, NOW, NOW + 1, NOW + HOUR_MS, NOW + 30 * HOUR_MS)

TEXTS = ("apple", "Ａpple", "苹果", "手机", 'quo"te', "back\\slash", "50%_off", "é", "👍", "'; drop")
PATHS = (("数码",), ("数码", "手机"), ("数码", "手机", "苹果"), ("数码", "手"), ("文玩", "手串"))
INTEGERS = (0, 1, 2, 5, 999, 1_000, 100_000, -1, 2**63 - 1, -(2**63))
NUMBERS: tuple[float, ...] = (0, 0.0, -0.0, 1, 1.5, 0.1, -2.75, 2**53, 2.0**53 + 2, 1e300, 5e-324, -1e-300)
TIMES = (*NOWS, NOW - 24 * HOUR_MS, NOW - 24 * HOUR_MS - 1, NOW - 1, NOW + HOUR_MS + 1, 0)
OFFSETS = ("-24h", "+1h", "-1d", "+0s", "-3600s", "+90m", "-366d", "+2d")

_WORDS = ("field", "op", "value", "all", "any", "not", "eq", "in", "has", "between", "within", "prefix", "-24h")
_REFUSED = ("\ud800", "\x1f", "", "a›b", 10**400, 2**63, -0.5, 0.12345)
_LISTING = ("in", "contains_any", "has_any", "has_all")


def rule_values(*, timed: bool = True, max_leaves: int = 12) -> st.SearchStrategy[dict[str, Any]]:
    """Rules as JSON values, all of which parse with ATTRIBUTES; without `timed`, none depends on now.

    All rules of one example are about the same few fields, so that their leaves meet, agree and contradict each other.
    """
    few = st.shared(st.lists(st.sampled_from(_fields()), min_size=1, max_size=3), key="fields of rules")
    leaves = few.flatmap(st.sampled_from).flatmap(lambda field: _leaves(field, timed))
    return st.recursive(leaves, _groups, max_leaves=max_leaves)


def selections() -> st.SearchStrategy[Selection]:
    """Lists of a pool, most of them empty, of entries that items have."""
    entries = st.lists(st.sampled_from(TEXTS), max_size=3).map(tuple)
    return st.builds(Selection, include=entries, ban_items=entries, ban_sellers=entries, ban_words=entries)


def effective_rules() -> st.SearchStrategy[Rule]:
    """What pools hold: rules with the lists that go with them."""
    rules = rule_values().map(lambda value: parse_rule(value, ATTRIBUTES))
    return st.builds(effective_rule, rules, st.just(Selection()) | selections(), st.just(ATTRIBUTES))


def items() -> st.SearchStrategy[WideItem]:
    """Wide items in any state, each field now and then missing."""
    texts = st.sampled_from([normalise(text) for text in TEXTS])
    fields: dict[str, st.SearchStrategy[Any]] = {name: _item_values(field, texts) for name, field in FIELDS.items()}
    fields["item_id"] = st.sampled_from(TEXTS)
    fields["attributes"] = st.fixed_dictionaries({}, optional=dict.fromkeys(ATTRIBUTES.types, _attribute_values(texts)))
    return st.builds(WideItem, version=st.just(1), enrich=st.just(0), state=st.just("on_sale"), **fields)


def json_values() -> st.SearchStrategy[Any]:
    """Any JSON value, rich in the words of the rule language and in things that it refuses."""
    words = st.sampled_from([*FIELDS, "attributes.colour", "attributes.none", *_WORDS])
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(_REFUSED) | words
    leaves = st.fixed_dictionaries({"field": words, "op": words, "value": scalars | st.lists(scalars, max_size=3)})
    keys = words | st.text(max_size=3)
    return st.recursive(
        scalars | leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=20,
    )


def _fields() -> list[Field]:
    declared = [ATTRIBUTES.field(f"attributes.{name}") for name in ATTRIBUTES.types]
    return [*FIELDS.values(), *(field for field in declared if field is not None)]


def _groups(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: {"all": parts}),
        st.lists(inner, max_size=4).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    )


@cache
def _leaves(field: Field, timed: bool) -> st.SearchStrategy[dict[str, Any]]:
    ops = [op for op in field.operators if timed or op != "within"]
    return st.sampled_from(ops).flatmap(
        lambda op: st.fixed_dictionaries({"field": st.just(field.name), "op": st.just(op), "value": _rule_value(field, op)})
    )


def _rule_value(field: Field, op: str) -> st.SearchStrategy[Any]:
    one = _rule_scalar(field)
    if op == "within":
        return st.sampled_from(OFFSETS)
    if op == "between":
        return st.lists(one, min_size=2, max_size=2)
    # Ten values are more than the SQL compiler writes out, so both of its forms come up.
    return st.lists(one, min_size=1, max_size=10) if op in _LISTING else one


def _rule_scalar(field: Field) -> st.SearchStrategy[Any]:
    match field.kind:
        case FieldKind.PATH:
            return st.sampled_from(PATHS).map(list)
        case FieldKind.INTEGER:
            return st.sampled_from(INTEGERS) | st.integers(-10, 2_000)
        case FieldKind.TIME:
            return st.sampled_from(TIMES)
        case FieldKind.THOUSANDTHS:
            return st.integers(0, THOUSAND).map(lambda thousandths: thousandths / THOUSAND)
        case FieldKind.NUMBER:
            return st.sampled_from(NUMBERS) | st.floats(allow_nan=False, allow_infinity=False)
        case _:
            return st.sampled_from(field.choices or TEXTS)


def _item_values(field: Field, texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    if field.kind in (FieldKind.WORDS, FieldKind.KEYWORDS):
        return st.lists(texts | st.just("split\x1fapple"), max_size=4).map(tuple)
    if field.kind is FieldKind.PATH:
        return st.just("") | st.sampled_from(PATHS).map(PATH_SEPARATOR.join)
    of_kind: dict[FieldKind, st.SearchStrategy[Any]] = {
        FieldKind.INTEGER: st.sampled_from(INTEGERS) | st.integers(-10, 2_000),
        FieldKind.TIME: st.sampled_from(TIMES),
        FieldKind.THOUSANDTHS: st.integers(0, THOUSAND),
        FieldKind.ID: st.sampled_from(TEXTS),
        FieldKind.KEYWORD: st.sampled_from(field.choices) if field.choices else texts,
    }
    return st.none() | of_kind[field.kind]


def _attribute_values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    numbers = st.sampled_from([*NUMBERS, float("nan"), float("inf"), 10**400, 2**53 + 1])
    return texts | st.just("cut\0short") | numbers | st.floats() | st.booleans()
