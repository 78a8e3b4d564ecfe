"""The promises of the port `RepostIndex`, on every adapter."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from builders import NOW
from redis_cluster import shared_cluster
from redis_rig import Opened, shared_redis
from smallpool_core.market_ports import RepostIndex
from smallpool_core.reposts import MOST_ALIKE, MOST_COMPARED, Listing, Sketch
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.reposts import RedisRepostIndex
from smallpool_stores.sqlite.reposts import SqliteRepostIndex
from smallpool_stores.sqlite.schema import open_database

KEPT_S = 3_600
BIG = 2**63 - 1


@contextmanager
def sqlite_index(folder: Path) -> Iterator[RepostIndex]:
    database = open_database(folder / "smallpool.db")
    yield SqliteRepostIndex(database, kept_s=KEPT_S)
    database.close()


@contextmanager
def redis_index(_: Path, opened: Opened = shared_redis) -> Iterator[RepostIndex]:
    with opened() as connection:
        yield RedisRepostIndex(connection, kept_s=KEPT_S)


ADAPTERS = {"sqlite": sqlite_index, "redis": redis_index, "redis cluster": partial(redis_index, opened=shared_cluster)}


@pytest.fixture(params=ADAPTERS)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RepostIndex]:
    with ADAPTERS[request.param](tmp_path) as adapter:
        yield adapter


@pytest.fixture
def redis_server() -> Iterator[RedisConnection]:
    with shared_redis() as connection:
        yield connection


def listing(item_id: str = "a", bands: tuple[int, ...] = (1, 2, 3), published_at: int = NOW, **weights: int) -> Listing:
    return Listing(
        item_id, "s1", published_at, Sketch(bands, {1: 2} | {hash(name) % 100: one for name, one in weights.items()}, {"number": ("128",)})
    )


def ids(listings: list[Listing]) -> list[str]:
    return sorted(one.item_id for one in listings)


def test_a_listing_is_told_of_those_that_share_a_band_whole_as_they_were_put(index: RepostIndex) -> None:
    first = listing("a", (BIG, 0, 7))
    index.put([first, listing("far", (8, 9, 10))], NOW)
    assert index.put([listing("b", (BIG, 11, 12))], NOW) == [[first]]


def test_a_band_is_another_one_in_another_place(index: RepostIndex) -> None:
    index.put([listing("a", (1, 2, 3))], NOW)
    assert index.alike(listing("b", (4, 5, 3))) != []
    assert index.alike(listing("b", (4, 5, 6))) == []


def test_listings_of_one_call_are_told_of_each_other_and_never_of_themselves(index: RepostIndex) -> None:
    a, b, c = index.put([listing("a"), listing("b", (1, 5, 6)), listing("c", (7, 8, 9))], NOW)
    assert (ids(a), ids(b), ids(c)) == (["b"], ["a"], [])


def test_putting_a_listing_again_replaces_what_it_said(index: RepostIndex) -> None:
    index.put([listing("a")], NOW)
    index.put([listing("a", x=9)], NOW)
    [found] = index.alike(listing("b"))
    assert found == listing("a", x=9)


def test_a_listing_that_left_is_found_no_more_and_returned_once(index: RepostIndex) -> None:
    index.put([listing("a"), listing("b")], NOW)
    assert ids(index.forget(["a", "stranger"])) == ["a"]
    assert ids(index.alike(listing("c"))) == ["b"]
    assert index.forget(["a"]) == []


def test_of_many_in_a_band_the_earliest_are_told(index: RepostIndex) -> None:
    many = [listing(f"i{place:03}", (1, 100 + place, 5_000 + place), NOW + place) for place in range(MOST_ALIKE + 5)]
    index.put(many[::-1], NOW)
    found = ids(index.alike(listing("x", (1, 2, 3))))
    assert found == [f"i{place:03}" for place in range(MOST_COMPARED)]


def test_those_that_share_more_bands_are_told_before_the_earlier_ones(index: RepostIndex) -> None:
    index.put([listing(f"i{place}", (1, 100 + place, 5_000 + place), NOW + place) for place in range(MOST_ALIKE - 1)], NOW)
    [told] = index.put([listing("x", (1, 2, 3), NOW + 900)], NOW)
    assert ids(told) == [f"i{place}" for place in range(MOST_COMPARED)]
    index.put([listing("near", (7, 2, 3), NOW + 800)], NOW)
    assert [one.item_id for one in index.alike(listing("x", (1, 2, 3)))][:2] == ["near", "i0"]


def test_a_listing_that_says_nothing_is_alone(index: RepostIndex) -> None:
    assert index.put([listing("a", ()), listing("b", ())], NOW) == [[], []]
    assert ids(index.forget(["a"])) == ["a"]
    assert index.put([], NOW) == []


def test_ids_of_any_letters_are_kept_apart(index: RepostIndex) -> None:
    odd = ["{a}", "a:b", "a\x00", "商品", "a"]
    index.put([listing(item_id) for item_id in odd], NOW)
    assert ids(index.alike(listing("x"))) == sorted(odd)


def test_of_a_listing_that_left_as_many_are_told_as_a_band_has(index: RepostIndex) -> None:
    index.put([listing(f"i{place:02}", (1, 2, 3), NOW + place) for place in range(MOST_COMPARED + 9)], NOW)
    [gone] = index.forget(["i00"])
    assert len(index.alike(gone, MOST_ALIKE)) == MOST_COMPARED + 8


def test_listings_that_ended_by_themselves_take_no_place(redis_server: RedisConnection) -> None:
    index = RedisRepostIndex(redis_server, kept_s=KEPT_S)
    index.put([listing(f"old{place}", (1, 2, 3), NOW + place) for place in range(MOST_COMPARED)], NOW)
    index.put([listing("original", (1, 2, 9), NOW + 100)], NOW)
    redis_server.write_now(*[("UNLINK", redis_server.keys.listing(f"old{place}")) for place in range(MOST_COMPARED)])
    assert index.put([listing("copy", (1, 2, 3), NOW + 200)], NOW) == [[listing("original", (1, 2, 9), NOW + 100)]]
    assert ids(index.alike(listing("x"))) == ["copy", "original"]


def test_what_was_put_outlives_the_process(tmp_path: Path) -> None:
    for _ in range(2):
        with sqlite_index(tmp_path) as index:
            index.put([listing("a")], NOW)
    with sqlite_index(tmp_path) as index:
        assert ids(index.alike(listing("b"))) == ["a"]


def test_a_listing_past_its_time_goes_with_the_next_ones(tmp_path: Path) -> None:
    with sqlite_index(tmp_path) as index:
        index.put([listing("old")], NOW)
        index.put([listing("new")], NOW + KEPT_S * 1000)
        assert ids(index.alike(listing("x"))) == ["new"]
