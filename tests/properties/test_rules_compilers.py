"""A rule means the same whichever way it is compiled: matcher, SQL, tag rule, intervals and index agree on any rule and item."""

import json
import sqlite3
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smallpool_core.errors import Problem, RuleRefused
from smallpool_core.items import WideItem
from smallpool_core.rules import (
    MAX_MS,
    MIN_MS,
    RuleIndex,
    columns,
    intervals,
    matches,
    parse_rule,
    row_values,
    to_sql,
    untimed,
    warnings,
)
from strategies import ATTRIBUTES, NOWS, items, json_values, rule_values


def table_of(rows: list[WideItem]) -> sqlite3.Connection:
    """A table with the columns that the compiler reads, one row an item in their order."""
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE wide ({', '.join(f'{name} {kind}' for name, kind in columns())})")
    places = ", ".join("?" for _ in columns())
    connection.executemany(f"INSERT INTO wide VALUES ({places})", [row_values(item) for item in rows])
    return connection


@given(st.lists(rule_values(), min_size=1, max_size=3), st.lists(items(), min_size=1, max_size=6))
def test_the_matcher_and_sql_agree_on_every_item_at_every_now(values: list[Any], some_items: list[WideItem]) -> None:
    connection = table_of(some_items)
    for value in values:
        rule = parse_rule(value, ATTRIBUTES)
        for now in NOWS:
            text, parameters = to_sql(rule, now)
            found = [row[0] for row in connection.execute(f"SELECT ({text}) FROM wide AS f ORDER BY rowid", parameters)]
            assert found == [int(matches(rule, item, now)) for item in some_items]
    connection.close()


@given(rule_values())
def test_sql_is_two_valued_on_a_row_of_nulls(value: Any) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE wide ({', '.join(f'{name} {kind}' for name, kind in columns())})")
    connection.execute("INSERT INTO wide (item_id) VALUES ('i')")
    text, parameters = to_sql(parse_rule({"all": [value, {"not": value}]}, ATTRIBUTES), NOWS[0])
    assert connection.execute(f"SELECT ({text}) FROM wide AS f", parameters).fetchone() == (0,)
    text, parameters = to_sql(parse_rule({"any": [value, {"not": value}]}, ATTRIBUTES), NOWS[0])
    assert connection.execute(f"SELECT ({text}) FROM wide AS f", parameters).fetchone() == (1,)
    connection.close()


@given(rule_values())
def test_a_rule_saved_and_reloaded_is_the_same_rule(value: Any) -> None:
    rule = parse_rule(value, ATTRIBUTES)
    saved = json.loads(json.dumps(rule.json))
    assert parse_rule(saved, ATTRIBUTES) == rule
    assert parse_rule(saved, ATTRIBUTES).json == rule.json


@given(rule_values(), st.lists(items(), min_size=1, max_size=6))
def test_not_is_the_exact_complement(value: Any, some_items: list[WideItem]) -> None:
    rule, opposite = parse_rule(value, ATTRIBUTES), parse_rule({"not": value}, ATTRIBUTES)
    for item in some_items:
        for now in NOWS:
            assert matches(opposite, item, now) is not matches(rule, item, now)


@given(rule_values(), st.lists(items(), min_size=1, max_size=6))
def test_intervals_hold_exactly_the_nows_at_which_the_rule_holds(value: Any, some_items: list[WideItem]) -> None:
    rule = parse_rule(value, ATTRIBUTES)
    for item in some_items:
        spans = intervals(rule, item)
        edges = {edge + step for span in spans for edge in span for step in (-1, 0, 1)}
        for now in sorted({*edges, *NOWS, MIN_MS, MAX_MS}):
            if MIN_MS <= now <= MAX_MS:
                assert any(low <= now <= high for low, high in spans) is matches(rule, item, now)
        assert all(low <= high for low, high in spans)
        assert all(left[1] + 1 < right[0] for left, right in pairwise(spans))


@given(rule_values(), st.lists(items(), min_size=1, max_size=6))
def test_the_tag_rule_is_implied_by_the_rule_at_any_now_and_does_not_depend_on_now(value: Any, some_items: list[WideItem]) -> None:
    rule = parse_rule(value, ATTRIBUTES)
    tag = untimed(rule)
    assert not tag.is_timed
    for item in some_items:
        tagged = matches(tag, item, 0)
        assert tagged or not any(matches(rule, item, now) for now in NOWS)


@given(rule_values(timed=False), st.lists(items(), min_size=1, max_size=4))
def test_a_rule_without_time_is_its_own_tag(value: Any, some_items: list[WideItem]) -> None:
    rule = parse_rule(value, ATTRIBUTES)
    assert untimed(rule) == rule
    for item in some_items:
        assert intervals(rule, item) == (((MIN_MS, MAX_MS),) if matches(rule, item, 0) else ())


@given(st.lists(rule_values(), min_size=1, max_size=12), st.lists(items(), min_size=1, max_size=6), st.data())
def test_the_index_finds_what_a_look_at_every_rule_finds(values: list[Any], some_items: list[WideItem], data: st.DataObject) -> None:
    index = RuleIndex()
    rules = {f"池{number}": parse_rule(value, ATTRIBUTES) for number, value in enumerate(values)}
    for pool_id, rule in rules.items():
        index.put(pool_id, rule)
    for pool_id in data.draw(st.lists(st.sampled_from(sorted(rules)), unique=True)):
        if data.draw(st.booleans()):
            index.remove(pool_id)
            del rules[pool_id]
        else:
            rules[pool_id] = parse_rule(data.draw(st.sampled_from(values)), ATTRIBUTES)
            index.put(pool_id, rules[pool_id])
    brute = [sorted((p for p, rule in rules.items() if matches(untimed(rule), item, 0)), key=str.encode) for item in some_items]
    assert index.match_many(some_items) == brute


@given(rule_values(), st.lists(items(), min_size=1, max_size=6))
def test_a_warning_on_the_whole_rule_is_never_wrong(value: Any, some_items: list[WideItem]) -> None:
    rule = parse_rule(value, ATTRIBUTES)
    whole = {warning.code for warning in warnings(rule) if warning.path == "$"}
    held = {matches(rule, item, now) for item in some_items for now in NOWS}
    assert True not in held or not whole & {"matches_nothing", "contradictory"}
    assert False not in held or "matches_everything" not in whole


@given(json_values())
def test_any_json_value_is_a_rule_or_refused_with_reasons(value: Any) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        rule = parse_rule(value, ATTRIBUTES)
    except RuleRefused as refused:
        problems = refused.problems
        str(refused).encode()
    else:
        assert parse_rule(rule.json, ATTRIBUTES) == rule
        return
    assert problems
    assert all(problem.path.startswith("$") and problem.found and problem.message for problem in problems)
