"""Compiles a rule into a predicate made of closures, for one item at a time.

In: a rule. Out: `predicate(item, now) -> bool`, with no evaluation of text anywhere.
"""

from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter

from smallpool_core.fields import ATTRIBUTE_PREFIX, FieldKind
from smallpool_core.items import WideItem
from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.rules.expression import AllOf, AnyOf, Expression, Leaf, Not, Rule, texts_of, values_of
from smallpool_core.rules.ranges import bounds, number_of
from smallpool_core.rules.values import offset_ms

Predicate = Callable[[WideItem, int], bool]
_KEPT = 4096


def matches(rule: Rule, item: WideItem, now: int) -> bool:
    """Whether the rule holds for the item at `now` (epoch ms)."""
    return compiled(rule)(item, now)


@lru_cache(maxsize=_KEPT)
def compiled(rule: Rule) -> Predicate:
    """The rule as a predicate of an item and now (epoch ms); the last few thousand are kept."""
    return predicate(rule.expression)


def predicate(expression: Expression) -> Predicate:
    """The expression as a predicate of an item and now."""
    match expression:
        case Leaf():
            return _leaf(expression)
        case Not():
            inner = predicate(expression.part)
            return lambda item, now: not inner(item, now)
        case AllOf():
            return _all([predicate(part) for part in expression.parts])
        case AnyOf():
            return _any([predicate(part) for part in expression.parts])


def _all(parts: list[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        # The commonest group, without the loop.
        first, second = parts
        return lambda item, now: first(item, now) and second(item, now)

    def every(item: WideItem, now: int) -> bool:
        for part in parts:  # noqa: SIM110 - all() of a generator takes half as long again
            if not part(item, now):
                return False
        return True

    return every


def _any(parts: list[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]

    def some(item: WideItem, now: int) -> bool:
        for part in parts:  # noqa: SIM110 - any() of a generator takes half as long again
            if part(item, now):
                return True
        return False

    return some


def reader(field: str, kind: FieldKind) -> Callable[[WideItem], object]:
    """Reads a field from an item; None where it is missing or, for an attribute, of the wrong type."""
    if not field.startswith(ATTRIBUTE_PREFIX):
        return attrgetter(field)
    name = field.removeprefix(ATTRIBUTE_PREFIX)
    if kind is FieldKind.NUMBER:
        return lambda item: number_of(item.attributes.get(name))

    def text(item: WideItem) -> str | None:
        value = item.attributes.get(name)
        return value if type(value) is str else None

    return text


def prefixes(path: str) -> list[str]:
    """The path key itself and those above it, from the top."""
    ends = [place for place, character in enumerate(path) if character == PATH_SEPARATOR]
    return [path[:end] for end in ends] + [path]


def _leaf(leaf: Leaf) -> Predicate:
    match leaf.op:
        case "eq" | "in":
            return _one_of(leaf)
        case "prefix":
            return _prefix(texts_of(leaf)[0])
        case "contains_any" | "has_any" | "has" | "has_all":
            return _set(leaf)
        case "within":
            return _within(leaf)
        case "lt" | "lte" | "gt" | "gte" | "between":
            return _range(leaf)


def _one_of(leaf: Leaf) -> Predicate:
    read = reader(leaf.field, leaf.kind)
    if leaf.op == "eq":
        value = leaf.value
        return lambda item, _: read(item) == value
    values = frozenset(values_of(leaf))
    return lambda item, _: read(item) in values


def _prefix(key: str) -> Predicate:
    below = key + PATH_SEPARATOR
    return lambda item, _: item.category == key or item.category.startswith(below)


def _set(leaf: Leaf) -> Predicate:
    read: Callable[[WideItem], tuple[str, ...]] = attrgetter(leaf.field)
    values = frozenset(texts_of(leaf))
    if leaf.op == "has_all":
        return lambda item, _: values.issubset(read(item))
    if len(values) == 1:
        (value,) = values
        return lambda item, _: value in read(item)
    return lambda item, _: not values.isdisjoint(read(item))


def _range(leaf: Leaf) -> Predicate:
    read: Callable[[WideItem], float | None] = reader(leaf.field, leaf.kind)  # type: ignore[assignment]
    low, high = bounds(leaf)

    def between(item: WideItem, _: int) -> bool:
        value = read(item)
        return value is not None and low <= value <= high

    return between


def _within(leaf: Leaf) -> Predicate:
    read: Callable[[WideItem], int | None] = attrgetter(leaf.field)
    offset = offset_ms(texts_of(leaf)[0])
    back, ahead = min(offset, 0), max(offset, 0)

    def near(item: WideItem, now: int) -> bool:
        at = read(item)
        return at is not None and now + back <= at <= now + ahead

    return near
