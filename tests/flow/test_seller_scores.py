"""Orders, ratings and answers make a seller's score, and the seller's listings and the pools that ask for it follow."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import HOUR, NOW
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import encode_seller_event
from smallpool_core.sellers import SellerEvent
from system_rig import Marketplace, field, listing


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Marketplace]:
    with Marketplace(tmp_path) as marketplace:
        yield marketplace


def tell(market: Marketplace, kind: str, times: int = 1, seller_id: str = "s1", **more: int) -> None:
    """So many events of one seller come in; what follows from them is there some seconds later."""
    event = SellerEvent(kind, seller_id, NOW, **more)  # type: ignore[arg-type]
    market.system.log.append_now("seller-events", [(seller_id, encode_seller_event(event))] * times, NOW)
    market.settle()
    market.clock.advance(3_000)
    market.settle()


def test_disputes_come_in_and_the_static_score_and_a_pool_of_good_sellers_follow(market: Marketplace) -> None:
    tell(market, "completed", 60)
    tell(market, "rated", 30, stars=5)
    market.take(listing("i1"), listing("i2", category="耳机"), listing("other", category="相机", seller_id="s2"))
    market.put_pool("p", field("seller_score", "gte", 0.8))
    good = market.item("i1")
    assert (good.seller_score or 0) >= 800
    assert good.seller_parts["orders"] > 0.9
    assert sorted(market.glance()) == ["i1", "i2"]
    tell(market, "disputed", 20)
    fallen = market.item("i1")
    assert (fallen.seller_score or 0) < 700
    assert fallen.seller_parts["orders"] < good.seller_parts["orders"]
    assert fallen.static_score < good.static_score
    assert (fallen.version, fallen.enrich > good.enrich) == (good.version, True)
    assert market.glance() == []
    assert market.item("other").seller_score == 500


def test_a_listing_of_a_new_seller_is_worth_what_the_prior_says(market: Marketplace) -> None:
    market.take(listing("i1"), listing("i2", seller_id=None))
    assert [market.item(item_id).seller_score for item_id in ("i1", "i2")] == [500, 500]
    assert market.item("i1").seller_parts == {"orders": 0.5, "rating": 0.5, "answers": 0.5}


def test_a_small_move_writes_no_listing_anew(market: Marketplace) -> None:
    market.take(listing("i1"))
    before = market.item("i1")
    tell(market, "answered", answer_s=60)
    assert market.item("i1") == before


def test_many_listings_of_one_seller_all_follow(market: Marketplace) -> None:
    market.take(*[listing(f"i{place:02}", category=f"类{place}") for place in range(30)])
    tell(market, "completed", 60)
    assert {market.item(f"i{place:02}").seller_score for place in range(30)} == {market.item("i00").seller_score}
    assert (market.item("i00").seller_score or 0) > 700


def test_an_event_that_is_none_is_a_dead_letter_and_costs_no_other(market: Marketplace) -> None:
    market.system.log.append_now("seller-events", [("s1", b"{}"), ("s9", encode_seller_event(SellerEvent("completed", "s1", NOW)))], NOW)
    tell(market, "completed", 60)
    assert [letter.field for letter in market.dead_letters()] == ["type", "(key)"]
    assert market.system.seller_records.load(["s1"])["s1"].completed == pytest.approx(60, rel=0.01)


def test_sellers_are_known_across_a_restart_and_their_listings_too(tmp_path: Path) -> None:
    with Marketplace(tmp_path) as market:
        market.take(listing("i1"))
        tell(market, "completed", 60)
    with Marketplace(tmp_path) as market:
        market.clock.advance(HOUR)
        market.take(listing("i2"))
        assert market.item("i2").seller_score == market.item("i1").seller_score


def test_without_the_records_a_listing_is_taken_in_at_the_prior_and_counted(market: Marketplace, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(market, "completed", 60)

    def away(*_: object) -> None:
        raise StoreUnavailable("could not read what is known of sellers: it is away; try again")

    with monkeypatch.context() as patched:
        patched.setattr(market.system.seller_records, "load", away)
        market.take(listing("i1"))
        assert market.item("i1").seller_score == 500
        assert market.figures.counts["sellers_unknown"] == 1
