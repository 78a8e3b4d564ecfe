"""Boost and bury as operators write them: limits, with the path of each mistake, and the factor of an item."""

from typing import Any

import pytest

from builders import HOUR, NOW, wide_item
from smallpool_core.adjustments import Adjustment, AdjustmentKind, Adjustments, check_adjustments
from smallpool_core.fields import Attributes

BRAND: dict[str, Any] = {"field": "brand", "op": "eq", "value": "apple"}
FRESH: dict[str, Any] = {"field": "published_at", "op": "within", "value": "-1h"}
NONE = Attributes({})


def paths(kind: AdjustmentKind, *written: Adjustment) -> list[str]:
    return [problem.path for problem in check_adjustments(kind, written, NONE, None)]


@pytest.mark.parametrize(
    ("kind", "factor"), [("boost", 1.0), ("boost", 10.5), ("boost", float("inf")), ("boost", float("nan")), ("bury", 0.0), ("bury", 1.0)]
)
def test_a_factor_out_of_bounds_is_refused_with_its_path(kind: AdjustmentKind, factor: float) -> None:
    good = Adjustment(BRAND, 2.0 if kind == "boost" else 0.5)
    assert paths(kind, good, Adjustment(BRAND, factor)) == [f"ordering.{kind}[1].factor"]


def test_a_condition_that_is_no_rule_is_refused_with_the_path_inside_it() -> None:
    wrong = Adjustment({"all": [BRAND, {"field": "luck", "op": "eq", "value": 1}]}, 2.0)
    assert paths("boost", wrong) == ["ordering.boost[0].condition.all[1].field"]


def test_at_most_twenty_of_a_kind_are_allowed() -> None:
    assert paths("bury", *[Adjustment(BRAND, 0.5)] * 20) == []
    assert paths("bury", *[Adjustment(BRAND, 0.5)] * 21) == ["ordering.bury"]


def test_factors_of_all_that_holds_are_multiplied_and_time_is_told_apart() -> None:
    adjustments = Adjustments.parsed([Adjustment(BRAND, 3.0), Adjustment(BRAND, 0.5), Adjustment(FRESH, 2.0)], NONE)
    item = wide_item(brand="apple", published_at=NOW)
    assert adjustments.steady_factor(item) == 1.5
    assert [adjustments.timed_factor(item, now) for now in (NOW, NOW + 2 * HOUR)] == [2.0, 1.0]
    assert not Adjustments.parsed([], NONE)
