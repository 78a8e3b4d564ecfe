"""What the live view answers without the wide index, held to the oracle of the wide index."""

import pytest
from msgspec.structs import replace

import oracle
from builders import NOW, wide_item
from market import RULES, Market, tagged
from smallpool_core.events import MAX_PRICE_CENTS
from smallpool_core.items import WideItem
from smallpool_core.pages import Query, Scope
from smallpool_stores.memory.live_reader import LiveItemReader
from smallpool_stores.memory.live_view import PackedLiveView
from smallpool_stores.memory.rows import ItemRows

ALL = Query(Scope("all", RULES["all"], trusted=True), frozenset(), 10, 10, NOW)


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
            assert reader.browse(query, "newest") == oracle.browse(items, query, "newest")
            assert reader.browse(query, "static") == oracle.browse(items, query, "static")
            assert reader.pick(query, wanted) == oracle.pick(items, query, wanted)


def test_it_knows_the_home_pool_and_trusted_tags_and_nothing_of_a_rule_whose_tag_is_not() -> None:
    reader = view_of()
    assert reader.knows(Scope("cheap", RULES["cheap"], trusted=True))
    assert reader.knows(Scope("home", RULES["all"], trusted=False, everything=True))
    assert not reader.knows(Scope("cheap", RULES["cheap"], trusted=False))


def test_what_a_hit_shows_of_its_item_is_kept_to_the_last_cent() -> None:
    dear = tagged(wide_item("dear", price_cents=MAX_PRICE_CENTS, quality=1000, seller_score=999, sale="live", static_score=3))
    free = tagged(wide_item("free", price_cents=0, quality=0, seller_score=1, sale="free", static_score=2))
    bare = tagged(wide_item("bare", price_cents=None, quality=None, seller_score=None, sale=None, static_score=1))
    hits = view_of(dear, free, bare).browse(ALL, "static").hits
    assert [(hit.item_id, hit.price_cents, hit.quality, hit.seller_score, hit.sale) for hit in hits] == [
        ("dear", MAX_PRICE_CENTS, 1000, 999, "live"),
        ("free", 0, 0, 1, "free"),
        ("bare", None, 0, 0, None),
    ]


def test_a_change_of_price_alone_is_shown() -> None:
    item = tagged(wide_item("a", price_cents=500))
    reader = view_of(item, replace(item, enrich=1, price_cents=499, sale="auction"))
    assert [(hit.price_cents, hit.sale) for hit in reader.browse(ALL, "static").hits] == [(499, "auction")]


def test_an_imported_record_out_of_all_bounds_keeps_its_neighbours() -> None:
    reader = view_of(tagged(wide_item("wild", price_cents=2**70, quality=-5, seller_score=4_000, sale="fixed")), tagged(wide_item("tame")))
    wild = next(hit for hit in reader.browse(ALL, "static").hits if hit.item_id == "wild")
    assert (wild.price_cents, wild.quality, wild.seller_score, wild.sale) == (MAX_PRICE_CENTS, 0, 1000, "fixed")
