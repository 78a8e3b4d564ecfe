"""The largest size of a pool: by what its items are cut, and the cut-off up to which it holds them.

In: a field and a direction, such as `-quality` for the best first; a value. Out: the condition that an item within the cut-off meets.

An item without a value comes last. Items that tie at the cut-off stay in, so a pool may hold more than its size; where the cut-off
falls among items without a value, or at a score or time of nought, which counts as none, nothing is cut.
"""

from typing import Final, Literal, get_args

from msgspec import Struct

from smallpool_core.fields import FIELDS, FieldKind
from smallpool_core.items import THOUSAND, WideItem
from smallpool_core.rules import AllOf, Leaf, Rule, matches

CutBy = Literal["-quality", "-published_at", "price_cents", "-price_cents", "-seller_score"]
CUT_BYS: Final[tuple[CutBy, ...]] = get_args(CutBy)
MAX_SIZES: Final = (1, 1_000_000)
"""Smallest and largest `max_size`."""


def cut_field(by: CutBy) -> str:
    """The field that items are cut by."""
    return by.removeprefix("-")


def falls(by: CutBy) -> bool:
    """Whether large values come first."""
    return by.startswith("-")


class Cut(Struct, frozen=True):
    """Up to which value of a field a pool holds items, that value included; in stored form: thousandths, cents, ms."""

    by: CutBy
    value: int

    @property
    def rule(self) -> Rule:
        """The condition by itself. Times are whole, so one that is later than the ms before is at that ms or later."""
        field = FIELDS[cut_field(self.by)]
        if field.kind is FieldKind.TIME:
            return Rule.of(Leaf(field.name, field.kind, "gt", self.value - 1))
        return Rule.of(Leaf(field.name, field.kind, "gte" if falls(self.by) else "lte", self.value))

    def holds(self, item: WideItem) -> bool:
        """Whether the item is within it."""
        return matches(self.rule, item, 0)

    def __str__(self) -> str:
        value = self.value / THOUSAND if FIELDS[cut_field(self.by)].kind is FieldKind.THOUSANDTHS else self.value
        return f"{cut_field(self.by)} {'≥' if falls(self.by) else '≤'} {value}"


def within(rule: Rule, cut: Cut | None) -> Rule:
    """The rule, up to the cut-off."""
    if cut is None:
        return rule
    holds = rule.expression
    return Rule.of(AllOf((*(holds.parts if isinstance(holds, AllOf) else (holds,)), cut.rule.expression)))


def cut_at(by: CutBy, value: int | None) -> Cut | None:
    """The cut-off at the value of the last item that has room; None where that says nothing of the others."""
    if value is None or (value <= 0 and cut_field(by) != "price_cents"):
        return None
    return Cut(by, value)
