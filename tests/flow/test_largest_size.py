"""A pool of a largest size serves its best items and no others, and follows when better ones come in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import MINUTE, FakeClock
from smallpool_service.cuts import KEPT_MS
from system_rig import EVERYTHING, Marketplace, field, listing, sold
from two_wirings import distributed

SIZE, HELD = 1_000, 100
CHEAPEST = {"max_size": HELD, "cut_by": "price_cents", "max_per_category": 100}


@pytest.fixture(params=["embedded", "distributed"])
def market(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Marketplace]:
    """A thousand things, each a yuan dearer than the one before, in a pool that holds the hundred cheapest of them."""
    if request.param == "embedded":
        with Marketplace(tmp_path) as made:
            yield filled(made)
    else:
        with distributed(tmp_path, FakeClock()) as made:
            yield filled(made)


def filled(market: Marketplace) -> Marketplace:
    market.take(*(listing(f"i{place:04}", price_cents=10_000 + 100 * place, seller_id=f"s{place}") for place in range(SIZE)))
    market.put_pool(rule=EVERYTHING, settings=CHEAPEST)
    return market


def cheapest(first: int = 0) -> set[str]:
    return {f"i{place:04}" for place in range(first, HELD + first)}


def test_the_best_hundred_of_a_thousand_are_served_and_better_ones_take_their_places(market: Marketplace) -> None:
    assert set(market.glance(size=100)) == cheapest()
    market.system.catalogue.refresh()
    assert market.system.cuts.size(market.system.catalogue.get("p"), market.clock.now_ms()) == HELD
    assert market.why("i0100") == ("pool", "cut")

    market.take(*(listing(f"n{place}", price_cents=1_000) for place in range(5)), sold("i0000"))
    market.clock.advance(KEPT_MS)
    gone = {"i0000", "i0096", "i0097", "i0098", "i0099"}
    assert set(market.glance(size=100)) == (cheapest() - gone) | {f"n{number}" for number in range(5)}


def test_the_cut_off_is_a_minute_old_at_most(market: Marketplace) -> None:
    assert "i0100" not in market.glance(size=100)
    market.take(*(sold(f"i{place:04}") for place in range(50)))
    market.clock.advance(KEPT_MS - 1)
    assert len(market.glance(size=100)) == 50
    market.clock.advance(1)
    assert set(market.glance(size=100)) == cheapest(50)


def test_a_page_that_is_asked_for_before_the_tags_are_there_ends_at_the_same_cut_off(market: Marketplace) -> None:
    market.save_pool(rule=field("price_cents", "gte", 20_000))
    assert not market.is_trusted()
    assert set(market.glance(size=100)) == cheapest(100)
    market.settle()
    assert set(market.glance(size=100)) == cheapest(100)


def test_a_count_of_what_a_change_would_hold_ends_at_the_cut_off(market: Marketplace) -> None:
    assert market.save_pool(settings=CHEAPEST | {"max_size": 7}).count == 7
    assert market.save_pool(settings=CHEAPEST | {"max_size": None}).count == SIZE


def test_an_item_that_becomes_too_dear_meanwhile_is_served_no_more(market: Marketplace) -> None:
    assert "i0005" in market.glance(size=100)
    market.take(listing("i0005", price_cents=900_000, version=2, seller_id="s5"))
    market.clock.advance(MINUTE // 2)
    assert "i0005" not in market.glance(size=100)
