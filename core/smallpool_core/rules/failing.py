"""Says why a rule does not hold for an item: which conditions, where in the rule, and what the item has instead.

In: a rule, an item, a time. Out: the conditions that would have to change, in reading order; none if the rule holds.
"""

from datetime import UTC, datetime

from msgspec import Struct

from smallpool_core.fields import FieldKind
from smallpool_core.items import THOUSAND, WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.rules.expression import AllOf, AnyOf, Expression, Leaf, Not, Rule
from smallpool_core.rules.matcher import predicate, reader

END_OF_CALENDAR = 253_402_300_800_000
"""From here on (epoch ms) the calendar of Python has no date."""
MOST_TOLD = 20
"""Of a longer list of values it is told how many there are."""


class Failing(Struct, frozen=True):
    """One condition that fails: its path in the rule, its JSON, and the item's own value of the field as people read it (None
    if missing).

    For a `not` the condition is the whole of it: what is inside holds and must not.
    """

    path: str
    condition: dict[str, object]
    found: object

    def __str__(self) -> str:
        if "not" in self.condition:
            return f"{self.path}: what must not hold does"
        value = self.condition.get("value")
        listed = f"one of {len(value):,}" if isinstance(value, list) and len(value) > MOST_TOLD else value
        wanted = f"{self.condition.get('field')} {self.condition.get('op')} {listed}"
        return f"{self.path}: wants {wanted}, the item has {self.found}" if "field" in self.condition else f"{self.path}: holds for no item"


def failing(rule: Rule, item: WideItem, now: int) -> tuple[Failing, ...]:
    """The failing conditions at `now` (epoch ms). Of an `any` that fails all parts are given: one of them would do."""
    return _failing(rule.expression, item, now, "$")


def _failing(expression: Expression, item: WideItem, now: int, path: str) -> tuple[Failing, ...]:
    if predicate(expression)(item, now):
        return ()
    match expression:
        case Leaf():
            return (Failing(path, Rule.of(expression).json, _found(expression, item)),)
        case Not():
            return (Failing(path, Rule.of(expression).json, None),)
        case AllOf():
            return _of_parts(expression.parts, "all", item, now, path)
        case AnyOf():
            return _of_parts(expression.parts, "any", item, now, path) or (Failing(path, {"any": []}, None),)


def _of_parts(parts: tuple[Expression, ...], group: str, item: WideItem, now: int, path: str) -> tuple[Failing, ...]:
    return tuple(found for place, part in enumerate(parts) for found in _failing(part, item, now, f"{path}.{group}[{place}]"))


def _found(leaf: Leaf, item: WideItem) -> object:
    value = reader(leaf.field, leaf.kind)(item)
    match leaf.kind, value:
        case FieldKind.PATH, str():
            return value.split(PATH_SEPARATOR)
        case FieldKind.THOUSANDTHS, int():
            return value / THOUSAND
        case FieldKind.TIME, int() if 0 <= value < END_OF_CALENDAR:
            return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
        case _, tuple():
            return list(value)
        case _:
            return value
