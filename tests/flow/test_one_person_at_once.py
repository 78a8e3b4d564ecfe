"""Requests of one person that are under way together, and one request that comes twice, over the real stores."""

from collections import Counter
from typing import Any

import pytest

from builders import MINUTE
from read_rig import U1, ids
from smallpool_core.errors import RequestIdReused
from smallpool_core.pages import PAGE_KEPT_MS
from smallpool_core.users import Identity
from smallpool_service.context import Context
from smallpool_service.page import Page
from system_rig import Marketplace, listing, listings, sold


def pages_of(answers: list[Page | BaseException]) -> list[Page]:
    """The answers, none of which may be an error."""
    assert [answer for answer in answers if isinstance(answer, BaseException)] == []
    return [answer for answer in answers if isinstance(answer, Page)]


@pytest.mark.parametrize("stock", [700, 420, 90])
def test_fifty_requests_at_once_share_no_item_and_leave_a_seen_list_of_200_at_most(market: Marketplace, stock: int) -> None:
    market.take(*listings(stock, per_category=5))
    pages = pages_of(market.pages_at_once([{"size": 8}] * 50))
    served = [item_id for page in pages for item_id in ids(page)]
    # More than the list remembers may come again, but never what is among the last 200.
    distinct = min(stock, 200)
    assert len(set(served)) >= distinct
    assert max(Counter(served).values()) <= -(-len(served) // distinct)
    for page in pages:
        assert len(set(ids(page))) == len(page.items)
        assert max(Counter(tuple(item.category) for item in page.items).values(), default=0) <= 3
        assert (page.short is None) == (len(page.items) == 8)
    seen = market.seen()
    assert len(seen) == len(set(seen)) == distinct
    assert market.served_pages() == 50


def test_fifty_requests_that_fit_the_seen_list_are_two_hundred_different_items(market: Marketplace) -> None:
    market.take(*listings(250, per_category=5))
    pages = pages_of(market.pages_at_once([{"size": 4}] * 50))
    served = [item_id for page in pages for item_id in ids(page)]
    assert len(served) == len(set(served)) == 200
    assert sorted(market.seen()) == sorted(served)


def test_two_people_at_once_take_nothing_from_each_other(market: Marketplace) -> None:
    market.take(*listings(40))
    both = [{"identity": Identity(name, None), "size": 5} for name in ("u1", "u2")] * 8
    pages = pages_of(market.pages_at_once(both))
    for turn in (0, 1):
        served = [item_id for page in pages[turn::2] for item_id in ids(page)]
        assert len(served) == len(set(served)) == 40


def test_one_request_that_comes_twice_is_one_page_served_once(market: Marketplace) -> None:
    market.take(*listings(30))
    first = market.recall(request_id="r1")
    market.take(sold(ids(first)[0]))
    market.clock.advance(PAGE_KEPT_MS)
    again = market.recall(request_id="r1", explain=True)
    assert (again.items, again.short, again.replayed) == (first.items, first.short, True)
    assert (market.served_pages(), market.seen()) == (1, ids(first))


def test_one_request_that_comes_twenty_times_at_once_is_one_page_served_once(market: Marketplace) -> None:
    market.take(*listings(60))
    pages = pages_of(market.pages_at_once([{"request_id": "r1"}] * 20))
    assert {tuple(ids(page)) for page in pages} == {tuple(market.seen())}
    assert (len(market.seen()), market.served_pages()) == (10, 1)
    assert sum(page.replayed is True for page in pages) == 19


def test_a_short_page_that_comes_at_once_with_itself_is_short_each_time(market: Marketplace) -> None:
    market.take(*listings(7, per_category=7))
    pages = pages_of(market.pages_at_once([{"request_id": "r1"}] * 5))
    assert {(tuple(ids(page)), page.short) for page in pages} == {(tuple(market.seen()), "category_cap")}


@pytest.mark.parametrize(
    "other",
    [{"size": 9}, {"pool_id": "p", "context": Context("北京")}, {"identity": Identity("u1", "d1")}],
    ids=["size", "context", "device"],
)
def test_one_request_id_with_another_body_is_refused(market: Marketplace, other: dict[str, Any]) -> None:
    market.take(*listings(30))
    market.recall(request_id="r1")
    with pytest.raises(RequestIdReused):
        market.recall(request_id="r1", **other)
    assert len(market.seen()) == 10


def test_of_two_bodies_under_one_request_id_at_once_one_page_is_made(market: Marketplace) -> None:
    market.take(*listings(30))
    answers = market.pages_at_once([{"request_id": "r1", "size": size} for size in (4, 5, 4, 5)])
    pages = [answer for answer in answers if isinstance(answer, Page)]
    assert [type(answer) for answer in answers if not isinstance(answer, Page)] == [RequestIdReused] * 2
    assert {tuple(ids(page)) for page in pages} == {tuple(market.seen())}
    assert market.served_pages() == 1


def test_a_request_id_is_free_again_when_its_page_is_forgotten(market: Marketplace) -> None:
    market.take(*listings(30))
    first = market.page(request_id="r1")
    market.clock.advance(PAGE_KEPT_MS + 1)
    assert set(market.page(request_id="r1")).isdisjoint(first)


def test_items_that_sell_while_pages_are_made_are_on_no_later_page(market: Marketplace) -> None:
    market.take(*listings(120, per_category=1))
    seen: set[str] = set()
    for turn in range(8):
        gone = f"i{turn * 9 % 120:04}"
        market.take(sold(gone), listing(f"new{turn}", category=f"新{turn}", published_at=market.clock.now_ms()))
        page = set(market.page(identity=U1))
        assert gone not in page
        assert page.isdisjoint(seen)
        seen |= page
        market.clock.advance(MINUTE)
    assert len(seen) == 80
