"""The promises of the port `Relations`, on every adapter."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from builders import NOW
from redis_cluster import shared_cluster
from redis_rig import Opened, shared_redis
from smallpool_core.relation_ports import Relations
from smallpool_core.relations import Counted, Generation, Key, Related, RelationKind, RelationList
from smallpool_stores.redis.relations import RedisRelations
from smallpool_stores.sqlite.relations import DROPPED_AT_ONCE, SqliteRelations
from smallpool_stores.sqlite.schema import open_database

KEPT_S = 8 * 86_400
FILES_KEPT_S = 140 * 86_400


@contextmanager
def sqlite_relations(folder: Path) -> Iterator[Relations]:
    database = open_database(folder / "smallpool.db")
    yield SqliteRelations(database)
    database.close()


@contextmanager
def redis_relations(_: Path, opened: Opened = shared_redis) -> Iterator[Relations]:
    with opened() as connection:
        yield RedisRelations(connection, kept_s=KEPT_S, files_kept_s=FILES_KEPT_S)


ADAPTERS = {"sqlite": sqlite_relations, "redis": redis_relations, "redis cluster": partial(redis_relations, opened=shared_cluster)}


@pytest.fixture(params=ADAPTERS)
def relations(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Relations]:
    with ADAPTERS[request.param](tmp_path) as adapter:
        yield adapter


def listed(*item_ids: str, at: int = NOW) -> RelationList:
    """The items in this order."""
    entries = tuple(Counted(item_id, 1 / place, 2.0, 3.5) for place, item_id in enumerate(item_ids, start=1))
    return RelationList(at, 7.25, entries)


def generation(number: int, **changes: int) -> Generation:
    return Generation(**({"number": number, "computed_at": NOW, "covers": NOW, "merged_upto": NOW} | changes))


def serve(relations: Relations, lists: dict[Key, RelationList], now: int = NOW) -> Generation:
    """A generation with these lists, serving."""
    made = generation(relations.begin(now))
    relations.fill(made.number, lists)
    relations.switch(made)
    return made


def ids(relations: Relations, kind: RelationKind, *keys: str, limit: int = 10, pool_id: str = "") -> dict[str, list[str]]:
    found = asyncio.run(relations.related(kind, keys, limit, pool_id))
    return {key: [related.item_id for related in items] for key, items in found.items()}


def test_before_the_first_generation_nothing_is_related_and_that_is_no_error(relations: Relations) -> None:
    assert ids(relations, "view", "i1") == {}
    assert relations.current() is None
    assert asyncio.run(relations.serving()) is None
    assert relations.load([Key("view", "i1")]) == {}


def test_a_list_is_read_as_it_was_written_to_the_last_bit(relations: Relations) -> None:
    keys = [Key("view", "物:{1}"), Key("purchase", "物:{1}"), Key("term", "brand:apple"), Key("view", "物:{1}", "p1")]
    lists = {key: listed(f"a{place}", "b") for place, key in enumerate(keys)}
    made = serve(relations, lists)
    assert relations.load([*keys, Key("view", "stranger")]) == lists
    assert relations.current() == made == asyncio.run(relations.serving())
    assert asyncio.run(relations.related("purchase", ["物:{1}"], 9)) == {"物:{1}": [Related("a1", 1.0), Related("b", 0.5)]}


def test_a_list_is_found_under_its_kind_and_its_pool_alone(relations: Relations) -> None:
    serve(relations, {Key("view", "i1"): listed("site"), Key("view", "i1", "p"): listed("pool"), Key("view", "1", "pi"): listed("other")})
    assert ids(relations, "view", "i1", "stranger") == {"i1": ["site"]}
    assert ids(relations, "view", "i1", pool_id="p") == {"i1": ["pool"]}
    assert ids(relations, "view", "i1", pool_id="pi") == {}
    assert ids(relations, "purchase", "i1") == {}


def test_no_more_than_the_limit_is_given_the_heaviest_first(relations: Relations) -> None:
    serve(relations, {Key("view", "i1"): listed("a", "b", "c"), Key("view", "i2"): listed("d")})
    assert ids(relations, "view", "i1", "i2", limit=2) == {"i1": ["a", "b"], "i2": ["d"]}
    assert ids(relations, "view") == {}


def test_a_generation_serves_from_its_switch_on_and_not_before(relations: Relations) -> None:
    old = serve(relations, {Key("view", "i1"): listed("old"), Key("view", "i2"): listed("old")})
    number = relations.begin(NOW)
    assert number > old.number
    relations.fill(number, {Key("view", "i1"): listed("new")})
    assert ids(relations, "view", "i1", "i2") == {"i1": ["old"], "i2": ["old"]}
    assert relations.load([Key("view", "i1")]) == {Key("view", "i1"): listed("old")}
    relations.switch(generation(number))
    assert ids(relations, "view", "i1", "i2") == {"i1": ["new"]}, "what the new one does not have is gone"
    assert relations.current() == generation(number)


def test_a_generation_that_never_came_to_serve_is_in_nobodys_way(relations: Relations) -> None:
    serve(relations, {Key("view", "i1"): listed("first")})
    relations.fill(relations.begin(NOW + 5), {Key("view", "i1"): listed("left"), Key("view", "i9"): listed("left")})
    assert ids(relations, "view", "i1", "i9") == {"i1": ["first"]}
    serve(relations, {Key("view", "i1"): listed("third")}, NOW + 9)
    assert ids(relations, "view", "i1", "i9") == {"i1": ["third"]}


def test_generations_go_on_changing_places(relations: Relations) -> None:
    for name in ("one", "two", "three", "four"):
        serve(relations, {Key("view", "i1"): listed(name), Key("view", name): listed("own")})
        assert ids(relations, "view", "i1", "one", "two", "three") == {"i1": [name]} | ({name: ["own"]} if name != "four" else {})


def test_a_list_is_replaced_by_a_merge_and_the_others_stay(relations: Relations) -> None:
    made = serve(relations, {Key("view", "i1"): listed("a"), Key("view", "i2"): listed("b")})
    merged = generation(made.number, merged_upto=NOW + 5)
    relations.merge({Key("view", "i1"): listed("c", at=NOW + 5), Key("purchase", "i3"): listed("d")}, merged)
    assert ids(relations, "view", "i1", "i2") == {"i1": ["c"], "i2": ["b"]}
    assert ids(relations, "purchase", "i3") == {"i3": ["d"]}
    assert relations.current() == merged


def test_a_key_that_is_filled_again_has_its_last_list(relations: Relations) -> None:
    number = relations.begin(NOW)
    relations.fill(number, {Key("view", "i1"): listed("a")})
    relations.fill(number, {Key("view", "i1"): listed("b")})
    relations.switch(generation(number))
    assert ids(relations, "view", "i1") == {"i1": ["b"]}


def test_the_first_who_asks_has_the_turn_until_it_is_over(relations: Relations) -> None:
    turn = relations.take_turn(NOW, 3_600_000)
    assert turn is not None
    assert relations.take_turn(NOW + 1, 3_600_000) is None
    relations.end_turn(turn)
    assert relations.take_turn(NOW + 2, 3_600_000) is not None


def test_a_turn_that_is_kept_lasts_and_ends_when_it_is_given_back(relations: Relations) -> None:
    turn = relations.take_turn(NOW, 3_600_000)
    assert turn is not None
    kept = relations.keep_turn(turn, NOW + 1_800_000, 3_600_000)
    assert kept is not None
    assert relations.take_turn(NOW + 1_800_001, 3_600_000) is None
    relations.end_turn(kept)
    assert relations.take_turn(NOW + 1_800_002, 3_600_000) is not None


def test_a_turn_that_another_has_by_now_is_neither_kept_nor_ended(relations: Relations) -> None:
    lost = relations.take_turn(NOW, 3_600_000)
    assert lost is not None
    relations.end_turn(lost)
    others = relations.take_turn(NOW + 5, 3_600_000)
    assert others is not None
    assert relations.keep_turn(lost, NOW + 6, 3_600_000) is None
    relations.end_turn(lost)
    assert relations.take_turn(NOW + 7, 3_600_000) is None
    assert relations.keep_turn(others, NOW + 8, 3_600_000) is not None


def test_a_turn_that_is_kept_in_time_is_not_over_when_it_would_have_been(tmp_path: Path) -> None:
    with sqlite_relations(tmp_path) as relations:
        turn = relations.take_turn(NOW, 1_000)
        assert turn is not None
        assert relations.keep_turn(turn, NOW + 900, 1_000) is not None
        assert relations.take_turn(NOW + 1_500, 1_000) is None
        assert relations.take_turn(NOW + 1_900, 1_000) is not None


def test_a_turn_that_is_over_is_given_again(tmp_path: Path) -> None:
    with sqlite_relations(tmp_path) as relations:
        assert relations.take_turn(NOW, 1_000)
        assert not relations.take_turn(NOW + 999, 1_000)
        assert relations.take_turn(NOW + 1_000, 1_000)
        assert relations.take_turn(NOW - 5_000, 1_000), "the clock was set back"


def test_all_of_a_generation_that_no_longer_serves_is_dropped(tmp_path: Path) -> None:
    database = open_database(tmp_path / "smallpool.db")
    relations = SqliteRelations(database)
    serve(relations, {Key("view", f"i{place}"): listed("a") for place in range(DROPPED_AT_ONCE + 1)})
    serve(relations, {Key("view", "i0"): listed("b")})
    assert database.connection.execute("SELECT count(*) FROM relation_lists").fetchone() == (1,)
    database.close()


def test_every_list_in_redis_ends_by_itself() -> None:
    with shared_redis() as connection:
        relations = RedisRelations(connection, kept_s=KEPT_S, files_kept_s=FILES_KEPT_S)
        serve(relations, {Key("view", "i1"): listed("a")})
        for place in (0, 1):
            [left_ms] = connection.read_now(("PTTL", connection.keys.relation("view", "i1", "", place)))
            assert left_ms == -2 or 0 < left_ms <= KEPT_S * 1000
        [left_ms] = connection.read_now(("PTTL", connection.keys.relations))
        assert 0 < left_ms <= KEPT_S * 1000


def test_in_redis_a_list_made_from_files_stays_for_longer_and_so_does_what_is_added_to_it() -> None:
    with shared_redis() as connection:
        relations = RedisRelations(connection, kept_s=KEPT_S, files_kept_s=FILES_KEPT_S)
        made = Generation(relations.begin(NOW, "files"), NOW, NOW, NOW, source="files")
        relations.fill(made.number, {Key("view", "i1"): listed("a")})
        relations.switch(made)
        relations.merge({Key("view", "i2"): listed("b")}, made)
        names = [connection.keys.relations, *(connection.keys.relation("view", item_id, "", 0) for item_id in ("i1", "i2"))]
        left_ms = connection.read_now(*[("PTTL", name) for name in names])
        assert all(KEPT_S * 1000 < left <= FILES_KEPT_S * 1000 for left in left_ms)
