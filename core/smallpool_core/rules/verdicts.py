"""Says of a rule, without any item, where it can never hold, always holds or contradicts itself.

In: a rule. Out: warnings with their paths. A verdict is certain, never a guess; that there is none promises nothing. Saving never
refuses a rule for what it matches: these are what the operator is told.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from smallpool_core.fields import FieldKind
from smallpool_core.items import THOUSAND
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.rules.expression import (
    INT64_MAX,
    INT64_MIN,
    AllOf,
    AnyOf,
    Expression,
    Leaf,
    Not,
    Rule,
    numbers_of,
    texts_of,
)
from smallpool_core.rules.normal import negation_normal
from smallpool_core.rules.ranges import Spans, bounds, complement, intersection, merged, ordered
from smallpool_core.rules.values import offset_ms

WarningCode = Literal["matches_everything", "matches_nothing", "contradictory"]


class RuleWarning(Struct, frozen=True):
    """What an operator is told of a rule: `path` is the part of the rule that it is about, `$` the whole of it."""

    code: WarningCode
    path: str
    message: str


def warnings(rule: Rule) -> tuple[RuleWarning, ...]:
    """What is certain of the rule whatever the items are: the whole first, then its parts in reading order.

    A part that contradicts itself is `contradictory`; a part that holds always or never for another reason (an empty group,
    `x` or not `x`) is named with the code of what it matches.
    """
    found: list[RuleWarning] = []
    verdict = _verdict(rule.expression, "$", found)
    if verdict is None:
        return tuple(found)
    whole = (
        RuleWarning("matches_everything", "$", "the rule holds for every item")
        if verdict
        else RuleWarning("matches_nothing", "$", "the rule holds for no item")
    )
    return (whole, *(warning for warning in found if (warning.code, warning.path) != (whole.code, "$")))


def _verdict(expression: Expression, path: str, found: list[RuleWarning]) -> bool | None:
    """True or False where the expression always or never holds, else None; notes why in `found`."""
    match expression:
        case Leaf():
            if _conflict([expression]) is None:
                return None
            found.append(RuleWarning("contradictory", path, f"no value of `{expression.field}` lies in this range"))
            return False
        case Not():
            verdict = _verdict(expression.part, f"{path}.not", found)
            return None if verdict is None else not verdict
        case AllOf():
            return _all_verdict(expression, path, found)
        case AnyOf():
            return _any_verdict(expression, path, found)


def _all_verdict(expression: AllOf, path: str, found: list[RuleWarning]) -> bool | None:
    verdicts = [_verdict(part, f"{path}.all[{place}]", found) for place, part in enumerate(expression.parts)]
    if False in verdicts:
        return False
    if None not in verdicts:
        if not verdicts:
            found.append(RuleWarning("matches_everything", path, "an empty `all` holds for every item"))
        return True
    reason = _contradiction(negation_normal(expression))
    if reason is None:
        return None
    found.append(RuleWarning("contradictory", path, f"these conditions never hold together: {reason}"))
    return False


def _any_verdict(expression: AnyOf, path: str, found: list[RuleWarning]) -> bool | None:
    verdicts = [_verdict(part, f"{path}.any[{place}]", found) for place, part in enumerate(expression.parts)]
    if True in verdicts:
        return True
    if None not in verdicts:
        if not verdicts:
            found.append(RuleWarning("matches_nothing", path, "an empty `any` holds for no item"))
        return False
    reason = _contradiction(negation_normal(expression, negated=True))
    if reason is None:
        return None
    found.append(RuleWarning("matches_everything", path, f"one of these conditions always holds: {reason}"))
    return True


def _contradiction(normal: Expression) -> str | None:
    """Why a normal form never holds, as far as its literals and the alternatives they rule out show it."""
    parts = normal.parts if isinstance(normal, AllOf) else (normal,)
    reason = _conflict(part for part in parts if isinstance(part, (Leaf, Not)))
    if reason is not None:
        return reason
    there = set(parts)
    for part in parts:
        if isinstance(part, AnyOf) and all(negation_normal(one, negated=True) in there for one in part.parts):
            return "each alternative of one is ruled out by the others"
    return None


def _conflict(literals: Iterable[Expression]) -> str | None:
    """The field on which literals that must all hold leave no value."""
    wanted: dict[tuple[str, bool], list[Leaf]] = defaultdict(list)
    barred: dict[tuple[str, bool], list[Leaf]] = defaultdict(list)
    for literal in literals:
        if isinstance(literal, Leaf):
            wanted[literal.field, literal.op == "within"].append(literal)
        elif isinstance(literal, Not) and isinstance(literal.part, Leaf):
            barred[literal.part.field, literal.part.op == "within"].append(literal.part)
    # An item without the field satisfies every negated leaf, so only fields that must be there can conflict.
    for key, leaves in wanted.items():
        if not _is_possible(leaves, barred[key]):
            return f"no value of `{key[0]}` fits"
    return None


def _is_possible(wanted: list[Leaf], barred: list[Leaf]) -> bool:
    match wanted[0].kind:
        case FieldKind.WORDS | FieldKind.KEYWORDS:
            return _is_set_possible(wanted, barred)
        case FieldKind.KEYWORD | FieldKind.ID | FieldKind.PATH:
            return _is_text_possible(wanted, barred)
        case _:
            return _is_number_possible(wanted, barred)


def _is_set_possible(wanted: list[Leaf], barred: list[Leaf]) -> bool:
    needed = {text for leaf in wanted if leaf.op in ("has", "has_all") for text in texts_of(leaf)}
    excluded = {text for leaf in barred if leaf.op != "has_all" for text in texts_of(leaf)}
    excluded |= {texts_of(leaf)[0] for leaf in barred if len(texts_of(leaf)) == 1}
    return (
        needed.isdisjoint(excluded)
        and not any(excluded.issuperset(texts_of(leaf)) for leaf in wanted)
        and not any(needed.issuperset(texts_of(leaf)) for leaf in barred if leaf.op == "has_all")
    )


def _is_text_possible(wanted: list[Leaf], barred: list[Leaf]) -> bool:
    prefixes = [texts_of(leaf)[0] for leaf in wanted if leaf.op == "prefix"]
    sets = [set(texts_of(leaf)) for leaf in wanted if leaf.op != "prefix"]
    if not sets:
        deepest = max(prefixes, key=len)
        covered = any(leaf.op == "prefix" and _is_below(deepest, texts_of(leaf)[0]) for leaf in barred)
        return not covered and all(_is_below(deepest, prefix) for prefix in prefixes)
    return any(
        all(_is_below(text, prefix) for prefix in prefixes) and not any(_names(leaf, text) for leaf in barred)
        for text in set.intersection(*sets)
    )


def _names(leaf: Leaf, text: str) -> bool:
    return _is_below(text, texts_of(leaf)[0]) if leaf.op == "prefix" else text in texts_of(leaf)


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + PATH_SEPARATOR)


def _is_number_possible(wanted: list[Leaf], barred: list[Leaf]) -> bool:
    domain = (0, THOUSAND) if wanted[0].kind is FieldKind.THOUSANDTHS else (INT64_MIN, INT64_MAX)
    left: Spans = (domain,)
    for leaf in wanted:
        left = intersection(left, _spans(leaf))
    excluded = merged(span for leaf in barred for span in _spans(leaf))
    return bool(intersection(left, complement(excluded, (INT64_MIN, INT64_MAX))))


def _spans(leaf: Leaf) -> Spans:
    """The integers that the leaf allows: offsets from now in ms, floats by their order, all else as it stands."""
    if leaf.op == "within":
        offset = offset_ms(texts_of(leaf)[0])
        return ((min(offset, 0), max(offset, 0)),)
    ends = [(number, number) for number in numbers_of(leaf)] if leaf.op in ("eq", "in") else [bounds(leaf)]
    if leaf.kind is FieldKind.NUMBER:
        return merged((ordered(low), ordered(high)) for low, high in ends)
    return merged((int(low), int(high)) for low, high in ends)
