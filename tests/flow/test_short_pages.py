"""Pools that cannot fill a page: each says truly why, and goes on with what it has."""

from collections import Counter

from builders import HOUR, MINUTE, NOW
from read_rig import ids
from system_rig import EVERYTHING, Marketplace, listing, listings, sold


def test_a_pool_of_one_leaf_category_gives_three_a_page_until_it_is_exhausted(market: Marketplace) -> None:
    market.take(*listings(8, per_category=8))
    pages = [market.recall() for _ in range(4)]
    assert [(len(page.items), page.short) for page in pages] == [
        (3, "category_cap"),
        (3, "category_cap"),
        (2, "exhausted"),
        (0, "exhausted"),
    ]
    assert len({item_id for page in pages for item_id in ids(page)}) == 8


def test_a_pool_smaller_than_a_page_is_exhausted_by_it(market: Marketplace) -> None:
    market.take(*listings(7, per_category=1))
    pages = [market.recall() for _ in range(2)]
    assert [(len(page.items), page.short) for page in pages] == [(7, "exhausted"), (0, "exhausted")]


def test_an_empty_pool_is_exhausted(market: Marketplace) -> None:
    page = market.recall()
    assert (page.items, page.short, page.degraded) == ([], "exhausted", [])


def test_whoever_has_seen_everything_is_told_so_until_something_new_comes(market: Marketplace) -> None:
    market.take(*listings(20))
    assert [len(market.page()) for _ in range(3)] == [10, 10, 0]
    market.take(listing("new", category="新"))
    page = market.recall()
    assert (ids(page), page.short) == (["new"], "exhausted")


def test_a_pool_that_repeats_gives_what_was_served_longest_ago_first(market: Marketplace) -> None:
    market.put_pool("p", EVERYTHING, settings={"when_exhausted": "repeat_oldest"})
    market.take(*listings(24, per_category=1))
    served: list[list[str]] = []
    for _ in range(6):
        served.append(market.page())
        market.clock.advance(MINUTE)
    flat = [item_id for page in served for item_id in page]
    assert [len(page) for page in served] == [10] * 6
    assert set(flat[:24]) == set(market.stored())
    assert set(flat[24:30]) == set(flat[:6]), "four new items, then the six of the first page that come first on the seen list"
    assert all(len(set(page)) == 10 for page in served)


def test_a_pool_that_repeats_repeats_nothing_that_is_gone_and_keeps_the_cap(market: Marketplace) -> None:
    market.put_pool("p", EVERYTHING, settings={"when_exhausted": "repeat_oldest"})
    market.take(*listings(9, per_category=3), listing("auction", category="拍", expires_at=NOW + HOUR), listing("bought", category="买"))
    assert len(market.page(size=11)) == 11
    market.take(sold("i0000"))
    market.clock.advance(HOUR)
    page = market.recall(size=11)
    assert sorted(ids(page)) == ["bought", *(f"i{place:04}" for place in range(1, 9))]
    assert page.short == "exhausted"
    assert max(Counter(tuple(item.category) for item in page.items).values()) == 3


def test_a_spread_level_counts_the_first_elements_of_a_category(market: Marketplace) -> None:
    market.put_pool("p", EVERYTHING, settings={"spread_level": 1, "max_per_category": 4})
    market.take(*listings(30, per_category=1))
    page = market.recall()
    assert (len(page.items), page.short) == (4, "category_cap")


def test_a_larger_cap_fills_the_page(market: Marketplace) -> None:
    market.take(*listings(30, per_category=30))
    market.put_pool("p", EVERYTHING, settings={"max_per_category": 10})
    page = market.recall()
    assert (len(page.items), page.short) == (10, None)
