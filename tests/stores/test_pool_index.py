"""What an index over a pool promises: rows that it holds and rows that came later are answered as one, whatever becomes of either."""

from random import Random

import numpy as np
import pytest

import oracle
from builders import HOUR, NOW, wide_item
from market import RULES, Market, rule
from smallpool_core.items import WideItem
from smallpool_core.pages import Query, Scope
from smallpool_core.versions import ENRICH_SOLD
from smallpool_stores.memory.arrays import FIRST_CAPACITY
from smallpool_stores.memory.columns import ColumnIndex
from smallpool_stores.memory.pool_index import PoolIndex
from smallpool_stores.memory.terms import TermColumns, weights_of

POOL = Query(Scope("p", rule({"all": []}), trusted=True), frozenset(), 100, 100, NOW)
FLOOR = 8


def listed(number: int, **changes: object) -> WideItem:
    return wide_item(f"i{number:03d}", **{"pools": ("p",), "terms": ("point:a",), "static_score": number, **changes})


def indexed(count: int) -> ColumnIndex:
    """So many items in one pool, all of them in its index, which settles again once more than `FLOOR` came."""
    index = ColumnIndex(settle_floor=FLOOR)
    index.index([listed(number) for number in range(count)])
    index.settle()
    assert places(index) == count
    return index


def places(index: ColumnIndex) -> int | None:
    """How many rows the pool's index holds, None where it has none."""
    held = index.rows.pool("p").index
    return None if held is None else len(held.rows)


def ids(index: ColumnIndex, *terms: str) -> list[str]:
    """What recall finds, and browsing by static score if it is without terms."""
    answer = index.recall(POOL, dict.fromkeys(terms, 1)) if terms else index.browse(POOL, "static")
    return [hit.item_id for hit in answer.hits]


@pytest.mark.parametrize(("settle_floor", "sweep_floor"), [(0, 1), (0, 64), (5, 1), (5, 16)])
@pytest.mark.parametrize("seed", range(4))
def test_every_answer_is_the_oracles_whether_rows_are_indexed_or_newer(seed: int, settle_floor: int, sweep_floor: int) -> None:
    market, index = Market(seed, size=150), ColumnIndex(settle_floor=settle_floor, sweep_floor=sweep_floor)
    pools_in_two_parts = 0
    for _ in range(25):
        index.index(market.changes(market.random.choice((3, 20, 60))))
        items = market.items.values()
        for pool_id, each in RULES.items():
            query, weights = market.query(scope=Scope(pool_id, each, trusted=True)), market.weights()
            wanted = [*market.random.sample(sorted(market.items), min(12, len(market.items))), "unknown"]
            assert index.recall(query, weights) == oracle.recall(items, query, weights)
            assert index.browse(query, "newest") == oracle.browse(items, query, "newest")
            assert index.browse(query, "static") == oracle.browse(items, query, "static")
            assert index.pick(query, wanted) == oracle.pick(items, query, wanted)
            pool = index.rows.pool(pool_id)
            pools_in_two_parts += pool.index is not None and pool.settled < len(pool.rows)
    assert pools_in_two_parts > 0


def test_a_pool_is_indexed_at_a_start_if_it_is_large_enough() -> None:
    index = ColumnIndex(settle_floor=FLOOR)
    index.index([listed(number) for number in range(FLOOR)])
    index.settle()
    assert places(index) is None
    index.index([listed(FLOOR)])
    index.settle()
    assert places(index) == FLOOR + 1


def test_newer_rows_are_found_beside_the_index_and_join_it_when_they_are_many() -> None:
    index = indexed(20)
    for number in range(20, 20 + FLOOR):
        index.index([listed(number)])
        assert ids(index, "point:a") == ids(index) == [f"i{known:03d}" for known in range(number, -1, -1)]
        assert places(index) == 20
    index.index([listed(28)])
    assert ids(index, "point:a") == [f"i{known:03d}" for known in range(28, -1, -1)]
    assert places(index) == 29


def test_newer_rows_of_a_large_pool_wait_for_an_eighth_of_it() -> None:
    index = indexed(200)
    index.index([listed(number) for number in range(200, 228)])
    assert (len(ids(index)), places(index)) == (100, 200)
    index.index([listed(228)])
    assert (ids(index)[0], places(index)) == ("i228", 229)


def test_a_record_that_changes_what_an_indexed_row_is_ranked_by_counts_at_once() -> None:
    index = indexed(12)
    index.index([listed(0, enrich=1, static_score=500), listed(1, enrich=1, published_at=NOW)])
    assert ids(index)[0] == "i000"
    assert index.browse(POOL, "newest").hits[0].item_id == "i001"
    assert ids(index, "point:a")[0] == "i000"
    assert places(index) == 12


def test_an_indexed_row_that_was_retagged_or_removed_is_not_found_where_it_was() -> None:
    index = indexed(12)
    index.index([listed(3, enrich=1, pools=("q",)), listed(4, enrich=1, terms=("point:b",)), listed(5, enrich=ENRICH_SOLD, state="sold")])
    assert not {"i003", "i004", "i005"} & set(ids(index, "point:a"))
    assert ids(index, "point:b") == ["i004"]
    assert len(ids(index)) == 10
    assert places(index) == 12


def test_an_indexed_item_that_expires_or_is_not_yet_published_stays_out_while_that_is_so() -> None:
    index = ColumnIndex(settle_floor=FLOOR)
    index.index([listed(0), listed(1, published_at=NOW + HOUR), *map(listed, range(2, 12))])
    index.settle()
    index.index([listed(0, enrich=1, expires_at=NOW)])
    for now, missing in ((NOW - 1, {"i001"}), (NOW, {"i000", "i001"}), (NOW + HOUR, {"i000"})):
        hits = index.recall(Query(POOL.scope, frozenset(), 100, 100, now), {"point:a": 1}).hits
        assert {f"i{number:03d}" for number in range(12)} - {hit.item_id for hit in hits} == missing
    assert places(index) == 12


def test_a_row_number_that_is_given_again_after_a_sweep_is_never_taken_for_the_row_that_died() -> None:
    index = ColumnIndex(settle_floor=0, sweep_floor=1)
    index.index([listed(number) for number in range(40)])
    for number in range(40, 400):
        index.index([listed(number - 40, enrich=ENRICH_SOLD, state="sold"), listed(number, terms=(f"point:{number % 3}",))])
        living = range(number, number - 40, -1)
        assert ids(index) == [f"i{known:03d}" for known in living]
        assert ids(index, "point:0") == [f"i{known:03d}" for known in living if known >= 40 and known % 3 == 0]
    assert index.rows.height < 100


def test_a_number_that_one_term_gives_to_another_finds_nothing_in_an_older_index() -> None:
    index = ColumnIndex(settle_floor=FLOOR)
    index.index([listed(number, terms=("point:a", "point:gone") if number == 0 else ("point:a",)) for number in range(12)])
    index.settle()
    index.index([listed(0, enrich=1), listed(12, terms=("point:new",))])
    assert places(index) == 12
    assert ids(index, "point:new") == ["i012"]
    assert ids(index, "point:gone") == []


def test_a_row_with_two_intervals_comes_once_while_one_of_them_holds() -> None:
    index, intervals = ColumnIndex(settle_floor=2), {"p": ((NOW - 5, NOW - 1), (NOW + 1, NOW + 5))}
    index.index([listed(0), listed(1, intervals=intervals), listed(2), listed(3, intervals={"p": ((NOW, NOW),)})])
    index.settle()
    assert places(index) == 5
    for now, wanted in ((NOW - 1, ["i002", "i001", "i000"]), (NOW, ["i003", "i002", "i000"]), (NOW + 5, ["i002", "i001", "i000"])):
        query = Query(POOL.scope, frozenset(), 100, 100, now)
        assert [hit.item_id for hit in index.browse(query, "static").hits] == wanted
        assert [hit.item_id for hit in index.recall(query, {"point:a": 1}).hits] == wanted
        assert [item.in_pool for item in index.live_view.look(["i001", "i003"], "p", now) if item] == [now != NOW, now == NOW]


@pytest.mark.parametrize("rows", [0, 1, 300, 2**16 + 5])
def test_an_index_sums_the_weights_that_the_lines_of_its_rows_hold(rows: int) -> None:
    draw, columns, expected = Random(rows), TermColumns(), []
    columns.grow(max(rows, FIRST_CAPACITY))
    weights = {f"point:{number}": draw.randint(1, 1024) for number in range(20)}
    for row in range(rows):
        terms = [f"point:{number}" for number in draw.sample(range(200), draw.choice((0, 2, 16, 20)) if rows < 2**16 else 2)]
        columns.put(row, wide_item(terms=tuple(terms)))
        expected.append([term for term in weights if term in terms])
    held = np.arange(rows, dtype=np.int32)
    index = PoolIndex(held, np.zeros(rows, np.int64), np.zeros(rows, np.int64), columns.lines_of(held))
    asked = columns.asked({**weights, "point:unknown": 9})
    found, marks = index.matching(asked)
    assert found.tolist() == [row for row, terms in enumerate(expected) if terms]
    assert weights_of(marks).tolist() == [sum(weights[term] for term in terms) for terms in expected if terms]
    assert asked.members(marks) == [tuple(terms) for terms in expected if terms]
