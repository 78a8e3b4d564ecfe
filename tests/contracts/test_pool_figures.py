"""The promises of the port `PoolFigures`, on every adapter."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from builders import HOUR, MINUTE, NOW
from redis_cluster import shared_cluster
from redis_rig import Opened, shared_redis
from smallpool_core.alerts import Alert
from smallpool_core.pool_counts import PoolCounter
from smallpool_core.pool_hours import LISTINGS_KEPT_H, PAGES_KEPT_H, SOURCE_STEPS, SOURCES_KEPT_H, Counted, HourCount, of_source
from smallpool_core.ports import PoolFigures
from smallpool_stores.redis.pool_figures import RedisPoolFigures
from smallpool_stores.sqlite.pool_figures import SqlitePoolFigures
from smallpool_stores.sqlite.schema import open_database

H = NOW // HOUR


@contextmanager
def sqlite_figures(folder: Path) -> Iterator[PoolFigures]:
    database = open_database(folder / "smallpool.db")
    yield SqlitePoolFigures(database)
    database.close()


@contextmanager
def redis_figures(_: Path, opened: Opened = shared_redis) -> Iterator[PoolFigures]:
    with opened() as connection:
        yield RedisPoolFigures(connection)


ADAPTERS = {"sqlite": sqlite_figures, "redis": redis_figures, "redis cluster": partial(redis_figures, opened=shared_cluster)}


@pytest.fixture(params=ADAPTERS)
def figures(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PoolFigures]:
    with ADAPTERS[request.param](tmp_path) as adapter:
        yield adapter


def count(pool_id: str = "p1", hour: int = H, counted: Counted = "listed", amount: int = 1) -> HourCount:
    return HourCount(pool_id, hour, counted, amount)


def test_amounts_of_one_hour_and_kind_add_up(figures: PoolFigures) -> None:
    figures.add([count(amount=2), count("p2", amount=9)])
    figures.add([count(amount=3), count(hour=H - 1)])
    assert figures.read(["p1"], [("listed", H), ("listed", H - 1)]) == {"p1": {("listed", H): 5, ("listed", H - 1): 1}}


def test_only_what_is_wanted_is_read(figures: PoolFigures) -> None:
    figures.add([count(), count(counted="pages", amount=4), count("p2")])
    assert figures.read(["p1", "nobody's"], [("pages", H)]) == {"p1": {("pages", H): 4}}
    assert figures.read([], [("pages", H)]) == {}
    assert figures.read(["p1"], []) == {}


def test_nothing_to_add_is_no_mistake(figures: PoolFigures) -> None:
    figures.add([])
    assert figures.read(["p1"], [("listed", H)]) == {}


def test_ids_of_pools_may_hold_anything(figures: PoolFigures) -> None:
    pools = ["a.b", "a{b}", "池 1", "a'b"]
    figures.add([count(pool_id, amount=place) for place, pool_id in enumerate(pools, start=1)])
    assert figures.read(pools, [("listed", H)]) == {pool_id: {("listed", H): place} for place, pool_id in enumerate(pools, start=1)}


def test_what_is_too_old_goes_and_what_is_wanted_stays(figures: PoolFigures) -> None:
    for hour in range(H - 2 * LISTINGS_KEPT_H, H + 1):
        figures.add([count(hour=hour), count(hour=hour, counted="pages"), count(hour=hour, counted="asked")])
    listings: list[tuple[Counted, int]] = [("listed", hour) for hour in range(H - LISTINGS_KEPT_H, H + 1)]
    pages: list[tuple[Counted, int]] = [("pages", hour) for hour in range(H - PAGES_KEPT_H, H + 1)]
    long_ago: list[tuple[Counted, int]] = [("pages", H - 2 * LISTINGS_KEPT_H), ("listed", H - 2 * LISTINGS_KEPT_H)]
    assert len(figures.read(["p1"], listings)["p1"]) == LISTINGS_KEPT_H + 1
    assert len(figures.read(["p1"], pages)["p1"]) == PAGES_KEPT_H + 1
    assert figures.read(["p1"], long_ago) == {}


def test_counts_of_sources_are_kept_for_two_hours_however_many_there_are(figures: PoolFigures) -> None:
    sources = [of_source(step, f"source_{number}") for step in SOURCE_STEPS for number in range(8)]
    for hour in range(H - LISTINGS_KEPT_H, H + 1):
        figures.add([count(hour=hour), *(count(hour=hour, counted=kind) for kind in ("pages", "asked", "given", "recalled", *sources))])
    recent = [(kind, hour) for kind in sources for hour in range(H - SOURCES_KEPT_H, H + 1)]
    assert len(figures.read(["p1"], recent)["p1"]) == len(recent)
    assert figures.read(["p1"], [(kind, H - LISTINGS_KEPT_H + 1) for kind in sources]) == {}
    assert figures.read(["p1"], [("listed", H - LISTINGS_KEPT_H)]) == {"p1": {("listed", H - LISTINGS_KEPT_H): 1}}
    assert figures.read(["p1"], [("pages", H - PAGES_KEPT_H)]) == {"p1": {("pages", H - PAGES_KEPT_H): 1}}


def test_one_of_all_who_ask_has_the_turn(figures: PoolFigures) -> None:
    assert [figures.take_turn(NOW, MINUTE) for _ in range(3)] == [True, False, False]


def test_alerts_come_back_as_they_were_put(figures: PoolFigures) -> None:
    alerts = [Alert("p1", "empty", NOW, raised_at=NOW + 1, told=True), Alert("池", "page_fill_low", NOW, times=2, figure=0.4)]
    assert figures.alerts() == []
    assert figures.take_turn(NOW, MINUTE)
    figures.put_alerts(alerts)
    assert figures.alerts() == alerts
    figures.put_alerts([])
    assert figures.alerts() == []


def test_a_turn_of_the_embedded_store_ends_by_the_clock_also_by_one_that_is_set_back(tmp_path: Path) -> None:
    with sqlite_figures(tmp_path) as figures:
        assert figures.take_turn(NOW, MINUTE)
        assert not figures.take_turn(NOW + MINUTE - 1, MINUTE)
        assert figures.take_turn(NOW + MINUTE, MINUTE)
        assert figures.take_turn(NOW - HOUR, MINUTE)


def test_a_turn_on_redis_ends_by_itself(tmp_path: Path) -> None:
    with redis_figures(tmp_path) as figures:
        assert figures.take_turn(NOW, 1)
        while not figures.take_turn(NOW, MINUTE):
            pass
        assert not figures.take_turn(NOW + 10 * MINUTE, MINUTE)


def test_a_counter_merges_until_its_counts_are_taken_and_takes_back_what_was_not_stored() -> None:
    counter = PoolCounter()
    counter.page("p", NOW, asked=10, given=7, recalled=40, sources={"page:terms": 7})
    counter.page("p", NOW, asked=10, given=10, recalled=60)
    counter.listed(["p", "q"], NOW + HOUR)
    taken = counter.take()
    assert {(one.pool_id, one.hour, one.counted): one.amount for one in taken} == {
        ("p", H, "pages"): 2,
        ("p", H, "asked"): 20,
        ("p", H, "given"): 17,
        ("p", H, "recalled"): 100,
        ("p", H, "page:terms"): 7,
        ("p", H + 1, "listed"): 1,
        ("q", H + 1, "listed"): 1,
    }
    assert counter.take() == []
    counter.put_back(taken)
    counter.listed(["q"], NOW + HOUR)
    assert count("q", H + 1, "listed", 2) in counter.take()
