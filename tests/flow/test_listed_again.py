"""A thing that is listed again is known as such: on its record, in rules, and until the first listing leaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import DAY, HOUR, NOW
from smallpool_core.errors import StoreUnavailable
from smallpool_core.items import ItemEvent
from system_rig import Marketplace, field, knowledge_understander, listing, sold

TITLE = "苹果 iPhone 13 128G 国行 蓝色 电池健康87% 无拆修 配件齐全"
AGAIN = "急出！配件齐全 苹果 iPhone 13 128G 国行 蓝色 电池健康87% 无拆修 包邮"


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Marketplace]:
    with Marketplace(tmp_path, understander=knowledge_understander()) as marketplace:
        yield marketplace


def test_a_repost_names_the_earliest_and_is_worth_less(market: Marketplace) -> None:
    market.take(listing("first", TITLE, published_at=NOW - HOUR))
    market.take(listing("second", AGAIN, published_at=NOW - 2), listing("third", TITLE, published_at=NOW - 1, seller_id="s2"))
    first, second, third = (market.item(item_id) for item_id in ("first", "second", "third"))
    assert [(one.repost_of, one.reposts) for one in (first, second, third)] == [(None, 0), ("first", 1), ("first", 2)]
    assert (first.quality_parts["original"], third.quality_parts["original"]) == (1, 0)
    assert (third.quality or 0) < (first.quality or 0)
    assert market.figures.counts["repost"] == 2


def test_a_pool_may_leave_reposts_out(market: Marketplace) -> None:
    market.take(listing("first", TITLE, published_at=NOW - HOUR), listing("second", AGAIN, published_at=NOW - 1))
    market.put_pool("p", field("reposts", "eq", 0))
    assert market.glance() == ["first"]


def test_when_the_original_is_sold_the_repost_is_one_no_longer(market: Marketplace) -> None:
    market.take(listing("first", TITLE, published_at=NOW - HOUR), listing("second", AGAIN, published_at=NOW - 1))
    assert market.item("second").repost_of == "first"
    market.take(sold("first"))
    again = market.item("second")
    assert (again.repost_of, again.reposts, again.quality_parts["original"]) == (None, 0, 1)


def test_an_original_that_is_understood_again_stays_the_original(market: Marketplace) -> None:
    market.take(listing("first", TITLE, published_at=None), listing("second", AGAIN, published_at=NOW))
    market.clock.advance(DAY)
    again = ItemEvent("enrich", "first", 0, market.clock.now, reason="understand")
    market.take(again)
    assert [market.item(item_id).repost_of for item_id in ("first", "second")] == [None, "first"]


def test_a_repost_that_is_taken_in_before_its_original_is_known_once_that_comes(market: Marketplace) -> None:
    market.take(listing("second", AGAIN, published_at=NOW - 1))
    assert market.item("second").repost_of is None
    market.take(listing("first", TITLE, published_at=NOW - 20_000))
    assert (market.item("second").repost_of, market.item("first").repost_of) == ("first", None)
    understood = market.item("second").enrich
    market.take(listing("first", TITLE, version=2, price_cents=1, published_at=NOW - 20_000))
    assert market.item("second").enrich == understood, "an original that is edited says nothing new of it"


def test_who_dates_a_listing_back_makes_no_repost_of_what_was_there(market: Marketplace) -> None:
    market.take(listing("second", AGAIN, published_at=NOW - 1))
    market.take(listing("first", TITLE, published_at=NOW - HOUR, seller_id="s2"))
    assert market.item("second").repost_of is None


def test_a_listing_that_comes_back_is_known_again(market: Marketplace) -> None:
    market.take(listing("first", TITLE, published_at=NOW - HOUR))
    market.take(sold("first", version=2), listing("first", TITLE, version=3, published_at=NOW - HOUR))
    market.take(listing("second", AGAIN, published_at=NOW - 1))
    assert market.item("second").repost_of == "first"


def test_a_listing_that_is_changed_into_another_thing_is_no_repost(market: Marketplace) -> None:
    market.take(listing("first", TITLE, published_at=NOW - HOUR), listing("second", AGAIN, published_at=NOW - 1))
    market.take(listing("second", AGAIN.replace("128G", "256G"), version=2, published_at=NOW - 1))
    assert market.item("second").repost_of is None


def test_reposts_are_known_across_a_restart(tmp_path: Path) -> None:
    with Marketplace(tmp_path, understander=knowledge_understander()) as market:
        market.take(listing("first", TITLE, published_at=NOW - HOUR))
    with Marketplace(tmp_path, understander=knowledge_understander()) as market:
        market.take(listing("second", AGAIN, published_at=NOW - 1))
        assert market.item("second").repost_of == "first"


def test_without_the_index_listings_are_taken_in_unmarked_and_counted(market: Marketplace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def away(*_: object) -> None:
        asked.append(1)
        raise StoreUnavailable("could not look for reposts: it is away; try again")

    monkeypatch.setattr(market.system.repost_index, "put", away)
    market.take(listing("first", TITLE))
    market.take(listing("second", AGAIN))
    assert market.item("second").repost_of is None
    assert market.figures.counts["reposts_unknown"] == 2
    assert len(asked) == 1  # it is left alone for a while
    monkeypatch.undo()
    market.clock.advance(DAY)
    market.take(listing("third", AGAIN, published_at=NOW - 2))
    assert market.item("third").repost_of is None  # the first two were never told of
    market.take(listing("fourth", AGAIN, published_at=NOW - 1))
    assert market.item("fourth").repost_of == "third"
