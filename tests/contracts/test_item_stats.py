"""The promises of the port `ItemStats`, on every adapter; its arithmetic is held to the definition of exponential decay."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from builders import DAY, HOUR, NOW
from redis_cluster import shared_cluster
from redis_rig import Opened, shared_redis
from smallpool_core.ports import Atomic, ItemStats
from smallpool_core.statistics import Responses, StatDelta
from smallpool_core.terms import Trigger
from smallpool_stores.redis.stats import RedisItemStats
from smallpool_stores.redis.triggers import RedisTriggerStore
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.stats import SqliteItemStats

HALF_LIFE_HOURS = 6.0
CENTURY = 36_525 * DAY
SITE = ""


class Adapter(NamedTuple):
    """Statistics with a half-life of six hours, and the transaction that their writes join."""

    stats: ItemStats
    atomic: Atomic


@contextmanager
def sqlite_stats(folder: Path) -> Iterator[Adapter]:
    database = open_database(folder / "smallpool.db")
    yield Adapter(SqliteItemStats(database, half_life_hours=HALF_LIFE_HOURS), database)
    database.close()


@contextmanager
def redis_stats(_: Path, opened: Opened = shared_redis) -> Iterator[Adapter]:
    with opened() as connection:
        yield Adapter(RedisItemStats(connection, half_life_hours=HALF_LIFE_HOURS), RedisTriggerStore(connection))


ADAPTERS = {"sqlite": sqlite_stats, "redis": redis_stats, "redis cluster": partial(redis_stats, opened=shared_cluster)}


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Adapter]:
    with ADAPTERS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
def stats(adapter: Adapter) -> ItemStats:
    return adapter.stats


def delta(item_id: str = "i1", **changes: Any) -> StatDelta:
    """A click of weight 1 on an item without terms, now, in pool p1."""
    return msgspec.structs.replace(StatDelta(item_id, "p1", "click", 1.0, NOW, ()), **changes)


def popular(stats: ItemStats, pool_id: str = "p1", limit: int = 100) -> list[str]:
    return asyncio.run(stats.popular(pool_id, limit))


def popularity(stats: ItemStats, *item_ids: str, pool_id: str = "p1", now: int = NOW) -> dict[str, float]:
    return asyncio.run(stats.responses(pool_id, item_ids, now)).weights


def responses(stats: ItemStats, *item_ids: str, pool_id: str = "p1", now: int = NOW) -> Responses:
    return asyncio.run(stats.responses(pool_id, item_ids, now))


def top_terms(stats: ItemStats, pool_id: str = "p1", limit: int = 100, now: int = NOW) -> list[Trigger]:
    return asyncio.run(stats.top_terms(pool_id, limit, now))


def decayed(deltas: list[StatDelta], now: int) -> float:
    """The definition: each weight halves every half-life."""
    return sum(one.weight * 2 ** (-(now - one.at) / (HALF_LIFE_HOURS * HOUR)) for one in deltas)


def test_without_events_nothing_is_popular(stats: ItemStats) -> None:
    assert popular(stats) == []
    assert popularity(stats, "i1") == {}
    assert top_terms(stats) == []


def test_a_weight_halves_every_half_life(stats: ItemStats) -> None:
    stats.add([delta(weight=8.0)], 0, 0)
    for half_lives, weight in ((0, 8.0), (1, 4.0), (3, 1.0), (6, 0.125)):
        now = NOW + int(half_lives * HALF_LIFE_HOURS * HOUR)
        assert popularity(stats, "i1", now=now) == {"i1": pytest.approx(weight)}


def test_exposures_and_what_all_items_add_up_to_fade_alike(stats: ItemStats) -> None:
    stats.add([delta(weight=8.0), delta("i2", weight=4.0), *[delta("i2", type="expose", weight=0.0)] * 6], 0, 0)
    found = responses(stats, "i1", "i2", "i3")
    assert found.weights == pytest.approx({"i1": 8.0, "i2": 4.0})
    assert found.exposures == pytest.approx({"i2": 6.0})
    assert (found.weight_of_all, found.exposures_of_all) == (pytest.approx(12.0), pytest.approx(6.0))
    later = responses(stats, "i2", now=NOW + int(HALF_LIFE_HOURS * HOUR), pool_id="")
    assert later.exposures == pytest.approx({"i2": 3.0})
    assert (later.weight_of_all, later.exposures_of_all) == pytest.approx((6.0, 3.0))
    assert responses(stats, "i1", pool_id="p2") == Responses()


def test_what_all_items_add_up_to_stays_when_one_leaves(stats: ItemStats) -> None:
    stats.add([delta(weight=8.0), delta(type="expose", weight=0.0)], 0, 0)
    stats.forget(["i1"])
    found = responses(stats, "i1")
    assert (found.weights, found.exposures) == ({}, {})
    assert (found.weight_of_all, found.exposures_of_all) == (pytest.approx(8.0), pytest.approx(1.0))


def test_items_without_events_are_left_out(stats: ItemStats) -> None:
    stats.add([delta("i1")], 0, 0)
    assert popularity(stats, "i1", "i2") == {"i1": pytest.approx(1.0)}


@pytest.mark.parametrize("seed", range(3))
def test_weights_add_up_as_the_definition_says_in_any_order_of_events(stats: ItemStats, seed: int) -> None:
    chance = random.Random(seed)
    deltas = [
        delta(f"i{chance.randrange(5)}", weight=10 ** chance.uniform(-1, 2), at=NOW - chance.randrange(DAY), terms=("t:1", "t:2"))
        for _ in range(200)
    ]
    for offset, one in enumerate(deltas):
        stats.add([one], 0, offset)
    now = NOW + DAY
    expected = {item_id: decayed([one for one in deltas if one.item_id == item_id], now) for item_id in ("i0", "i1", "i2", "i3", "i4")}
    assert popularity(stats, *expected, now=now) == pytest.approx(expected, rel=1e-6)
    assert popular(stats) == sorted(expected, key=lambda item_id: -expected[item_id])
    assert [one.weight for one in top_terms(stats, now=now)] == pytest.approx([decayed(deltas, now)] * 2, rel=1e-6)


def test_the_deltas_of_one_record_add_up_too(stats: ItemStats) -> None:
    stats.add([delta(weight=1.0), delta(weight=2.0, at=NOW - int(HALF_LIFE_HOURS * HOUR)), delta("i2", weight=3.0)], 0, 0)
    assert popularity(stats, "i1", "i2") == {"i1": pytest.approx(2.0), "i2": pytest.approx(3.0)}


def test_time_does_not_change_the_order(stats: ItemStats) -> None:
    chance = random.Random(1)
    deltas = [delta(f"i{number:02}", weight=chance.uniform(0.5, 9), at=NOW - chance.randrange(2 * DAY)) for number in range(30)]
    stats.add(deltas, 0, 0)
    for now in (NOW - 2 * DAY, NOW, NOW + HOUR, NOW + 10 * DAY):
        weights = popularity(stats, *(one.item_id for one in deltas), now=now)
        assert popular(stats) == sorted(weights, key=lambda item_id: -weights[item_id])


def test_equal_weights_are_ordered_by_item_id_as_bytes(stats: ItemStats) -> None:
    stats.add([delta(item_id) for item_id in ("￿", "b", "𝄞", "a", "手", "é", "B")], 0, 0)
    assert popular(stats) == ["B", "a", "b", "é", "手", "￿", "𝄞"]


def test_a_list_is_as_long_as_asked(stats: ItemStats) -> None:
    stats.add([delta(f"i{weight}", weight=weight, terms=(f"t:{weight}",)) for weight in range(1, 6)], 0, 0)
    assert popular(stats, limit=2) == ["i5", "i4"]
    assert [one.term for one in top_terms(stats, limit=2)] == ["t:5", "t:4"]


def ignored(stats: ItemStats, *item_ids: str, exposures: int = 3, pool_id: str = "p1", now: int = NOW) -> set[str]:
    return set(asyncio.run(stats.ignored(pool_id, item_ids, exposures, now)))


def shown(item_id: str = "i1", **changes: Any) -> StatDelta:
    return delta(item_id, **({"type": "expose", "weight": 0.0} | changes))


def test_an_item_is_ignored_once_it_was_shown_so_often_and_nobody_touched_it(stats: ItemStats) -> None:
    stats.add([shown("i1"), shown("i1"), shown("i2")], 0, 0)
    assert ignored(stats, "i1", "i2") == set()
    stats.add([shown("i1")], 0, 1)
    assert ignored(stats, "i1", "i2", "unknown") == {"i1"}
    assert ignored(stats, "i2") == ignored(stats) == set()


def test_a_click_makes_up_for_as_many_exposures_again_and_other_behaviour_by_its_weight(stats: ItemStats) -> None:
    stats.add([*[shown("i1")] * 5, *[shown("i2")] * 11, delta("i1"), delta("i2", type="favourite", weight=3.0)], 0, 0)
    assert ignored(stats, "i1", "i2") == set()
    stats.add([shown("i1"), shown("i2")], 0, 1)
    assert ignored(stats, "i1", "i2") == {"i1", "i2"}
    stats.add([delta("i1")], 0, 2)
    assert ignored(stats, "i1", "i2") == {"i2"}


def test_exposures_fade_by_half_each_half_life(stats: ItemStats) -> None:
    half_life = int(HALF_LIFE_HOURS * HOUR)
    stats.add([*[shown()] * 6, *[shown("i2", at=NOW - half_life)] * 6], 0, 0)
    assert [ignored(stats, "i1", "i2", exposures=most) for most in (3, 4, 6)] == [{"i1", "i2"}, {"i1"}, {"i1"}]
    assert ignored(stats, "i1", "i2", now=NOW + half_life) == {"i1"}
    assert ignored(stats, "i1", "i2", now=NOW + 2 * half_life) == set()


def test_exposures_are_counted_by_pool_and_for_the_whole_site(stats: ItemStats) -> None:
    stats.add([shown(), shown(pool_id="p2"), shown(pool_id=SITE)], 0, 0)
    assert [ignored(stats, "i1", exposures=most, pool_id="p1") for most in (1, 2)] == [{"i1"}, set()]
    assert [ignored(stats, "i1", exposures=most, pool_id=SITE) for most in (3, 4)] == [{"i1"}, set()]


def test_a_forgotten_item_begins_without_exposures_in_every_pool(stats: ItemStats) -> None:
    stats.add([*[shown()] * 3, *[shown(pool_id="p2")] * 3, *[shown("i2")] * 3], 0, 0)
    stats.forget(["i1"])
    assert [ignored(stats, "i1", "i2", pool_id=pool_id) for pool_id in ("p1", "p2", SITE)] == [{"i2"}, set(), {"i2"}]


def test_more_items_may_be_looked_at_than_a_store_takes_as_arguments(stats: ItemStats) -> None:
    stats.add([*[shown("i7")] * 3, *[shown("i2999")] * 3], 0, 0)
    assert ignored(stats, *(f"i{number}" for number in range(3_000))) == {"i7", "i2999"}


def test_the_ranking_of_the_site_is_read_a_page_at_a_time_with_weights_as_of_now(stats: ItemStats) -> None:
    stats.add([delta(f"i{number}", weight=2.0**number, pool_id=f"p{number}") for number in range(5)], 0, 0)
    later = NOW + int(HALF_LIFE_HOURS * HOUR)
    pages = [stats.ranked(skip, 2, later) for skip in (0, 2, 4, 6)]
    assert pages == [[("i4", pytest.approx(8.0)), ("i3", pytest.approx(4.0))], [("i2", pytest.approx(2.0)), ("i1", pytest.approx(1.0))],
                     [("i0", pytest.approx(0.5))], []]  # fmt: skip
    assert stats.ranked(0, 0, later) == []


def test_an_event_counts_for_its_pool_and_for_the_whole_site(stats: ItemStats) -> None:
    stats.add([delta("i1", pool_id="p1", terms=("t:1",)), delta("i1", pool_id="p2"), delta("i2", pool_id="p2", weight=1.5)], 0, 0)
    assert popularity(stats, "i1", "i2") == {"i1": pytest.approx(1.0)}
    assert popularity(stats, "i1", "i2", pool_id="p2") == {"i1": pytest.approx(1.0), "i2": pytest.approx(1.5)}
    assert popularity(stats, "i1", "i2", pool_id=SITE) == {"i1": pytest.approx(2.0), "i2": pytest.approx(1.5)}
    assert (popular(stats, "p1"), popular(stats, "p2"), popular(stats, SITE)) == (["i1"], ["i2", "i1"], ["i1", "i2"])
    assert [one.term for one in top_terms(stats, SITE)] == ["t:1"]
    assert top_terms(stats, "p2") == []


def test_an_event_outside_every_pool_counts_once_for_the_site(stats: ItemStats) -> None:
    stats.add([delta(pool_id=SITE, terms=("t:1",))], 0, 0)
    assert popularity(stats, "i1", pool_id=SITE) == {"i1": pytest.approx(1.0)}
    assert top_terms(stats, SITE) == [Trigger("t:1", pytest.approx(1.0), NOW)]


def exposures(stats: ItemStats, *item_ids: str, pool_id: str = "p1", now: int = NOW) -> dict[str, float]:
    return asyncio.run(stats.exposures(pool_id, item_ids, now))


def test_how_often_items_were_shown_is_told_by_pool_and_fades(stats: ItemStats) -> None:
    shown = [delta("i1", type="expose", weight=0.0), delta("i1", type="expose", weight=0.0), delta("i1", pool_id="p2", type="expose")]
    stats.add([*shown, delta("i2")], 0, 0)
    assert exposures(stats, "i1", "i2", "unknown") == {"i1": pytest.approx(2.0)}
    assert exposures(stats, "i1", pool_id=SITE) == {"i1": pytest.approx(3.0)}
    assert exposures(stats, "i1", now=NOW + int(HALF_LIFE_HOURS * HOUR)) == {"i1": pytest.approx(1.0)}
    assert exposures(stats) == {}
    stats.forget(["i1"])
    assert exposures(stats, "i1") == {}


def test_a_record_that_comes_again_is_ignored_as_a_whole(stats: ItemStats) -> None:
    stats.add([delta()], 0, 7)
    for offset in (7, 6):
        stats.add([delta(terms=("t:1",)), delta("i2")], 0, offset)
    assert popularity(stats, "i1", "i2") == {"i1": pytest.approx(1.0)}
    assert top_terms(stats) == []


def test_each_partition_has_its_own_last_offset(stats: ItemStats) -> None:
    stats.add([delta()], 0, 7)
    stats.add([delta()], 1, 3)
    stats.add([delta()], 1, 3)
    assert popularity(stats, "i1") == {"i1": pytest.approx(2.0)}


def test_a_record_without_effect_changes_nothing(stats: ItemStats) -> None:
    stats.add([], 0, 7)
    assert popular(stats) == []
    stats.add([delta()], 0, 8)
    assert popular(stats) == ["i1"]


def test_what_was_added_in_a_block_that_fails_counts_once_when_it_comes_again(adapter: Adapter) -> None:
    with suppress(ZeroDivisionError), adapter.atomic.atomic():
        adapter.stats.add([delta()], 0, 0)
        adapter.stats.add([delta(pool_id="p2")], 0, 1)
        raise ZeroDivisionError
    for offset, pool_id in enumerate(("p1", "p2", "p1")):
        adapter.stats.add([delta(pool_id=pool_id)], 0, offset)
    assert popularity(adapter.stats, "i1") == {"i1": pytest.approx(2.0)}
    assert popularity(adapter.stats, "i1", pool_id=SITE) == {"i1": pytest.approx(3.0)}


def test_a_forgotten_item_leaves_every_list_and_keeps_its_terms(stats: ItemStats) -> None:
    stats.add([delta("i1", terms=("t:1",)), delta("i2"), delta("i1", pool_id="p2"), delta("i3")], 0, 0)
    stats.forget(["i1", "i3", "unknown", "t:1"])
    assert (popular(stats, "p1"), popular(stats, "p2"), popular(stats, SITE)) == (["i2"], [], ["i2"])
    assert [one.term for one in top_terms(stats)] == ["t:1"]


def test_an_item_that_is_listed_again_starts_from_nothing(stats: ItemStats) -> None:
    stats.add([delta(weight=9.0)], 0, 0)
    stats.forget(["i1"])
    stats.add([delta(weight=1.0)], 0, 1)
    assert popularity(stats, "i1") == {"i1": pytest.approx(1.0)}


@pytest.mark.parametrize("weight", [0.0, -1.0])
def test_an_event_without_weight_makes_nothing_popular(stats: ItemStats, weight: float) -> None:
    stats.add([delta(type="expose", weight=weight, terms=("t:1",))], 0, 0)
    assert (popular(stats), top_terms(stats)) == ([], [])


def test_an_event_without_an_item_moves_terms_alone(stats: ItemStats) -> None:
    stats.add([delta("", type="search", terms=("t:1",))], 0, 0)
    assert popular(stats) == []
    assert [one.term for one in top_terms(stats)] == ["t:1"]


def test_top_terms_are_triggers_as_of_now_with_the_heaviest_first(stats: ItemStats) -> None:
    stats.add([delta(terms=("t:a", "t:c")), delta("i2", weight=2.0, terms=("t:c", "t:b"))], 0, 0)
    later = NOW + int(HALF_LIFE_HOURS * HOUR)
    expected = [Trigger("t:c", 1.5, later), Trigger("t:b", 1.0, later), Trigger("t:a", 0.5, later)]
    found = top_terms(stats, now=later)
    assert [(one.term, one.at) for one in found] == [(one.term, one.at) for one in expected]
    assert [one.weight for one in found] == pytest.approx([one.weight for one in expected])


def test_weights_stay_numbers_however_far_the_clock_is_from_the_events(stats: ItemStats) -> None:
    stats.add([delta("old", at=0), delta("new", at=NOW)], 0, 0)
    assert popularity(stats, "new", now=NOW + CENTURY) == {"new": 0.0}
    assert 0 < popularity(stats, "new", now=0)["new"] < float("inf")
    assert popular(stats)[0] == "new"
