"""The promises of the port `PoolStore`, on every adapter."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from builders import NOW
from small_indices import small_index
from smallpool_core.errors import NotFound, RevisionStale
from smallpool_core.pools import AuditQuery, Ordering, Pool, PoolDraft, PoolSettings, Revision, Tagging
from smallpool_core.ports import PoolStore
from smallpool_core.schedule import Schedule, Window
from smallpool_core.selection import Selection
from smallpool_stores.elasticsearch import pool_documents
from smallpool_stores.elasticsearch.pools import ElasticsearchPoolStore
from smallpool_stores.sqlite.pools import SqlitePoolStore
from smallpool_stores.sqlite.schema import open_database

PHONES = {"field": "category", "op": "prefix", "value": ["数码", "手机"]}
UNTAGGED = Tagging(0, -1)
CHEAP = {"field": "price_cents", "op": "lt", "value": 100_000}


@contextmanager
def sqlite_pool_store(folder: Path) -> Iterator[PoolStore]:
    database = open_database(folder / "smallpool.db")
    yield SqlitePoolStore(database)
    database.close()


@contextmanager
def elasticsearch_pool_store(_folder: Path) -> Iterator[PoolStore]:
    with small_index(pool_documents) as connection:
        store = ElasticsearchPoolStore(connection, partitions=1)
        yield store
        store.close()


ADAPTERS = {"sqlite": sqlite_pool_store, "elasticsearch": elasticsearch_pool_store}


@pytest.fixture(params=ADAPTERS)
def pool_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PoolStore]:
    with ADAPTERS[request.param](tmp_path) as adapter:
        yield adapter


def put(pool_store: PoolStore, pool_id: str = "p1", expected: int | None = None, now: int = NOW, **draft: Any) -> Pool:
    return asyncio.run(pool_store.put(pool_id, PoolDraft(**draft), expected, "ann", "because", now)).pool


def tag(pool_store: PoolStore, pool_id: str, epoch: int, offset: int = 7) -> None:
    pool_store.set_tagged(pool_id, epoch, {0: offset})


def moved(pool_store: PoolStore, after: int) -> list[tuple[str, int, int]]:
    """Pools that moved past an epoch: id, revision, tagged epoch (0: none)."""
    return [(change.pool.pool_id, change.pool.revision, change.tagged.get(0, UNTAGGED).epoch) for change in pool_store.changes(after)]


def test_a_new_pool_is_live_with_defaults_and_holds_nothing_unless_said(pool_store: PoolStore) -> None:
    pool = put(pool_store, "p1")
    assert pool == Pool("p1", "p1", {"any": []}, 1, "live", PoolSettings(), Ordering(), pool.epoch)


def test_a_revision_comes_back_as_it_was_put(pool_store: PoolStore) -> None:
    draft = PoolDraft(
        "手机",
        PHONES,
        "draft",
        PoolSettings(2, 100, 1, "repeat_oldest"),
        Ordering({"match": 2.5}, ("i2", "i1")),
        Selection(("i3",), ("i4",), ("s1",), ("词",)),
        Schedule("Europe/Berlin", (Window("2026-11-11T00:00", "2026-11-12T00:00"),)),
        2,
    )
    revision = asyncio.run(pool_store.put("p1", draft, None, "ann", "opening", NOW))
    assert revision == Revision(revision.pool, "ann", "opening", NOW)
    assert (revision.pool.name, revision.pool.rule, revision.pool.state) == ("手机", PHONES, "draft")
    assert (revision.pool.settings, revision.pool.ordering) == (draft.settings, draft.ordering)
    assert (revision.pool.selection, revision.pool.schedule, revision.pool.priority) == (draft.selection, draft.schedule, 2)
    assert asyncio.run(pool_store.get("p1")) == revision


def test_what_a_draft_leaves_out_keeps_its_value(pool_store: PoolStore) -> None:
    first = put(pool_store, rule=PHONES, state="draft", settings=PoolSettings(max_per_category=5))
    second = put(pool_store, expected=1, name="手机")
    assert (second.name, second.revision) == ("手机", 2)
    assert (second.rule, second.state, second.settings, second.ordering) == (PHONES, "draft", first.settings, first.ordering)


def test_every_revision_is_kept_newest_first(pool_store: PoolStore) -> None:
    put(pool_store, rule=PHONES)
    put(pool_store, "p2")
    put(pool_store, expected=1, rule=CHEAP, now=NOW + 1)
    history = asyncio.run(pool_store.revisions("p1"))
    assert [(one.pool.revision, one.pool.rule, one.at) for one in history] == [(2, CHEAP, NOW + 1), (1, PHONES, NOW)]
    assert asyncio.run(pool_store.get("p1")) == history[0]


def test_a_pool_that_is_not_there_is_not_found(pool_store: PoolStore) -> None:
    for ask in (pool_store.get("p1"), pool_store.revisions("p1")):
        with pytest.raises(NotFound, match="no pool is named 'p1'"):
            asyncio.run(ask)
    with pytest.raises(NotFound):
        put(pool_store, expected=1)
    assert pool_store.epoch() == 0


def test_an_edit_of_an_older_revision_is_refused_and_names_the_newest(pool_store: PoolStore) -> None:
    put(pool_store, rule=PHONES)
    put(pool_store, expected=1, name="mine")
    epoch = pool_store.epoch()
    with pytest.raises(RevisionStale) as raised:
        put(pool_store, expected=1, name="yours")
    assert (raised.value.expected, raised.value.current) == (1, 2)
    assert asyncio.run(pool_store.get("p1")).pool.name == "mine"
    assert pool_store.epoch() == epoch


def test_a_pool_that_exists_is_not_made_anew(pool_store: PoolStore) -> None:
    put(pool_store, rule=PHONES)
    with pytest.raises(RevisionStale) as raised:
        put(pool_store, rule=CHEAP)
    assert raised.value.current == 1
    assert asyncio.run(pool_store.get("p1")).pool.rule == PHONES


def test_of_concurrent_edits_of_one_revision_one_is_taken(pool_store: PoolStore) -> None:
    put(pool_store)

    def edit(number: int) -> bool:
        try:
            put(pool_store, expected=1, name=f"edit {number}")
        except RevisionStale:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(edit, range(8)))
    assert taken.count(True) == 1
    assert [one.pool.name for one in asyncio.run(pool_store.revisions("p1"))] == [f"edit {taken.index(True)}", "p1"]


def test_the_epoch_rises_with_every_revision_and_orders_all_pools(pool_store: PoolStore) -> None:
    assert pool_store.epoch() == 0
    epochs = []
    for pool_id, expected in (("p2", None), ("p1", None), ("p2", 1)):
        epochs.append(put(pool_store, pool_id, expected).epoch)
        assert pool_store.epoch() == epochs[-1]
    assert epochs == sorted(set(epochs))
    assert epochs[0] > 0


def test_changes_are_the_newest_revisions_by_epoch(pool_store: PoolStore) -> None:
    assert moved(pool_store, 0) == []
    for pool_id, expected in (("p2", None), ("p1", None), ("p3", None), ("p2", 1)):
        put(pool_store, pool_id, expected)
    assert moved(pool_store, 0) == [("p1", 1, 0), ("p3", 1, 0), ("p2", 2, 0)]


def test_changes_after_an_epoch_are_what_moved_past_it(pool_store: PoolStore) -> None:
    first = put(pool_store, "p1")
    assert moved(pool_store, first.epoch) == []
    put(pool_store, "p2")
    assert moved(pool_store, first.epoch) == [("p2", 1, 0)]
    assert moved(pool_store, first.epoch - 1) == [("p1", 1, 0), ("p2", 1, 0)]


def test_a_tagging_moves_the_epoch_and_comes_with_the_changes(pool_store: PoolStore) -> None:
    pool, _ = put(pool_store, "p1"), put(pool_store, "p2")
    before = pool_store.epoch()
    tag(pool_store, "p1", pool.epoch)
    assert pool_store.epoch() > before
    assert moved(pool_store, before) == [("p1", 1, pool.epoch)]
    assert asyncio.run(pool_store.get("p1")).pool == pool


def test_changes_come_by_epoch_whatever_was_tagged_last(pool_store: PoolStore) -> None:
    first = put(pool_store, "p1")
    put(pool_store, "p2")
    tag(pool_store, "p1", first.epoch)
    assert moved(pool_store, 0) == [("p1", 1, first.epoch), ("p2", 1, 0)]


def test_a_tagging_said_twice_moves_nothing(pool_store: PoolStore) -> None:
    pool = put(pool_store)
    tag(pool_store, "p1", pool.epoch)
    before = pool_store.epoch()
    tag(pool_store, "p1", pool.epoch)
    tag(pool_store, "nowhere", pool.epoch)
    assert pool_store.epoch() == before


def test_a_tagging_says_up_to_where_items_carry_the_tag(pool_store: PoolStore) -> None:
    pool = put(pool_store)
    assert [(change.tagged, change.partitions) for change in pool_store.changes(0)] == [({}, 1)]
    tag(pool_store, "p1", pool.epoch, offset=41)
    assert [(change.tagged, change.partitions) for change in pool_store.changes(0)] == [({0: Tagging(pool.epoch, 41)}, 1)]


@pytest.mark.parametrize("offset", [40, 42])
def test_a_tagging_never_moves_for_the_same_revision(pool_store: PoolStore, offset: int) -> None:
    pool = put(pool_store)
    tag(pool_store, "p1", pool.epoch, offset=41)
    before = pool_store.epoch()
    tag(pool_store, "p1", pool.epoch, offset)
    assert pool_store.epoch() == before
    assert pool_store.changes(0)[0].tagged == {0: Tagging(pool.epoch, 41)}


def test_a_tagging_of_no_partition_moves_nothing(pool_store: PoolStore) -> None:
    pool = put(pool_store)
    before = pool_store.epoch()
    pool_store.set_tagged("p1", pool.epoch, {})
    assert pool_store.epoch() == before


@pytest.mark.parametrize("pool_id", ["a#1", "a#tagged", "a/b?c=d&e", "..", "_all", " x ", "闲置好物", "\U0001f4f1" * 128, "%2F\\\"'"])
def test_a_pool_id_may_hold_what_any_text_may(pool_store: PoolStore, pool_id: str) -> None:
    for expected in (None, 1):
        put(pool_store, "a", expected)
    first = put(pool_store, pool_id)
    second = put(pool_store, pool_id, 1, name="again")
    tag(pool_store, pool_id, second.epoch)
    assert [one.pool for one in asyncio.run(pool_store.revisions(pool_id))] == [second, first]
    assert moved(pool_store, 0) == [("a", 2, 0), (pool_id, 2, second.epoch)]


def test_a_tagging_of_an_older_revision_is_ignored(pool_store: PoolStore) -> None:
    first = put(pool_store)
    put(pool_store, expected=1, rule=PHONES)
    before = pool_store.epoch()
    tag(pool_store, "p1", first.epoch)
    assert pool_store.epoch() == before
    assert moved(pool_store, 0) == [("p1", 2, 0)]


def test_a_new_revision_keeps_what_the_old_one_was_tagged_by_and_needs_its_own_tagging(pool_store: PoolStore) -> None:
    first = put(pool_store)
    tag(pool_store, "p1", first.epoch)
    second = put(pool_store, expected=1, rule=PHONES)
    assert moved(pool_store, 0) == [("p1", 2, first.epoch)]
    assert first.epoch < second.epoch
    tag(pool_store, "p1", second.epoch)
    assert moved(pool_store, 0) == [("p1", 2, second.epoch)]


def test_an_epoch_after_a_tagging_is_new_to_every_pool(pool_store: PoolStore) -> None:
    first = put(pool_store, "p1")
    tag(pool_store, "p1", first.epoch)
    tagged_at = pool_store.epoch()
    second = put(pool_store, "p2")
    assert second.epoch > tagged_at
    assert moved(pool_store, tagged_at) == [("p2", 1, 0)]


def audit(pool_store: PoolStore, limit: int = 100, **asked: Any) -> list[tuple[str, int]]:
    """Pool and revision of each record."""
    return [(one.pool.pool_id, one.pool.revision) for one in asyncio.run(pool_store.audit(AuditQuery(limit, **asked)))]


def written(pool_store: PoolStore) -> list[Pool]:
    """Four revisions of three pools, a minute apart, the second of them by bob, and a tagging between them."""
    made = []
    for number, (pool_id, expected, author) in enumerate(
        (("b", None, "ann"), ("a", None, "bob (k_1)"), ("b", 1, "ann"), ("c", None, "ann"))
    ):
        put_by = pool_store.put(pool_id, PoolDraft(rule=CHEAP), expected, author, f"reason {number}", NOW + 60_000 * number)
        made.append(asyncio.run(put_by).pool)
        tag(pool_store, pool_id, made[-1].epoch)
    return made


def test_the_audit_has_every_revision_of_every_pool_newest_first(pool_store: PoolStore) -> None:
    assert audit(pool_store) == []
    made = written(pool_store)
    records = asyncio.run(pool_store.audit(AuditQuery(100)))
    assert [one.pool for one in records] == made[::-1]
    assert (records[2].author, records[2].reason, records[2].at) == ("bob (k_1)", "reason 1", NOW + 60_000)


def test_the_audit_goes_on_before_an_epoch(pool_store: PoolStore) -> None:
    made = written(pool_store)
    assert audit(pool_store, 2) == [("c", 1), ("b", 2)]
    assert audit(pool_store, 2, before=made[2].epoch) == [("a", 1), ("b", 1)]
    assert audit(pool_store, 2, before=made[0].epoch) == []


def test_the_audit_of_some_pools_of_one_author_or_since_a_time(pool_store: PoolStore) -> None:
    written(pool_store)
    assert audit(pool_store, pool_ids=frozenset({"b", "c", "nowhere"})) == [("c", 1), ("b", 2), ("b", 1)]
    assert audit(pool_store, pool_ids=frozenset()) == []
    assert audit(pool_store, author="bob (k_1)") == [("a", 1)]
    assert audit(pool_store, author="bob") == []
    assert audit(pool_store, since=NOW + 60_000) == [("c", 1), ("b", 2), ("a", 1)]
    assert audit(pool_store, pool_ids=frozenset({"b"}), author="ann", since=NOW + 1) == [("b", 2)]
