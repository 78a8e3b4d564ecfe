"""Compiles a rule into an Elasticsearch filter over the documents of listed items.

In: a rule and now. Out: a query of typed clauses, in which no text of a rule is ever parsed.

Elasticsearch counts how deep a query nests and takes 30 by default, where a rule may nest 32 deep. An `any` inside an `all` costs
no level: both fit one `bool`, whose `filter` must hold and of whose `should` one must. Of several, the deepest goes there.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

from smallpool_core.fields import FieldKind
from smallpool_core.rules import AllOf, AnyOf, Expression, Leaf, Not, Rule
from smallpool_core.rules.expression import numbers_of, texts_of
from smallpool_core.rules.normal import negation_normal
from smallpool_core.rules.ranges import bounds
from smallpool_core.rules.values import offset_ms
from smallpool_stores.elasticsearch.names import CATEGORY_WITHIN, MAX_MEMBERS, key, stored_name

Filter = dict[str, Any]
"""A query of which only matters whether it matches."""

MATCH_ALL: Filter = {"match_all": {}}
MATCH_NONE: Filter = {"match_none": {}}
_KEPT = 512
_TEXT_KINDS = frozenset({FieldKind.KEYWORD, FieldKind.ID, FieldKind.WORDS, FieldKind.KEYWORDS, FieldKind.PATH})


def to_filter(rule: Rule, now: int) -> Filter:
    """The rule at `now` (epoch ms) as a filter; the last few hundred that do not depend on now are kept."""
    return _filter(_normal(rule), now)[0] if rule.is_timed else _steady(rule)


@lru_cache(maxsize=_KEPT)
def _normal(rule: Rule) -> Expression:
    return negation_normal(rule.expression)


@lru_cache(maxsize=_KEPT)
def _steady(rule: Rule) -> Filter:
    return _filter(_normal(rule), 0)[0]


Deep = tuple[Filter, int]
"""A filter, and how many levels it nests."""


def _filter(normal: Expression, now: int) -> Deep:
    match normal:
        case Leaf():
            return _leaf(normal, now)
        case Not():
            inner, depth = _leaf(cast("Leaf", normal.part), now)
            return {"bool": {"must_not": [inner]}}, depth + 1
        case AnyOf():
            return _any([_filter(part, now) for part in normal.parts])
        case AllOf():
            return _all(normal, now)


def _any(parts: Sequence[Deep]) -> Deep:
    if not parts:
        return MATCH_NONE, 1
    return {"bool": {"should": [part for part, _ in parts], "minimum_should_match": 1}}, 1 + _deepest(parts)


def _all(group: AllOf, now: int) -> Deep:
    if not group.parts:
        return MATCH_ALL, 1
    must_not = [_leaf(cast("Leaf", part.part), now) for part in group.parts if isinstance(part, Not)]
    leaves = [_leaf(part, now) for part in group.parts if isinstance(part, Leaf)]
    choices = sorted(([_filter(one, now) for one in part.parts] for part in group.parts if isinstance(part, AnyOf)), key=_deepest)
    joined = choices.pop() if choices else []
    held = [*leaves, *(_any(choice) for choice in choices)]
    clauses: Filter = {}
    if held:
        clauses["filter"] = [one for one, _ in held]
    if must_not:
        clauses["must_not"] = [one for one, _ in must_not]
    if joined:
        clauses |= {"should": [one for one, _ in joined], "minimum_should_match": 1}
    return {"bool": clauses}, 1 + _deepest([*held, *must_not, *joined])


def _deepest(parts: Sequence[Deep]) -> int:
    return max((depth for _, depth in parts), default=0)


def _leaf(leaf: Leaf, now: int) -> Deep:
    name = stored_name(leaf.field)
    match leaf.op:
        case "prefix":
            return {"term": {CATEGORY_WITHIN: key(texts_of(leaf)[0])}}, 1
        case "has_all":
            return _every(name, texts_of(leaf))
        case "eq" | "in" | "has" | "has_any" | "contains_any":
            return _some(name, _stored(leaf)), 1
        case "within":
            offset = offset_ms(texts_of(leaf)[0])
            return _range(name, now + min(offset, 0), now + max(offset, 0)), 1
        case _:
            return _range(name, *bounds(leaf)), 1


def _stored(leaf: Leaf) -> list[str | int | float]:
    if leaf.kind in _TEXT_KINDS:
        return [key(text) for text in texts_of(leaf)]
    # Adding 0 makes -0.0 what 0.0 is, which Elasticsearch would tell apart.
    return [number + 0 for number in numbers_of(leaf)]


def _some(name: str, values: list[str | int | float]) -> Filter:
    return {"term": {name: values[0]}} if len(values) == 1 else {"terms": {name: values}}


def _every(name: str, members: Sequence[str]) -> Deep:
    if len(members) > MAX_MEMBERS:
        return MATCH_NONE, 1
    return {"bool": {"filter": [{"term": {name: key(member)}} for member in members]}}, 2


def _range(name: str, low: float, high: float) -> Filter:
    """Both ends included; an infinite one is left open."""
    if low > high:
        return MATCH_NONE
    ends = {"gte": low, "lte": high}
    return {"range": {name: {end: value + 0 for end, value in ends.items() if not math.isinf(value)}}}
