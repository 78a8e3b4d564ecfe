"""Boost and bury: conditions of an operator by which scores are multiplied before the final order.

In: the adjustments of a pool's ordering as they were written, and the conditions of its quotas. Out: them parsed, or every mistake; the
factor of an item and which quotas count it.
"""

from collections.abc import Sequence
from math import isfinite, prod
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.errors import Problem, RuleRefused
from smallpool_core.fields import Attributes
from smallpool_core.items import WideItem
from smallpool_core.messages import problem
from smallpool_core.quotas import Quota
from smallpool_core.rules import Rule, matches, parse_rule
from smallpool_core.rules.values import SplitWords

AdjustmentKind = Literal["boost", "bury"]
KINDS: Final[tuple[AdjustmentKind, ...]] = ("boost", "bury")
MAX_ADJUSTMENTS: Final = 20
"""Most adjustments of one kind."""
MAX_BOOST: Final = 10.0
"""A boost multiplies by more than 1 and at most by this; to bury is to multiply by more than 0 and less than 1."""


class Adjustment(Struct, frozen=True, forbid_unknown_fields=True):
    """What the score of an item is multiplied by for which a condition holds; the condition is a rule as JSON values."""

    condition: dict[str, Any]
    factor: float


class Adjustments(Struct, frozen=True, cache_hash=True):
    """Parsed adjustments: those that depend on the item alone, and those that depend on now too; and the conditions of quotas, in their
    order.
    """

    steady: tuple[tuple[Rule, float], ...] = ()
    timed: tuple[tuple[Rule, float], ...] = ()
    kinds: tuple[Rule, ...] = ()

    @classmethod
    def parsed(cls, written: Sequence[Adjustment], attributes: Attributes, quotas: Sequence[Quota] = ()) -> "Adjustments":
        """Raises `RuleRefused` for a condition that cannot be read."""
        parts = [(parse_rule(one.condition, attributes), one.factor) for one in written]
        steady, timed = (tuple(part for part in parts if part[0].is_timed is is_timed) for is_timed in (False, True))
        return cls(steady, timed, tuple(parse_rule(quota.condition, attributes) for quota in quotas))

    def __bool__(self) -> bool:
        return bool(self.steady or self.timed or self.kinds)

    @property
    def is_timed(self) -> bool:
        """Whether anything that they say of an item depends on now."""
        return bool(self.timed) or any(rule.is_timed for rule in self.kinds)

    def kinds_of(self, item: WideItem, now: int) -> tuple[int, ...]:
        """Places of the quotas that count the item at `now` (ms)."""
        return tuple(place for place, rule in enumerate(self.kinds) if matches(rule, item, now))

    def steady_factor(self, item: WideItem) -> float:
        """The product of the factors of all that hold for the item as it is."""
        return _factor(self.steady, item, 0)

    def timed_factor(self, item: WideItem, now: int) -> float:
        """The same of those that depend on now (ms)."""
        return _factor(self.timed, item, now)


def _factor(parts: Sequence[tuple[Rule, float]], item: WideItem, now: int) -> float:
    return prod([factor for rule, factor in parts if matches(rule, item, now)])


def check_adjustments(
    kind: AdjustmentKind, written: Sequence[Adjustment], attributes: Attributes, words: SplitWords | None
) -> list[Problem]:
    """Every mistake of the adjustments of one kind; none where they are sound."""
    path = f"ordering.{kind}"
    if len(written) > MAX_ADJUSTMENTS:
        return [problem(path, f"a list of {len(written)}", "pool.adjustments", most=MAX_ADJUSTMENTS)]
    problems: list[Problem] = []
    for place, one in enumerate(written):
        problems += _factor_problems(kind, f"{path}[{place}].factor", one.factor)
        try:
            parse_rule(one.condition, attributes, split_words=words)
        except RuleRefused as error:
            at = f"{path}[{place}].condition"
            problems += [replace(one, path=one.path.replace("$", at, 1)) for one in error.problems]
    return problems


def _factor_problems(kind: AdjustmentKind, path: str, factor: float) -> list[Problem]:
    if kind == "boost" and not (isfinite(factor) and 1 < factor <= MAX_BOOST):
        return [problem(path, repr(factor), "pool.boost", most=f"{MAX_BOOST:g}")]
    if kind == "bury" and not 0 < factor < 1:
        return [problem(path, repr(factor), "pool.bury")]
    return []
