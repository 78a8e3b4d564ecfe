"""The promises of the port `SellerRecords`, on every adapter."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from builders import DAY, NOW
from redis_cluster import shared_cluster
from redis_rig import Opened, shared_redis
from smallpool_core.errors import StoreUnavailable
from smallpool_core.market_ports import SellerRecords
from smallpool_core.sellers import SellerRecord
from smallpool_stores.redis.sellers import RedisSellerRecords
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.sellers import SqliteSellerRecords

KEPT_S = 30 * 86_400
ONE = SellerRecord(NOW, 1 / 3, 0.1, 2.0, 0.25, 1.0, 0.5, 1.0, {0: 7, 3: 2**40}, 812)


@contextmanager
def sqlite_records(folder: Path) -> Iterator[SellerRecords]:
    database = open_database(folder / "smallpool.db")
    yield SqliteSellerRecords(database, kept_s=KEPT_S)
    database.close()


@contextmanager
def redis_records(_: Path, opened: Opened = shared_redis) -> Iterator[SellerRecords]:
    with opened() as connection:
        yield RedisSellerRecords(connection, kept_s=KEPT_S, watched_s=86_400)


ADAPTERS = {"sqlite": sqlite_records, "redis": redis_records, "redis cluster": partial(redis_records, opened=shared_cluster)}


@pytest.fixture(params=ADAPTERS)
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SellerRecords]:
    with ADAPTERS[request.param](tmp_path) as adapter:
        yield adapter


def test_a_record_is_read_as_it_was_saved_to_the_last_bit(records: SellerRecords) -> None:
    records.save({}, {"s1": ONE, "卖家:{1}": SellerRecord()}, [], NOW)
    assert records.load(["s1", "卖家:{1}", "stranger"]) == {"s1": ONE, "卖家:{1}": SellerRecord()}
    assert records.load([]) == {}


def test_a_record_that_another_has_written_meanwhile_is_not_written_over(records: SellerRecords) -> None:
    records.save({}, {"s1": ONE}, [], NOW)
    other = SellerRecord(NOW, 9.0)
    with pytest.raises(StoreUnavailable, match="take the batch again"):
        records.save({}, {"s1": other}, [], NOW)
    assert records.load(["s1"]) == {"s1": ONE}
    records.save({"s1": ONE}, {"s1": other}, [], NOW)
    assert records.load(["s1"]) == {"s1": other}


def test_sellers_that_moved_are_told_from_a_time_on_the_first_moves_first(records: SellerRecords) -> None:
    records.save({}, {"a": ONE, "b": ONE}, ["a"], NOW)
    records.save({}, {"c": ONE}, ["c"], NOW + 5)
    assert records.moved(NOW, 10) == [("a", NOW), ("c", NOW + 5)]
    assert records.moved(NOW + 1, 10) == [("c", NOW + 5)]
    assert records.moved(NOW, 1) == [("a", NOW)]


def test_a_seller_that_moves_again_is_told_once_by_the_last_move(records: SellerRecords) -> None:
    records.save({}, {"a": ONE}, ["a"], NOW)
    records.save({"a": ONE}, {"a": SellerRecord(NOW, 5.0)}, ["a"], NOW + 9)
    assert records.moved(NOW, 10) == [("a", NOW + 9)]
    records.save({"a": SellerRecord(NOW, 5.0)}, {"a": ONE}, [], NOW + 20)
    assert records.moved(NOW, 10) == [("a", NOW + 9)]


def test_a_seller_of_whom_nothing_more_is_heard_goes_with_the_next_ones(tmp_path: Path) -> None:
    with sqlite_records(tmp_path) as records:
        records.save({}, {"old": ONE}, [], NOW)
        records.save({}, {"new": ONE}, [], NOW + 31 * DAY)
        assert records.load(["old", "new"]) == {"new": ONE}
