"""What Redis statistics promise beyond the port: bounds, hourly counters, and a half-life that may change."""

import asyncio
from collections.abc import Iterator

import pytest

from builders import HOUR, NOW
from redis_rig import shared_redis
from smallpool_core.errors import SettingsRefused
from smallpool_core.statistics import StatDelta
from smallpool_stores.redis.additions import SITE
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.settings import RedisSettings
from smallpool_stores.redis.stats import RedisItemStats

TOP_OF_HOUR = NOW - NOW % HOUR
DAY_MS = 24.0 * HOUR


@pytest.fixture
def connection() -> Iterator[RedisConnection]:
    with shared_redis() as opened:
        yield opened


def click(item_id: str = "i1", at: int = NOW, weight: float = 1.0, terms: tuple[str, ...] = ()) -> StatDelta:
    return StatDelta(item_id, "p1", "click", weight, at, terms)


def popular(stats: RedisItemStats, pool_id: str = "p1") -> list[str]:
    return asyncio.run(stats.popular(pool_id, 100))


def bounded(connection: RedisConnection, **bounds: int) -> RedisItemStats:
    settings = connection.settings
    small = RedisSettings(url=settings.url, prefix=settings.prefix, answer_timeout_ms=5_000, **bounds)  # type: ignore[arg-type]
    return RedisItemStats(RedisConnection(small))


def test_events_are_counted_by_item_type_and_hour_in_their_pool_and_the_site(connection: RedisConnection) -> None:
    stats = RedisItemStats(connection)
    stats.add([click(at=TOP_OF_HOUR), click(at=TOP_OF_HOUR + HOUR - 1), click("i2", at=TOP_OF_HOUR + HOUR)], 0, 0)
    stats.add([StatDelta("i1", "", "expose", 0.0, TOP_OF_HOUR, ())], 0, 1)
    stats.add([click("", at=TOP_OF_HOUR, terms=("t:1",))], 0, 2)
    hour = TOP_OF_HOUR // HOUR
    pool, site = connection.keys.pool("p1", DAY_MS), connection.keys.pool(SITE, DAY_MS)
    counts = [pairs(connection, keys.hour(hour + later)) for keys in (pool, site) for later in (0, 1)]
    assert counts == [
        {b"click:i1": b"2"},
        {b"click:i2": b"1"},
        {b"click:i1": b"2", b"expose:i1": b"1"},
        {b"click:i2": b"1"},
    ]


def pairs(connection: RedisConnection, key: str) -> dict[bytes, bytes]:
    [flat] = connection.read_now(("HGETALL", key))
    return dict(zip(flat[::2], flat[1::2], strict=True))


def test_a_ranking_keeps_its_heaviest_entries(connection: RedisConnection) -> None:
    stats = bounded(connection, most_items_of_pool=3, most_items_of_site=4, most_terms=2)
    for number in range(6):
        stats.add([click(f"i{number}", weight=1.0 + number, terms=(f"t:{number}",))], 0, number)
    assert popular(stats) == ["i5", "i4", "i3"]
    assert popular(stats, SITE) == ["i5", "i4", "i3", "i2"]
    assert [one.term for one in asyncio.run(stats.top_terms("p1", 9, NOW))] == ["t:5", "t:4"]


def test_weights_that_decayed_to_nothing_go(connection: RedisConnection) -> None:
    stats = RedisItemStats(connection, half_life_hours=1)
    for number in range(40):
        stats.add([click(f"i{number}", at=NOW + number * HOUR, terms=(f"t:{number}",))], 0, number)
    living = 10  # half-lives in which a weight of 1 falls to a thousandth
    assert len(popular(stats)) == len(popular(stats, SITE)) == len(asyncio.run(stats.top_terms("p1", 99, NOW))) == living


def test_another_half_life_starts_anew_and_leaves_the_sums_of_the_first(connection: RedisConnection) -> None:
    first, second = RedisItemStats(connection), RedisItemStats(connection, half_life_hours=6)
    first.add([click(weight=4.0)], 0, 0)
    assert popular(second) == []
    second.add([click("i2")], 0, 1)
    assert (popular(first), popular(second)) == (["i1"], ["i2"])


def test_forgetting_asks_no_pool_in_which_nothing_happened_to_the_item(connection: RedisConnection) -> None:
    stats = RedisItemStats(connection)
    stats.add([click("i1"), click("i2"), StatDelta("i3", "p2", "expose", 0.0, NOW, ())], 0, 0)
    noted = connection.read_now(*(("ZRANGE", connection.keys.pools_of_item(item_id), 0, -1) for item_id in ("i1", "i3")))
    assert noted == [[b"p1"], [b"p2"]]
    stats.forget(["i1"])
    assert connection.read_now(("EXISTS", connection.keys.pools_of_item("i1"))) == [0]


def test_asking_for_nothing_gives_nothing(connection: RedisConnection) -> None:
    stats = RedisItemStats(connection)
    stats.add([click(terms=("t:1",))], 0, 0)
    stats.forget([])
    assert asyncio.run(stats.popular("p1", 0)) == []
    assert asyncio.run(stats.responses("p1", [], NOW)).weights == {}
    assert asyncio.run(stats.top_terms("p1", 0, NOW)) == []


@pytest.mark.parametrize("half_life_hours", [0.0, -1.0, float("nan")])
def test_a_half_life_that_is_not_positive_is_refused(connection: RedisConnection, half_life_hours: float) -> None:
    with pytest.raises(SettingsRefused, match="half_life_hours"):
        RedisItemStats(connection, half_life_hours=half_life_hours)


def test_more_items_may_be_asked_for_than_a_script_takes_as_arguments(connection: RedisConnection) -> None:
    stats = RedisItemStats(connection)
    stats.add([click("i5"), click("i9999", weight=2.0)], 0, 0)
    asked = [f"i{number}" for number in range(10_000)]
    assert asyncio.run(stats.responses("p1", asked, NOW)).weights == {"i5": pytest.approx(1.0), "i9999": pytest.approx(2.0)}
