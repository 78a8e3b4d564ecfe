"""A rule means the same whichever way it is compiled: matcher, SQL, Elasticsearch, tag rule, intervals and index agree."""

import json
import sqlite3
import time
from collections.abc import Iterator
from itertools import count, pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from elasticsearch_rig import item_indices
from smallpool_core.errors import Problem, RuleRefused
from smallpool_core.items import Indexed, WideItem
from smallpool_core.normalise import normalise
from smallpool_core.rules import (
    MAX_MS,
    MIN_MS,
    Rule,
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
from smallpool_core.rules.index import FEW
from smallpool_core.selection import Selection, effective_rule
from smallpool_stores.elasticsearch.bulk import Bulk, Write
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.documents import Documents
from smallpool_stores.elasticsearch.names import items_alias
from smallpool_stores.elasticsearch.rules import to_filter
from strategies import ATTRIBUTES, NOWS, effective_rules, items, json_values, rule_values, selections


def table_of(rows: list[WideItem]) -> sqlite3.Connection:
    """A table with the columns that the compiler reads, one row an item in their order."""
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE wide ({', '.join(f'{name} {kind}' for name, kind in columns())})")
    places = ", ".join("?" for _ in columns())
    connection.executemany(f"INSERT INTO wide VALUES ({places})", [row_values(item) for item in rows])
    return connection


@given(st.lists(effective_rules(), min_size=1, max_size=3), st.lists(items(), min_size=1, max_size=6))
def test_the_matcher_and_sql_agree_on_every_item_at_every_now(rules: list[Rule], some_items: list[WideItem]) -> None:
    connection = table_of(some_items)
    for rule in rules:
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


@given(rule_values(), selections(), st.lists(items(), min_size=1, max_size=6))
def test_a_pool_holds_what_its_rule_or_its_include_list_holds_and_none_of_its_bans(
    value: Any, lists: Selection, some_items: list[WideItem]
) -> None:
    rule = parse_rule(value, ATTRIBUTES)
    effective = effective_rule(rule, lists, ATTRIBUTES)
    words = {normalise(word) for word in lists.ban_words}
    for item in some_items:
        is_banned = item.item_id in lists.ban_items or item.seller_id in lists.ban_sellers or bool(words & set(item.title_words))
        for now in NOWS:
            is_wanted = matches(rule, item, now) or item.item_id in lists.include
            assert matches(effective, item, now) is (is_wanted and not is_banned)


@given(effective_rules(), st.lists(items(), min_size=1, max_size=6))
def test_intervals_hold_exactly_the_nows_at_which_the_rule_holds(rule: Rule, some_items: list[WideItem]) -> None:
    for item in some_items:
        spans = intervals(rule, item)
        edges = {edge + step for span in spans for edge in span for step in (-1, 0, 1)}
        for now in sorted({*edges, *NOWS, MIN_MS, MAX_MS}):
            if MIN_MS <= now <= MAX_MS:
                assert any(low <= now <= high for low, high in spans) is matches(rule, item, now)
        assert all(low <= high for low, high in spans)
        assert all(left[1] + 1 < right[0] for left, right in pairwise(spans))


@given(effective_rules(), st.lists(items(), min_size=1, max_size=6))
def test_the_tag_rule_is_implied_by_the_rule_at_any_now_and_does_not_depend_on_now(rule: Rule, some_items: list[WideItem]) -> None:
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


@given(st.lists(effective_rules(), min_size=1, max_size=12), st.lists(items(), min_size=1, max_size=6), st.data())
def test_the_index_finds_what_a_look_at_every_rule_finds(values: list[Rule], some_items: list[WideItem], data: st.DataObject) -> None:
    index = RuleIndex()
    rules = {f"池{number}": value for number, value in enumerate(values)}
    for pool_id, rule in rules.items():
        index.put(pool_id, rule)
    for pool_id in data.draw(st.lists(st.sampled_from(sorted(rules)), unique=True)):
        if data.draw(st.booleans()):
            index.remove(pool_id)
            del rules[pool_id]
        else:
            rules[pool_id] = data.draw(st.sampled_from(values))
            index.put(pool_id, rules[pool_id])
    assert index.match_many(some_items) == by_every_rule(rules, some_items)
    assert [index.match(item) for item in some_items] == by_every_rule(rules, some_items)


def by_every_rule(rules: dict[str, Rule], some_items: list[WideItem]) -> list[list[str]]:
    """What the index is held to: each rule's own matcher asked about each item."""
    tags = {pool_id: untimed(rule) for pool_id, rule in rules.items()}
    return [sorted((pool_id for pool_id, tag in tags.items() if matches(tag, item, 0)), key=str.encode) for item in some_items]


@given(st.lists(effective_rules(), min_size=1, max_size=8), st.lists(items(), min_size=1, max_size=12), st.data())
def test_a_batch_finds_what_a_look_at_every_rule_finds_however_the_rules_change_between_batches(
    values: list[Rule], some_items: list[WideItem], data: st.DataObject
) -> None:
    index = RuleIndex()
    rules: dict[str, Rule] = {}
    for _ in range(data.draw(st.integers(1, 4))):
        for number in data.draw(st.lists(st.integers(0, 7), unique=True)):
            pool_id = f"池{number}"
            if data.draw(st.integers(0, 3)):
                rules[pool_id] = data.draw(st.sampled_from(values))
                index.put(pool_id, rules[pool_id])
            else:
                rules.pop(pool_id, None)
                index.remove(pool_id)
        assert len(index) == len(rules)
        assert index.match_many(some_items * (FEW + 1)) == by_every_rule(rules, some_items) * (FEW + 1)


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


@pytest.fixture(scope="module")
def server() -> Iterator[Connection]:
    with item_indices(ATTRIBUTES) as (connection, indices):
        indices.ensure()
        yield connection


_batches = count()


def documents_of(some_items: list[WideItem], connection: Connection) -> str:
    """Writes the items beside all others, under ids of their own, since their item_ids may be equal; returns what they are tagged with."""
    batch, documents = f"batch-{next(_batches)}", Documents(ATTRIBUTES)
    fields = [documents.fields(replace(item, pools=(batch,))) | {"state": "on_sale"} for item in some_items]
    writes = [Write(f"{batch}-{number}", 1, msgspec.json.encode(document)) for number, document in enumerate(fields)]
    alias = items_alias(connection.settings.prefix)
    assert Bulk(connection, alias, time.sleep, is_alias=True).write(writes) == Indexed(len(writes))
    connection.sync.indices.refresh(index=alias)
    return batch


def found_by(questions: list[tuple[Rule, int]], batch: str, connection: Connection) -> list[set[str]]:
    """What each rule finds of the batch at its now."""
    searches: list[dict[str, Any]] = []
    for rule, now in questions:
        query = {"bool": {"filter": [{"term": {"pools": batch}}, to_filter(rule, now)]}}
        searches += [{}, {"query": query, "size": 100, "_source": False}]
    replies = connection.sync.msearch(index=items_alias(connection.settings.prefix), searches=searches)["responses"]
    return [{hit["_id"] for hit in reply["hits"]["hits"]} for reply in replies]


@settings(max_examples=60, deadline=None)
@given(st.lists(effective_rules(), min_size=5, max_size=12), st.lists(items(), min_size=10, max_size=20))
def test_the_matcher_and_elasticsearch_agree_on_every_item_at_every_now(
    server: Connection, rules: list[Rule], some_items: list[WideItem]
) -> None:
    questions = [(rule, now) for rule in rules for now in NOWS]
    batch = documents_of(some_items, server)
    for (rule, now), found in zip(questions, found_by(questions, batch, server), strict=True):
        assert found == {f"{batch}-{number}" for number, item in enumerate(some_items) if matches(rule, item, now)}
