"""Quotas of a page by kind: of the items for which a condition holds at most, or at least, so many.

In: the quotas of a pool's ordering as they were written. Out: every mistake in them.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.errors import Problem, RuleRefused
from smallpool_core.fields import Attributes
from smallpool_core.messages import problem
from smallpool_core.rules import parse_rule
from smallpool_core.rules.values import SplitWords

MAX_QUOTAS: Final = 10
"""Most quotas of one pool."""
MAX_OF_PAGE: Final = 100
"""Largest number in a quota; no page holds more items."""


class Quota(Struct, frozen=True, forbid_unknown_fields=True):
    """How many items of one page a condition, a rule as JSON values, may or should hold for. The most is never passed; the least is
    reached as far as there are candidates for which the condition holds.
    """

    condition: dict[str, Any]
    at_most: int | None = None
    at_least: int | None = None


def check_quotas(quotas: Sequence[Quota], attributes: Attributes, words: SplitWords | None) -> list[Problem]:
    """Every mistake of the quotas; none where they are sound."""
    if len(quotas) > MAX_QUOTAS:
        return [problem("ordering.quotas", f"a list of {len(quotas)}", "pool.quotas", most=MAX_QUOTAS)]
    problems: list[Problem] = []
    for place, quota in enumerate(quotas):
        path = f"ordering.quotas[{place}]"
        problems += _bound_problems(path, quota)
        try:
            parse_rule(quota.condition, attributes, split_words=words)
        except RuleRefused as error:
            problems += [replace(one, path=one.path.replace("$", f"{path}.condition", 1)) for one in error.problems]
    return problems


def _bound_problems(path: str, quota: Quota) -> list[Problem]:
    most, least = quota.at_most, quota.at_least
    if most is None and least is None:
        return [problem(path, "neither", "pool.quota")]
    bounds = (("at_most", most, 0), ("at_least", least, 1))
    problems = [
        problem(f"{path}.{name}", str(found), "pool.whole", low=low, high=MAX_OF_PAGE)
        for name, found, low in bounds
        if found is not None and not low <= found <= MAX_OF_PAGE
    ]
    if most is not None and least is not None and least > most:
        problems.append(problem(f"{path}.at_least", str(least), "pool.quota_crossed", most=most))
    return problems
