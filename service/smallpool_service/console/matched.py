"""Why an item is in a preview: the conditions that let it in, or those that it fails.

In: a rule, items, a time. Out: cards with short reasons in the operator's language.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from smallpool_core.items import WideItem
from smallpool_core.rules import AllOf, AnyOf, Expression, Leaf, Not, Rule, matches
from smallpool_core.rules.failing import failing
from smallpool_service.console.outline import rule_lines
from smallpool_service.console.words import Words

MOST: Final = 4


class Card(Struct, frozen=True):
    """One item of a sample, and why it is there."""

    item: WideItem
    reasons: list[str]


def let_in(t: Words, rule: Rule, items: Iterable[WideItem], now: int) -> list[Card]:
    """Items that the rule holds for, each with the conditions that it meets."""
    return [Card(item, _first([in_one_line(t, Rule.of(part).json) for part in met(rule.expression, item, now)])) for item in items]


def kept_out(t: Words, rule: Rule, items: Iterable[WideItem], now: int) -> list[Card]:
    """Items that the rule does not hold for, each with the conditions that it fails."""
    return [Card(item, _first([in_one_line(t, one.condition) for one in failing(rule, item, now)])) for item in items]


def met(expression: Expression, item: WideItem, now: int) -> Iterator[Expression]:
    """The conditions by which an expression that holds does so; of an `any` those alternatives that hold, and a `not` is one condition."""
    match expression:
        case AllOf():
            for part in expression.parts:
                yield from met(part, item, now)
        case AnyOf():
            for part in expression.parts:
                if matches(Rule.of(part), item, now):
                    yield from met(part, item, now)
        case Leaf() | Not():
            yield expression


def in_one_line(t: Words, condition: Mapping[str, Any]) -> str:
    """A condition, or a group of them, as short as people say it."""
    head, *parts = [line.strip() for line in rule_lines(t, condition)]
    return f"{head}: {' / '.join(parts)}" if parts else head


def _first(reasons: list[str]) -> list[str]:
    return reasons if len(reasons) <= MOST else [*reasons[: MOST - 1], f"+{len(reasons) - MOST + 1}"]
