"""A rule that was saved, and is read again by a process that starts afresh, matches the same items at the same instants."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallpool_core.catalogue import Catalogue
from smallpool_core.errors import NotFound
from smallpool_core.items import WideItem
from smallpool_core.pools import PoolDraft
from smallpool_core.rules import Rule, matches, parse_rule
from smallpool_stores.sqlite.database import Database
from smallpool_stores.sqlite.pools import SqlitePoolStore
from smallpool_stores.sqlite.schema import open_database
from strategies import ATTRIBUTES, NOWS, items, rule_values


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = open_database(tmp_path_factory.mktemp("rules") / "smallpool.db", synchronous="off")
    yield opened
    opened.close()


def saved_and_read_again(database: Database, value: dict[str, Any]) -> Rule:
    """The rule as the newest revision of a pool has it, read through a file opened anew."""
    store = SqlitePoolStore(database)
    try:
        revision = asyncio.run(store.get("p")).pool.revision
    except NotFound:
        revision = None
    asyncio.run(store.put("p", PoolDraft(rule=value), revision, "tester", "", 0))
    again = open_database(Path(database.path), synchronous="off")
    catalogue = Catalogue(SqlitePoolStore(again), ATTRIBUTES)
    catalogue.refresh()
    again.close()
    return catalogue.get("p").rule


@given(value=rule_values(), some_items=st.lists(items(), max_size=8))
def test_a_rule_saved_and_read_again_matches_the_same_items(database: Database, value: dict[str, Any], some_items: list[WideItem]) -> None:
    rule, again = parse_rule(value, ATTRIBUTES), saved_and_read_again(database, value)
    assert again == rule
    for now in NOWS:
        assert [matches(again, item, now) for item in some_items] == [matches(rule, item, now) for item in some_items]
