"""Faults of what comes in: doubled, out of order, late, poisonous, from the future. Numbers are those of docs/reliability.md."""

import logging
from collections.abc import Sequence
from hashlib import sha256
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import DAY, HOUR, MINUTE, NOW, FakeClock, item_event, user_event
from poison import POISON
from smallpool_core.events import INDEXER_GROUP, MAX_AHEAD_MS, encode_item_event, parse_item_event
from smallpool_core.items import ItemEvent
from smallpool_core.row_reader import Rejection
from system_rig import EVERYTHING, Marketplace, listing, listings, sold

SECOND = 1_000
KEPT_BYTES = 64 * 1024


def test_case_01_a_hundred_copies_of_an_event_have_one_effect_and_are_counted(market: Marketplace) -> None:
    market.take(listing("a"))
    before = (market.stored(), market.system.wide.end())
    market.take(*[listing("a")] * 99, *[user_event("click", "a")] * 100)
    assert (market.stored(), market.system.wide.end()) == before
    assert market.figures.counts["dup"] == 99 + 99
    assert market.system.triggers.load("u:u1").short["category:数码›手机"].weight == 1.0
    assert market.dead_letters() == []


@pytest.mark.parametrize("third", ["listed", "sold"])
def test_case_02_three_versions_in_any_order_end_in_the_third(tmp_path: Path, third: str) -> None:
    with Marketplace(tmp_path) as market:
        market.put_pool("p", EVERYTHING)
        for number, order in enumerate(permutations((1, 2, 3))):
            name = f"i{number}"
            last = sold(name, version=3) if third == "sold" else listing(name, "第三", category=name, version=3)
            versions = {1: listing(name, "第一", category=name), 2: sold(name, version=2), 3: last}
            for version in order:
                market.take(versions[version])
            assert (market.item(name).version, market.item(name).state) == (3, "sold" if third == "sold" else "on_sale")
        assert len(market.glance()) == (0 if third == "sold" else 6)


@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=6))
@settings(max_examples=15)
def test_case_02_any_order_and_copies_of_six_events_end_in_the_newest(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], copies: list[int]
) -> None:
    events: Sequence[ItemEvent] = [listing("a", f"第{n}", version=n) if n % 2 else sold("a", version=n) for n in range(6)]
    with Marketplace(tmp_path_factory.mktemp("market")) as market:
        for number in (*order, *copies):
            market.take(events[number])
        assert market.item("a").given == events[5].given
        assert market.item("a").state == "on_sale"


@pytest.mark.parametrize("later", [0, 61 * SECOND, DAY, 31 * DAY, 400 * DAY])
def test_case_03_what_was_withdrawn_stays_so_however_late_an_older_listing_comes(tmp_path: Path, later: int) -> None:
    clock = FakeClock()
    with Marketplace(tmp_path, clock=clock) as market:
        market.put_pool("p", EVERYTHING)
        market.take(listing("a", version=3), item_event("a", "withdrawn", version=5))
    clock.advance(later)
    with Marketplace(tmp_path, clock=clock) as market:
        market.settle()
        market.take(listing("a", version=4), listing("a", version=5))
        assert market.glance() == []
        assert market.item("a").state == "withdrawn"
        assert (market.item("a").given is None) == (later > 30 * DAY), "its fields go after 30 days, its version never"
        market.take(listing("a", version=6))
        assert market.glance() == ["a"]


def test_case_03_a_sale_that_comes_before_its_listing_is_not_undone_by_it(market: Marketplace) -> None:
    market.take(sold("a", version=5))
    market.take(listing("a", version=4))
    assert market.glance() == []


def test_case_04_of_two_bodies_of_one_version_the_first_wins_and_the_second_is_counted_and_logged(
    market: Marketplace, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "smallpool.indexer"):
        market.take(listing("a", "第一", price_cents=100))
        market.take(listing("a", "第二", price_cents=200))
    assert market.item("a").price_cents == 100
    assert market.figures.counts["conflict"] == 1
    assert "item 'a', version 1" in caplog.text


@pytest.mark.parametrize("name", POISON)
def test_case_10_poison_is_a_dead_letter_with_its_place_and_costs_no_neighbour(market: Marketplace, name: str) -> None:
    value = POISON[name]
    market.take(listing("before", category="前"), value, listing("after", category="后"))
    assert sorted(market.glance()) == ["after", "before"]
    [letter] = market.dead_letters()
    assert (letter.topic, letter.partition, letter.offset, letter.attempts, letter.at) == ("item-events", 0, 1, 1, NOW)
    assert (letter.size, letter.digest, letter.value) == (len(value), sha256(value).hexdigest(), value[:KEPT_BYTES])
    assert letter.field
    assert "found" in letter.reason
    assert "\n" not in letter.reason
    assert market.system.log.committed("item-events", INDEXER_GROUP) == market.system.log.end("item-events")


def test_case_10_the_lag_keeps_falling_through_a_thousand_poison_events(market: Marketplace) -> None:
    poison = list(POISON.values())
    poison.remove(POISON["5 MB"])
    for number in range(100):
        market.send(*poison, listing(f"i{number:03}", category=f"类{number}"))
    log, lags = market.system.log, []
    while market.system.indexer.run_once():
        lags.append(log.lag("item-events", INDEXER_GROUP))
    assert lags == sorted(set(lags), reverse=True)
    assert lags[-1] == 0
    assert (len(market.stored()), len(market.dead_letters())) == (100, 900)


def test_case_11_unknown_fields_of_a_newer_schema_are_ignored_and_counted(market: Marketplace) -> None:
    market.take(
        b'{"type":"published","item_id":"a","version":1,"at":0,"schema":7,"trace":{"id":1},'
        b'"item":{"title":"x","colour_space":"p3","variants":[{"sku":1}]}}',
        b'{"type":"auctioned","item_id":"b","version":1,"at":0,"item":{"title":"x"}}',
    )
    assert market.glance() == ["a"]
    assert market.figures.counts["unknown_field"] == 4
    [letter] = market.dead_letters()
    assert letter.field == "type"
    assert "one of published, updated, sold, withdrawn" in letter.reason


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_case_31_a_clock_that_jumps_an_hour_and_back_loses_no_auction(market: Marketplace, jump: int) -> None:
    market.take(listing("auction", sale="auction", expires_at=NOW + 30 * MINUTE, published_at=NOW))
    market.clock.advance(jump)
    market.settle()
    assert market.glance() == [], "by that clock it is over, or has not begun"
    market.clock.advance(-jump)
    market.settle()
    assert market.glance() == ["auction"]
    market.clock.advance(30 * MINUTE - 1)
    assert market.glance() == ["auction"]
    market.clock.advance(1)
    assert market.glance() == []


def test_case_31_pages_go_on_while_the_clock_runs_backwards(market: Marketplace) -> None:
    market.take(*listings(60, published_at=NOW - 10 * HOUR))
    served: list[str] = []
    for _ in range(5):
        served += market.page()
        market.clock.advance(-HOUR)
        market.settle()
    assert len(served) == len(set(served)) == 50


def test_case_31_an_auction_that_ends_now_is_over(market: Marketplace) -> None:
    market.take(listing("auction", sale="auction", expires_at=NOW))
    assert market.glance() == []
    assert market.why("auction") == ("item", "expired")


@pytest.mark.parametrize(("ahead", "is_taken"), [(MAX_AHEAD_MS, True), (MAX_AHEAD_MS + 1, False), (DAY, False)])
def test_case_31_an_event_from_the_future_is_taken_up_to_five_minutes_ahead(market: Marketplace, ahead: int, *, is_taken: bool) -> None:
    event = item_event("a", at=NOW + ahead)
    assert isinstance(parse_item_event(encode_item_event(event), NOW, internal=False), Rejection) != is_taken
    market.take(event)
    assert (market.glance() == ["a"]) == is_taken
    assert [letter.field for letter in market.dead_letters()] == ([] if is_taken else ["at"])


def test_case_31_what_was_acknowledged_stays_good_when_the_clock_is_set_back(market: Marketplace) -> None:
    market.send(item_event("a", at=NOW))
    market.clock.advance(-DAY)
    market.settle()
    assert market.dead_letters() == []
    market.clock.advance(DAY)
    assert market.glance() == ["a"]
