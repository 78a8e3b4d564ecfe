"""What the embedded readers ask of the SQLite wide table beyond its port: whole rules at an instant, and a light tail."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

import strategies
from builders import HOUR, NOW, FakeClock, wide_item
from smallpool_core.fields import Attributes
from smallpool_core.rules import Rule, matches, parse_rule
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.wide_table import SqliteWideTable


@pytest.fixture
def wide_table(tmp_path: Path) -> Iterator[SqliteWideTable]:
    database = open_database(tmp_path / "smallpool.db", synchronous="off")
    yield SqliteWideTable(database, FakeClock())
    database.close()


class Light(Struct):
    """Some fields of a wide item, one of which defaults."""

    item_id: str
    version: int
    terms: tuple[str, ...] = ()


def rule(value: dict[str, Any]) -> Rule:
    return parse_rule(value, Attributes({}))


CHEAP = rule({"field": "price_cents", "op": "lt", "value": 1_000})
RECENT = rule({"field": "published_at", "op": "within", "value": "-24h"})


def test_a_light_tail_has_the_same_places_and_the_fields_asked_for(wide_table: SqliteWideTable) -> None:
    wide_table.append([wide_item("a", terms=("tag:x",)), wide_item("b", version=2, terms=())])
    assert wide_table.tail_as(-1, 10, Light) == [(0, Light("a", 1, ("tag:x",))), (1, Light("b", 2))]
    assert wide_table.tail_as(0, 10, Light) == [(1, Light("b", 2))]


def test_a_rule_finds_listed_items_by_utf8_bytes(wide_table: SqliteWideTable) -> None:
    ids = ["Z", "a", "é", "手", "\uff21", "😀"]
    wide_table.append([wide_item(item_id, price_cents=1) for item_id in reversed(ids)])
    wide_table.append([wide_item("dear"), wide_item("sold", price_cents=1, state="sold")])
    assert wide_table.matching_ids(CHEAP, NOW) == ids
    assert wide_table.count_and_sample(CHEAP, NOW, 10) == (6, ids)
    assert wide_table.count_and_sample(CHEAP, NOW, 2) == (6, ids[:2])


def test_a_count_needs_no_sample(wide_table: SqliteWideTable) -> None:
    assert wide_table.count_and_sample(CHEAP, NOW, 10) == (0, [])
    wide_table.append([wide_item("a", price_cents=1)])
    assert wide_table.count_and_sample(CHEAP, NOW, 0) == (1, [])


def test_a_rule_holds_or_not_by_the_instant_it_is_asked_at(wide_table: SqliteWideTable) -> None:
    wide_table.append([wide_item("old", published_at=NOW - 25 * HOUR), wide_item("new", published_at=NOW)])
    assert wide_table.matching_ids(RECENT, NOW) == ["new"]
    assert wide_table.matching_ids(RECENT, NOW - 2 * HOUR) == ["old"]


def test_a_count_leaves_out_what_has_expired(wide_table: SqliteWideTable) -> None:
    wide_table.append([wide_item("a", price_cents=1, expires_at=NOW), wide_item("b", price_cents=1, expires_at=NOW + 1)])
    assert wide_table.count_and_sample(CHEAP, NOW, 10) == (1, ["b"])
    assert wide_table.matching_ids(CHEAP, NOW) == ["a", "b"]


def test_a_relisted_item_is_asked_by_its_new_fields(wide_table: SqliteWideTable) -> None:
    wide_table.append([wide_item(price_cents=1)])
    wide_table.append([wide_item(version=2, state="withdrawn", price_cents=1)])
    assert wide_table.matching_ids(CHEAP, NOW) == []
    wide_table.append([wide_item(version=3, price_cents=5_000)])
    assert wide_table.matching_ids(CHEAP, NOW) == []
    wide_table.append([wide_item(version=4, price_cents=2)])
    assert wide_table.matching_ids(CHEAP, NOW) == ["i1"]


storable = strategies.items().map(lambda item: replace(item, attributes={}))


@given(value=strategies.rule_values(), items=st.lists(storable, max_size=6, unique_by=lambda item: item.item_id))
@settings(max_examples=30)
def test_a_stored_item_is_matched_as_it_was_before(value: dict[str, Any], items: list[Any]) -> None:
    asked = parse_rule(value, strategies.ATTRIBUTES)
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder) / "smallpool.db", synchronous="off")
        wide_table = SqliteWideTable(database, FakeClock())
        wide_table.append(items)
        for now in strategies.NOWS:
            expected = {item.item_id for item in items if matches(asked, item, now)}
            assert set(wide_table.matching_ids(asked, now)) == expected
        database.close()
