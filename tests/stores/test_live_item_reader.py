"""What the live view answers in the wide index's place, held to the oracle of the wide index."""

import pytest
from msgspec.structs import replace

import oracle
from builders import NOW, wide_item
from market import RULES, Market, tagged
from smallpool_core.items import WideItem
from smallpool_core.pages import Answer, Query, Scope
from smallpool_stores.memory.live_reader import LiveItemReader
from smallpool_stores.memory.live_view import PackedLiveView
from smallpool_stores.memory.rows import ItemRows


def plain(answer: Answer) -> Answer:
    """The answer with no more than the live view knows of an item."""
    hits = [
        replace(
            hit, price_cents=None, sale=None, quality=hit.static_score * 1000 // 511, seller_score=hit.static_score * 1000 // 511, terms=()
        )
        for hit in answer.hits
    ]
    return replace(answer, hits=tuple(hits))


def view_of(*items: WideItem, settle_floor: int = 512) -> LiveItemReader:
    rows = ItemRows(settle_floor=settle_floor)
    PackedLiveView(rows).apply(items)
    return LiveItemReader(rows)


@pytest.mark.parametrize("settle_floor", [0, 512])
@pytest.mark.parametrize("seed", range(8))
def test_every_answer_is_the_oracles_through_a_life_of_changes(seed: int, settle_floor: int) -> None:
    market, rows = Market(seed), ItemRows(settle_floor=settle_floor)
    view, reader = PackedLiveView(rows), LiveItemReader(rows)
    for _ in range(8):
        view.apply(market.changes(25))
        for _ in range(16):
            query = market.query()
            if not reader.knows(query.scope):
                continue
            items = market.items.values()
            wanted = [*market.random.sample(sorted(market.items), min(12, len(market.items))), "unknown"]
            assert reader.browse(query, "newest") == plain(oracle.browse(items, query, "newest"))
            assert reader.browse(query, "static") == plain(oracle.browse(items, query, "static"))
            assert reader.pick(query, wanted) == plain(oracle.pick(items, query, wanted))


def test_it_knows_the_home_pool_and_trusted_tags_and_nothing_of_a_rule_whose_tag_is_not() -> None:
    reader = view_of()
    assert reader.knows(Scope("cheap", RULES["cheap"], trusted=True))
    assert reader.knows(Scope("home", RULES["all"], trusted=False, everything=True))
    assert not reader.knows(Scope("cheap", RULES["cheap"], trusted=False))


def test_the_best_by_static_score_counts_as_the_best_of_quality() -> None:
    reader = view_of(tagged(wide_item("good", static_score=511)), tagged(wide_item("bad", static_score=0)))
    query = Query(Scope("all", RULES["all"], trusted=True), frozenset(), 10, 10, NOW)
    assert [(hit.item_id, hit.quality, hit.seller_score) for hit in reader.browse(query, "static").hits] == [
        ("good", 1000, 1000),
        ("bad", 0, 0),
    ]
