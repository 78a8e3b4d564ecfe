"""What the SQLite statistics promise beyond their port: counters by hour, bounds, a ranking read from its index."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import DAY, HOUR, NOW
from smallpool_core.errors import SettingsRefused
from smallpool_core.statistics import StatDelta
from smallpool_stores.sqlite import decay
from smallpool_stores.sqlite.database import Database
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.stats import SqliteItemStats

TOP_OF_HOUR = NOW // HOUR * HOUR


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "smallpool.db")
    yield opened
    opened.close()


def click(item_id: str = "i1", at: int = NOW, weight: float = 1.0, terms: tuple[str, ...] = ()) -> StatDelta:
    return StatDelta(item_id, "p1", "click", weight, at, terms)


def popularity(stats: SqliteItemStats, now: int, *item_ids: str) -> dict[str, float]:
    return asyncio.run(stats.responses("p1", item_ids, now)).weights


def hours(database: Database, item_id: str, pool_id: str) -> list[tuple[int, str, int]]:
    """(hour, type, events) of the item in the pool."""
    query = "SELECT hour, type, events FROM item_hours WHERE item_id = ? AND pool_id = ? ORDER BY hour, type"
    return database.connection.execute(query, (item_id, pool_id)).fetchall()


def rows(database: Database, table: str) -> int:
    return int(database.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_events_are_counted_by_item_pool_hour_and_type(database: Database) -> None:
    stats = SqliteItemStats(database)
    stats.add([click(at=TOP_OF_HOUR), click(at=TOP_OF_HOUR + HOUR - 1), click("i2")], 0, 0)
    stats.add([click(at=TOP_OF_HOUR + HOUR), StatDelta("i1", "p2", "expose", 0.0, TOP_OF_HOUR, ())], 0, 1)
    stats.add([StatDelta("i1", "", "purchase", 5.0, TOP_OF_HOUR, ())], 0, 2)
    hour = TOP_OF_HOUR // HOUR
    assert hours(database, "i1", "p1") == [(hour, "click", 2), (hour + 1, "click", 1)]
    assert hours(database, "i1", "p2") == [(hour, "expose", 1)]
    assert hours(database, "i1", "") == [(hour, "click", 2), (hour, "expose", 1), (hour, "purchase", 1), (hour + 1, "click", 1)]


def test_an_event_without_an_item_has_no_counter(database: Database) -> None:
    SqliteItemStats(database).add([click("", terms=("t:1",))], 0, 0)
    assert rows(database, "item_hours") == 0


def test_counters_are_kept_for_seven_days(database: Database) -> None:
    stats = SqliteItemStats(database)
    for day in range(20):
        stats.add([click(at=TOP_OF_HOUR + day * DAY)], 0, day)
    newest = (TOP_OF_HOUR + 19 * DAY) // HOUR
    assert [hour for hour, _, _ in hours(database, "i1", "p1")] == [newest - 24 * day for day in reversed(range(7))]


def test_an_event_of_an_hour_that_is_over_leaves_no_counter_but_weighs(database: Database) -> None:
    stats = SqliteItemStats(database, half_life_hours=240)
    stats.add([click("i2")], 0, 0)
    stats.add([click(at=NOW - 8 * DAY)], 0, 1)
    assert hours(database, "i1", "p1") == []
    assert popularity(stats, NOW, "i1")["i1"] > 0


def test_weights_that_decayed_to_nothing_go(database: Database) -> None:
    stats = SqliteItemStats(database, half_life_hours=1)
    for number in range(200):
        stats.add([click(f"i{number}", at=NOW + number * HOUR, terms=(f"t:{number}", "t:always"))], 0, number)
    living = 10  # half-lives in which a weight of 1 falls to a thousandth
    assert rows(database, "decayed_weights WHERE kind = 'item' AND pool_id = 'p1'") == living
    assert rows(database, "decayed_weights WHERE kind = 'term' AND pool_id = 'p1'") == living + 1


def test_a_ranking_is_read_from_its_index_without_sorting(database: Database) -> None:
    plan = database.connection.execute(f"EXPLAIN QUERY PLAN {decay._RANK}", ("item", "p1", 10, 5)).fetchall()
    steps = [step for *_, step in plan]
    assert steps == ["SEARCH decayed_weights USING COVERING INDEX decayed_weights_by_score (kind=? AND pool_id=?)"]


def test_another_half_life_keeps_the_weights_and_the_order_of_the_moment(database: Database) -> None:
    before = SqliteItemStats(database, half_life_hours=6)
    before.add([click("old", at=NOW - 12 * HOUR, weight=8.0), click("new", weight=1.0)], 0, 0)
    after = SqliteItemStats(database, half_life_hours=48)
    assert popularity(after, NOW, "old", "new") == {"old": pytest.approx(2.0), "new": pytest.approx(1.0)}
    after.add([click("newest", weight=1.5)], 0, 1)
    assert asyncio.run(after.popular("p1", 10)) == ["old", "newest", "new"]
    expected = {"old": pytest.approx(1.0), "newest": pytest.approx(0.75), "new": pytest.approx(0.5)}
    assert popularity(after, NOW + 48 * HOUR, "old", "newest", "new") == expected


@pytest.mark.parametrize("half_life_hours", [0.0, -1.0, float("nan")])
def test_a_half_life_that_is_not_positive_is_refused(database: Database, half_life_hours: float) -> None:
    with pytest.raises(SettingsRefused, match="half_life_hours"):
        SqliteItemStats(database, half_life_hours=half_life_hours)
