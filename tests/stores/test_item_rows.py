"""What the packed rows promise beyond their ports: few bytes, no growth over a long life, one record at a time for a reader."""

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from threading import Thread

import numpy as np
import pytest

from builders import NOW, FakeClock, wide_item
from market import RULES, Market, rule
from smallpool_core.pages import Query, Scope
from smallpool_core.versions import ENRICH_SOLD
from smallpool_stores.memory.columns import ColumnIndex
from smallpool_stores.memory.interned import Interned
from smallpool_stores.memory.listing import ListingRow
from smallpool_stores.memory.removed import Removal, Removals
from smallpool_stores.memory.rows import TAKEN_AT_ONCE, ItemRows
from smallpool_stores.memory.terms import RowTerms, TermColumns, weights_of
from smallpool_stores.sqlite.schema import open_database
from smallpool_stores.sqlite.wide_table import SqliteWideTable
from smallpool_stores.sqlite.wide_tail import SqliteWideTail

POOL = Query(Scope("p", rule({"all": []}), trusted=True), frozenset(), 100, 100, NOW)


def test_an_item_and_its_ten_pools_take_at_most_100_bytes() -> None:
    draw, rows = Random(1), ItemRows()
    rows.take([wide_item(f"i{number}", pools=tuple(f"p{pool}" for pool in draw.sample(range(200), 10))) for number in range(2_000)])
    assert 0 < rows.nbytes / len(rows) <= 100


def test_items_that_come_and_go_leave_nothing_behind() -> None:
    index = ColumnIndex(sweep_floor=16)
    rows, terms = index.rows, index._terms
    for number in range(2_000):
        points = tuple(f"point:{number}-{place}" for place in range(20))
        mine = {"seller_id": f"s{number}", "category": f"其他›{number}", "pools": ("p",), "terms": ("brand:x", *points)}
        index.index([wide_item(f"i{number}", **mine)])
        if number >= 40:
            index.index([wide_item(f"i{number - 40}", enrich=ENRICH_SOLD, state="sold")])
    assert len(rows) == 40
    assert rows.height <= 100
    assert max(len(rows.categories), len(rows.sellers), terms._second_used) <= 100
    assert len(terms.lists()) == len(terms._terms) <= 41 * 20 + 2
    assert len(rows.pool("p").at(NOW)) <= 100
    assert max(len(listed.rows) for listed in terms.lists()) <= 100


def test_a_change_of_values_alone_keeps_the_row_and_frees_the_strings() -> None:
    index = ColumnIndex()
    for number in range(100):
        index.index([wide_item("a", enrich=number, price_cents=number, seller_id=f"s{number}", category=f"其他›{number}", pools=("p",))])
    assert (index.rows.height, len(index.rows.sellers), len(index.rows.categories)) == (1, 1, 1)
    [hit] = index.browse(POOL, "newest").hits
    assert (hit.price_cents, hit.seller_id, hit.category) == (99, "s99", "其他›99")


def test_changes_that_rebear_rows_leave_no_more_than_half_as_many_dead() -> None:
    index = ColumnIndex(sweep_floor=1)
    for enrich in range(40):
        index.index([wide_item(f"i{number}", enrich=enrich, pools=("p", f"q{enrich}")) for number in range(200)])
        assert index.rows.height <= 300 + 4 * TAKEN_AT_ONCE


def test_of_removals_the_last_ones_are_remembered() -> None:
    removals = Removals(kept=10)
    for number in range(100):
        removals.put(f"i{number}", Removal(number, is_expired=False))
    assert [number for number in range(100) if removals.get(f"i{number}") is not None] == list(range(90, 100))
    removals.put("i100", Removal(100, is_expired=False))
    assert [number for number in range(101) if removals.get(f"i{number}") is not None] == list(range(95, 101))


def test_a_string_keeps_its_number_while_it_is_used_and_frees_it_after() -> None:
    interned = Interned()
    assert [interned.take(name) for name in ("a", "b", "a")] == [0, 1, 0]
    assert not interned.give_back(0)
    assert interned.take_all(["c", "a"]) == [2, 0]
    assert not interned.give_back(0)
    assert interned.give_back(0)
    assert interned.find("a") is None
    assert interned.take("d") == 0
    assert [interned.names[number] for number in (0, 1, 2)] == ["d", "b", "c"]


@pytest.mark.parametrize("seed", range(5))
def test_sums_are_the_same_from_lines_and_from_lists(seed: int) -> None:
    draw, columns, expected = Random(seed), TermColumns(), []
    weights = {number: draw.randint(1, 1024) for number in range(1, 30)}
    for row in range(300):
        terms = draw.sample(range(1, 200), draw.randint(0, 32))
        columns.put(row, wide_item(terms=tuple(f"point:{number}" for number in terms)))
        expected.append(sum(weights.get(number, 0) for number in terms))
    rows = np.array(draw.sample(range(300), 200), np.int32)
    asked = columns.asked({f"point:{number}": weight for number, weight in weights.items()})
    wanted = [expected[row] for row in rows]
    assert weights_of(columns._marks_by_lines(RowTerms(rows), asked)).tolist() == wanted
    assert weights_of(columns._marks_by_lists(rows, asked)).tolist() == wanted
    assert weights_of(columns._marks_by_lists(rows, asked)).tolist() == wanted


def test_more_rows_and_terms_than_there_was_room_for_keep_what_was_known() -> None:
    index = ColumnIndex()
    terms = [tuple(f"point:{number}-{place}" for place in range(20)) for number in range(3_000)]
    index.index([wide_item(f"i{number}", pools=("p",), terms=terms[number], price_cents=number) for number in range(3_000)])
    for number in (0, 1_500, 2_999):
        [hit] = index.recall(POOL, {f"point:{number}-0": 1, f"point:{number}-19": 2}).hits
        assert (hit.item_id, hit.price_cents, hit.rank_score) == (f"i{number}", number, 512 * 3)


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads change places as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("eager_threads")
def test_a_reader_sees_each_record_wholly_while_another_thread_writes() -> None:
    index = ColumnIndex(sweep_floor=8)

    def version(number: int) -> None:
        mine = {"pools": ("p", f"q{number % 3}"), "terms": (f"point:{number % 2}",)}
        index.index([wide_item("a", version=number, price_cents=number, static_score=number % 2, **mine)])

    version(1)
    writer = Thread(target=lambda: [version(number) for number in range(2, 4_000)])
    writer.start()
    seen = [index.recall(POOL, {"point:0": 1, "point:1": 1}).hits for _ in range(1_000)]
    writer.join()
    assert all(len(hits) == 1 for hits in seen)
    assert all(hit.price_cents == hit.version and hit.static_score == hit.version % 2 for [hit] in seen)
    assert all(hit.terms == (f"point:{hit.version % 2}",) for [hit] in seen)


def test_columns_loaded_from_the_wide_table_answer_like_those_that_were_fed(tmp_path: Path) -> None:
    market, fed, loaded = Market(3), ColumnIndex(), ColumnIndex()
    database = open_database(tmp_path / "smallpool.db", synchronous="off")
    table = SqliteWideTable(database, FakeClock())
    for _ in range(6):
        records = market.changes(30)
        table.append(records)
        fed.index(records)
    tail = SqliteWideTail(table)
    while page := tail.skim(7, ListingRow):
        loaded.live_view.load(page)
    assert tail.place() == table.end()
    database.close()
    for pool_id, each in RULES.items():
        query = Query(Scope(pool_id, each, trusted=True), frozenset(), 3, 100, NOW)
        weights = market.weights()
        assert loaded.recall(query, weights) == fed.recall(query, weights)
        assert loaded.browse(query, "newest") == fed.browse(query, "newest")
        assert loaded.live_view.look(list(market.items), pool_id, NOW) == fed.live_view.look(list(market.items), pool_id, NOW)
