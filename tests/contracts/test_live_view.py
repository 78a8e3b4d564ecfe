"""The promises of the port `LiveView`, on every adapter."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace

import oracle
from builders import HOUR, NOW, wide_item
from market import NOWS, RULES, Market, tagged
from smallpool_core.cuts import CUT_BYS
from smallpool_core.items import WideItem
from smallpool_core.pages import LiveItem, Query, Scope
from smallpool_core.pools import HOME
from smallpool_core.ports import LiveView
from smallpool_core.versions import ENRICH_EXPIRED, ENRICH_SOLD
from smallpool_stores.memory.columns import ColumnIndex
from smallpool_stores.memory.live_view import SAMPLED_OF, PackedLiveView

ADAPTERS: dict[str, Callable[[], LiveView]] = {"packed": PackedLiveView, "packed, of a column index": lambda: ColumnIndex().live_view}


@pytest.fixture(params=ADAPTERS)
def view(request: pytest.FixtureRequest) -> LiveView:
    return ADAPTERS[request.param]()


def seen(view: LiveView, item_id: str = "a", pool_id: str = "all", now: int = NOW) -> LiveItem:
    [found] = view.look([item_id], pool_id, now)
    assert found is not None
    return found


def test_an_item_never_seen_is_none_and_each_answer_keeps_its_place(view: LiveView) -> None:
    view.apply([wide_item("a"), wide_item("b")])
    found = view.look(["b", "unknown", "a", "b"], "all", NOW)
    assert [item and item.item_id for item in found] == ["b", None, "a", "b"]


def test_a_look_says_all_that_is_known(view: LiveView) -> None:
    view.apply([tagged(wide_item("a", version=7, enrich=3, seller_id="s9", category="文玩›手串", expires_at=NOW + HOUR))])
    assert seen(view) == LiveItem(
        item_id="a",
        version=7,
        enrich=3,
        is_on_sale=True,
        in_pool=True,
        is_expired=False,
        expires_at=NOW + HOUR,
        seller_id="s9",
        spread_key="文玩›手串",
    )


def test_an_older_record_never_overwrites_a_newer_one(view: LiveView) -> None:
    view.apply([wide_item("a", version=2, enrich=1, seller_id="new")])
    view.apply([wide_item("a", version=2, enrich=0, seller_id="old"), wide_item("a", version=1, enrich=9, seller_id="older")])
    assert (seen(view).version, seen(view).enrich, seen(view).seller_id) == (2, 1, "new")


def test_of_equal_pairs_the_first_wins(view: LiveView) -> None:
    view.apply([wide_item("a", seller_id="first")])
    view.apply([wide_item("a", seller_id="second")])
    assert seen(view).seller_id == "first"


def test_a_removed_item_is_known_by_its_pair_and_is_not_on_sale(view: LiveView) -> None:
    view.apply([tagged(wide_item("a", version=3))])
    view.apply([wide_item("a", version=3, enrich=ENRICH_SOLD, state="sold")])
    found = seen(view)
    assert (found.version, found.enrich, found.is_on_sale, found.in_pool, found.is_expired) == (3, ENRICH_SOLD, False, False, False)
    assert view.size("all", NOW) == 0


def test_a_removal_that_comes_before_its_listing_keeps_it_away(view: LiveView) -> None:
    view.apply([wide_item("a", version=3, enrich=ENRICH_SOLD, state="sold")])
    view.apply([tagged(wide_item("a", version=3))])
    assert not seen(view).is_on_sale
    view.apply([tagged(wide_item("a", version=4))])
    assert seen(view).is_on_sale


def test_an_item_recorded_as_expired_says_so(view: LiveView) -> None:
    view.apply([wide_item("a", enrich=ENRICH_EXPIRED, state="expired", expires_at=NOW - HOUR)])
    assert (seen(view).is_on_sale, seen(view).is_expired) == (False, True)


def test_publication_and_expiry_are_by_the_clock_to_the_millisecond(view: LiveView) -> None:
    view.apply([wide_item("a", published_at=NOW, expires_at=NOW + HOUR)])
    found = {now: (seen(view, now=now).is_on_sale, seen(view, now=now).is_expired) for now in (NOW - 1, NOW, NOW + HOUR - 1, NOW + HOUR)}
    assert found == {NOW - 1: (False, False), NOW: (True, False), NOW + HOUR - 1: (True, False), NOW + HOUR: (False, True)}


def test_membership_in_a_pool_with_intervals_holds_at_both_their_ends(view: LiveView) -> None:
    view.apply([wide_item("a", pools=("p",), intervals={"p": ((NOW, NOW + 10), (NOW + 20, NOW + 30))})])
    held = [offset for offset in (-1, 0, 10, 11, 19, 20, 30, 31) if seen(view, pool_id="p", now=NOW + offset).in_pool]
    assert held == [0, 10, 20, 30]


def test_a_pool_that_comes_to_depend_on_time_keeps_what_was_in_it(view: LiveView) -> None:
    view.apply([wide_item("a", pools=("p",))])
    view.apply([wide_item("b", pools=("p",), intervals={"p": ((NOW, NOW),)}), wide_item("c", pools=("p",), intervals={"p": ()})])
    assert [item and item.in_pool for item in view.look(["a", "b", "c"], "p", NOW)] == [True, True, False]
    assert [item and item.in_pool for item in view.look(["a", "b", "c"], "p", NOW + 1)] == [True, False, False]
    assert (view.size("p", NOW), view.size("p", NOW + 1)) == (2, 1)


def test_a_retag_takes_an_item_out_of_one_pool_and_into_another(view: LiveView) -> None:
    view.apply([wide_item("a", pools=("p", "q"))])
    view.apply([wide_item("a", enrich=1, pools=("q", "r"))])
    assert [seen(view, pool_id=pool_id).in_pool for pool_id in "pqr"] == [False, True, True]
    assert [view.size(pool_id, NOW) for pool_id in "pqr"] == [0, 1, 1]


def test_home_holds_every_item(view: LiveView) -> None:
    view.apply([wide_item("a"), wide_item("b", published_at=NOW + 1)])
    assert seen(view, pool_id=HOME).in_pool
    assert view.size(HOME, NOW) == 1


def test_an_unknown_pool_is_empty(view: LiveView) -> None:
    view.apply([wide_item("a")])
    assert not seen(view, pool_id="unknown").in_pool
    assert view.size("unknown", NOW) == 0


@pytest.mark.parametrize("seed", range(6))
def test_looks_and_sizes_agree_with_the_records_through_a_life_of_changes(view: LiveView, seed: int) -> None:
    market = Market(seed)
    for _ in range(10):
        view.apply(market.changes(20))
        now = market.random.choice(NOWS)
        for pool_id, rule in RULES.items():
            scope = Scope(pool_id, rule, trusted=True)
            on_sale = {item.item_id: oracle.is_on_sale(item, now) for item in market.items.values()}
            in_pool = {item.item_id: item.state == "on_sale" and oracle.is_in_scope(item, scope, now) for item in market.items.values()}
            found = [item for item in view.look(list(market.items), pool_id, now) if item is not None]
            assert {item.item_id: (item.version, item.enrich) for item in found} == {key: item.order for key, item in market.items.items()}
            assert {item.item_id: item.is_on_sale for item in found} == on_sale
            assert {item.item_id: item.in_pool for item in found} == in_pool
            assert view.size(pool_id, now) == sum(on_sale[item_id] and in_pool[item_id] for item_id in on_sale)


@pytest.mark.parametrize("seed", range(4))
def test_cut_offs_and_what_is_within_them_agree_with_the_records(view: LiveView, seed: int) -> None:
    market = Market(seed)
    for _ in range(5):
        view.apply(market.changes(40))
        now = market.random.choice(NOWS)
        for pool_id, by in product(("all", "twice"), CUT_BYS):
            scope = Scope(pool_id, RULES[pool_id], trusted=True)
            held = [item for item in market.items.values() if oracle.is_on_sale(item, now) and oracle.is_in_scope(item, scope, now)]
            size = market.random.choice((1, 4, 20))
            cut = view.cut_off(pool_id, by, size, now)
            assert cut == oracle.cut_off(held, by, size, now)
            assert view.size(pool_id, now, cut) == sum(cut is None or cut.holds(item) for item in held)
            looked = view.look([item.item_id for item in held], pool_id, now, cut)
            assert [item and item.is_cut for item in looked] == [cut is not None and not cut.holds(item) for item in held]


def test_a_removal_is_a_newer_record_than_any_change_of_its_version(view: LiveView) -> None:
    listing = tagged(wide_item("a"))
    view.apply([replace(listing, state="withdrawn", enrich=2**20 - 4)])
    view.apply([replace(listing, enrich=2**20 - 9)])
    assert not seen(view).is_on_sale


def sampled(view: LiveView, seed: int, **changes: Any) -> list[str]:
    query = replace(Query(Scope("all", RULES["all"], trusted=True), frozenset(), cap=9, limit=99, now=NOW), **changes)
    return [hit.item_id for hit in view.sample(query, seed).hits]


def shelved(count: int, **changes: Any) -> list[WideItem]:
    items = [wide_item(f"i{place:02}", category=f"c{place}", published_at=NOW - place, **changes) for place in range(count)]
    return [tagged(item) for item in items]


def test_a_sample_is_another_order_for_another_seed_and_the_same_for_the_same_one_whatever_came_before(view: LiveView) -> None:
    view.apply(shelved(40))
    orders = {seed: sampled(view, seed) for seed in (1, 2, 2**63 - 1)}
    assert all(sorted(order) == [f"i{place:02}" for place in range(40)] for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) == 3
    view.apply([replace(item, version=9, state="sold") for item in shelved(20)])
    view.apply([replace(item, version=10) for item in shelved(20)][::-1])
    assert {seed: sampled(view, seed) for seed in orders} == orders


def test_every_item_comes_first_now_and_then(view: LiveView) -> None:
    view.apply(shelved(10))
    assert {sampled(view, seed * 7919, limit=1)[0] for seed in range(200)} == {f"i{place:02}" for place in range(10)}


def test_a_sample_holds_what_the_query_allows_and_says_whether_there_is_more(view: LiveView) -> None:
    view.apply([*shelved(6), tagged(wide_item("over", expires_at=NOW)), wide_item("elsewhere", pools=())])
    assert sorted(sampled(view, 1, excluded=frozenset({"i00"}))) == ["i01", "i02", "i03", "i04", "i05"]
    assert "elsewhere" in sampled(view, 1, scope=Scope(HOME, RULES["all"], trusted=True, everything=True))
    query = Query(Scope("all", RULES["all"], trusted=True), frozenset(), cap=9, limit=6, now=NOW)
    assert [view.sample(replace(query, limit=limit), 1).exhausted for limit in (5, 6)] == [False, True]


@pytest.mark.parametrize("apart_ms", [0, 1], ids=["listed at once", "one after another"])
def test_of_a_scope_with_very_many_items_some_are_looked_at(apart_ms: int) -> None:
    view = PackedLiveView()
    items = [wide_item(f"i{place}", published_at=NOW - place * apart_ms, price_cents=place) for place in range(2 * SAMPLED_OF)]
    view.load([tagged(replace(item, category=f"c{place % 7}")) for place, item in enumerate(items)])
    looked_at = [sampled(view, seed, limit=3) for seed in range(12)]
    assert all(looked_at)
    assert len({item_id for some in looked_at for item_id in some}) > 20
