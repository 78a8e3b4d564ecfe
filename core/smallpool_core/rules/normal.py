"""Negation normal form: `not` stands before leaves alone, groups alternate, and constants are folded away.

In: an expression. Out: an equivalent one of `AllOf`, `AnyOf`, `Leaf` and `Not(Leaf)` in which no group holds one of its own
kind, a group of one, or (unless it is the whole) an empty group.
"""

from collections.abc import Iterable

from smallpool_core.rules.expression import EVERYTHING, NOTHING, AllOf, AnyOf, Expression, Leaf, Not, values_of


def all_of(parts: Iterable[Expression]) -> Expression:
    """The conjunction, flattened and folded."""
    flat: list[Expression] = []
    for part in parts:
        if part == NOTHING:
            return NOTHING
        flat.extend(part.parts if isinstance(part, AllOf) else (part,))
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def any_of(parts: Iterable[Expression]) -> Expression:
    """The disjunction, flattened and folded."""
    flat: list[Expression] = []
    for part in parts:
        if part == EVERYTHING:
            return EVERYTHING
        flat.extend(part.parts if isinstance(part, AnyOf) else (part,))
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def negation_normal(expression: Expression, *, negated: bool = False) -> Expression:
    """The negation normal form of the expression, or of its complement where `negated`."""
    match expression:
        case Leaf():
            return Not(expression) if negated else expression
        case Not():
            return negation_normal(expression.part, negated=not negated)
        case AllOf():
            parts = (negation_normal(part, negated=negated) for part in expression.parts)
            return any_of(parts) if negated else all_of(parts)
        case AnyOf():
            parts = (negation_normal(part, negated=negated) for part in expression.parts)
            return all_of(parts) if negated else any_of(parts)


def without_time(normal: Expression) -> Expression:
    """A normal form with each `within` leaf, negated or not, set true: implied by the original at every now."""
    match normal:
        case Leaf():
            return EVERYTHING if normal.op == "within" else normal
        case Not():
            return EVERYTHING if isinstance(normal.part, Leaf) and normal.part.op == "within" else normal
        case AllOf():
            return all_of(without_time(part) for part in normal.parts)
        case AnyOf():
            return any_of(without_time(part) for part in normal.parts)


def spelled_out(normal: Expression) -> Expression:
    """A normal form with each `has_all` of several values as the conjunction of as many `has`."""
    match normal:
        case Leaf(op="has_all"):
            return all_of(Leaf(normal.field, normal.kind, "has", value) for value in values_of(normal))
        case Not(part=Leaf(op="has_all") as leaf):
            return any_of(Not(Leaf(leaf.field, leaf.kind, "has", value)) for value in values_of(leaf))
        case AllOf():
            return all_of(spelled_out(part) for part in normal.parts)
        case AnyOf():
            return any_of(spelled_out(part) for part in normal.parts)
        case _:
            return normal
