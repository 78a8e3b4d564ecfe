"""The typed tree that a rule is, and its one JSON form.

In: what `parse` has checked. Out: a frozen tree that every compiler of this package walks, and the JSON it is saved as.
"""

from typing import Self, cast

from msgspec import Struct

from smallpool_core.fields import FieldKind, Operator
from smallpool_core.items import THOUSAND
from smallpool_core.normalise import PATH_SEPARATOR

MAX_DEPTH = 32
"""A rule's expressions nest at most this deep; a single leaf is one deep."""
MAX_LEAVES = 1_000
"""A rule has at most this many leaves; an empty group counts as one."""
MAX_VALUES = 10_000
"""One leaf lists at most this many values."""
INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1

Scalar = str | int | float
Value = Scalar | tuple[Scalar, ...]


class Leaf(Struct, frozen=True, cache_hash=True, tag="leaf"):
    """One condition on one field; false wherever the item lacks the field.

    `value` is in stored form: keywords normalised, a path as its key, thousandths as integers, numbers as floats,
    times as epoch ms, `within` as text such as `"-24h"`. Operators that take several values hold a tuple.
    """

    field: str
    kind: FieldKind
    op: Operator
    value: Value


class Not(Struct, frozen=True, cache_hash=True, tag="not"):
    """The exact complement of `part`."""

    part: "Expression"


class AllOf(Struct, frozen=True, cache_hash=True, tag="all"):
    """Every part holds; with no parts it holds for every item."""

    parts: tuple["Expression", ...]


class AnyOf(Struct, frozen=True, cache_hash=True, tag="any"):
    """At least one part holds; with no parts it holds for no item."""

    parts: tuple["Expression", ...]


Expression = Leaf | Not | AllOf | AnyOf
EVERYTHING = AllOf(())
NOTHING = AnyOf(())


class Rule(Struct, frozen=True, cache_hash=True):
    """A checked rule. `is_timed` says whether it depends on now, that is, whether it has a `within` leaf."""

    expression: Expression
    is_timed: bool

    @classmethod
    def of(cls, expression: Expression) -> Self:
        """The rule that is this expression."""
        return cls(expression, is_timed(expression))

    @property
    def json(self) -> dict[str, object]:
        """The JSON values that parse back into this very rule: values normalised, scores as decimals, paths as lists."""
        return _json(self.expression)


def values_of(leaf: Leaf) -> tuple[Scalar, ...]:
    """The leaf's values, one or several."""
    return leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)


def texts_of(leaf: Leaf) -> tuple[str, ...]:
    """The values of a leaf on a field of text."""
    return cast("tuple[str, ...]", values_of(leaf))


def numbers_of(leaf: Leaf) -> tuple[int | float, ...]:
    """The values of a leaf on a field of numbers, times included, `within` excluded."""
    return cast("tuple[int | float, ...]", values_of(leaf))


def is_timed(expression: Expression) -> bool:
    """Whether a leaf that depends on now is in the expression."""
    match expression:
        case Leaf():
            return expression.op == "within"
        case Not():
            return is_timed(expression.part)
        case _:
            return any(is_timed(part) for part in expression.parts)


def _json(expression: Expression) -> dict[str, object]:
    match expression:
        case Leaf():
            value = expression.value
            shown = [_json_scalar(expression, one) for one in value] if isinstance(value, tuple) else _json_scalar(expression, value)
            return {"field": expression.field, "op": expression.op, "value": shown}
        case Not():
            return {"not": _json(expression.part)}
        case AllOf():
            return {"all": [_json(part) for part in expression.parts]}
        case AnyOf():
            return {"any": [_json(part) for part in expression.parts]}


def _json_scalar(leaf: Leaf, value: Scalar) -> object:
    if isinstance(value, str):
        return value.split(PATH_SEPARATOR) if leaf.kind is FieldKind.PATH else value
    if leaf.kind is FieldKind.THOUSANDTHS:
        return value / THOUSAND
    return value
