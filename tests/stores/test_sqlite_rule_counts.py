"""What SQLite is asked of rules as large as any that parses: it takes them, and two of them joined."""

from pathlib import Path
from typing import Any

import pytest

import oracle
from builders import NOW, FakeClock, wide_item
from smallpool_core.fields import Attributes
from smallpool_core.rule_counts import MAX_PARTS
from smallpool_core.rules import AllOf, Not, Rule, parse_rule
from smallpool_core.rules.expression import MAX_DEPTH, MAX_LEAVES
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.wide_table import SqliteWideTable

LEAF: dict[str, Any] = {"field": "tags", "op": "has_any", "value": [f"t{number}" for number in range(8)]}
ITEMS = [wide_item(f"i{number}", tags=(f"t{number}",), price_cents=number) for number in range(12)]


def spine(depth: int, width: int) -> Any:
    """Groups in groups, `width` leaves in each."""
    value: Any = LEAF
    for level in range(depth - 1):
        value = {("all", "any")[level % 2]: [*[LEAF] * width, value]}
    return value


SHAPES = {
    "flat": {"any": [LEAF] * MAX_LEAVES},
    "deep": spine(MAX_DEPTH, 31),
    "parts of parts": {"all": [{"any": [LEAF] * 31} for _ in range(MAX_PARTS)]},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_largest_rules_are_counted_and_joined(shape: str, tmp_path: Path) -> None:
    rule = parse_rule(SHAPES[shape], Attributes({}))
    joined = Rule.of(AllOf((rule.expression, Not(parse_rule({"not": spine(MAX_DEPTH - 1, 31)}, Attributes({})).expression))))
    parts = [Rule.of(part) for part in rule.expression.parts[:MAX_PARTS]] if isinstance(rule.expression, AllOf) else [rule]
    database = open_database(tmp_path / "smallpool.db", synchronous="off")
    table = SqliteWideTable(database, FakeClock())
    table.append(ITEMS)
    assert table.breakdown(joined, NOW, 5) == oracle.breakdown(ITEMS, joined, NOW, 5)
    assert table.count_and_sample(joined, NOW, 0)[0] == 8
    assert table.exclusions(parts, NOW) == oracle.exclusions(ITEMS, parts, NOW)
    database.close()
