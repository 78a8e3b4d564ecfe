"""Faults of what comes in, through the distributed wiring; `test_events_in.py` has more of them, on the embedded one."""

import logging
from collections.abc import Iterator
from hashlib import sha256
from itertools import permutations

import pytest

from builders import DAY, FakeClock, item_event, user_event
from harm_rig import Servers
from poison import POISON
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.places import behind
from system_rig import EVERYTHING, Marketplace, listing, sold
from two_wirings import distributed, on_servers

MINUTE_AND_ONE_S = 61_000
KEPT_BYTES = 64 * 1024


@pytest.fixture(scope="module")
def market(harmed: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marketplace]:
    """One for all tests of this file; each has items of its own."""
    folder = tmp_path_factory.mktemp("market")
    with distributed(folder, FakeClock(), settings=on_servers(folder, at=harmed.addresses)) as made:
        made.put_pool("p", EVERYTHING)
        yield made


def counted(market: Marketplace, name: str) -> int:
    return market.figures.counts.get(name, 0)


def test_case_01_a_hundred_copies_of_an_event_have_one_effect_and_are_counted(market: Marketplace) -> None:
    market.take(listing("copied"))
    before, doubles = market.item("copied"), counted(market, "dup")
    market.take(*[listing("copied")] * 99, *[user_event("click", "copied")] * 100)
    assert market.item("copied") == before
    assert counted(market, "dup") - doubles == 99 + 99
    assert market.system.triggers.load("u:u1").short["category:数码›手机"].weight == 1.0


@pytest.mark.parametrize("third", ["listed", "sold"])
def test_case_02_three_versions_in_any_order_end_in_the_third(market: Marketplace, third: str) -> None:
    for number, order in enumerate(permutations((1, 2, 3))):
        name = f"{third}{number}"
        last = sold(name, version=3) if third == "sold" else listing(name, "第三", category=name, version=3)
        versions = {1: listing(name, "第一", category=name), 2: sold(name, version=2), 3: last}
        market.send(*(versions[version] for version in order))
    market.settle()
    names = [f"{third}{number}" for number in range(6)]
    stored = market.system.items.get(names).values()
    assert {(item.version, item.state) for item in stored} == {(3, "sold" if third == "sold" else "on_sale")}
    assert set(names) & set(market.glance(size=100)) == (set() if third == "sold" else set(names))


@pytest.mark.parametrize("later", [0, MINUTE_AND_ONE_S, DAY])
def test_case_03_what_was_withdrawn_stays_so_however_late_an_older_listing_comes(market: Marketplace, later: int) -> None:
    name = f"withdrawn{later}"
    market.take(listing(name, category=name, version=3), item_event(name, "withdrawn", version=5))
    market.clock.advance(later)
    market.take(listing(name, category=name, version=4), listing(name, category=name, version=5))
    assert market.item(name).state == "withdrawn"
    assert name not in market.glance(size=100)
    market.take(listing(name, category=name, version=6))
    assert name in market.glance(size=100)


def test_case_04_of_two_bodies_of_one_version_the_first_wins_and_the_second_is_counted_and_logged(
    market: Marketplace, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted(market, "conflict")
    with caplog.at_level(logging.WARNING, "smallpool.indexer"):
        market.take(listing("twofold", "第一", price_cents=100))
        market.take(listing("twofold", "第二", price_cents=200))
    assert market.item("twofold").price_cents == 100
    assert counted(market, "conflict") - before == 1
    assert "item 'twofold', version 1" in caplog.text


def test_case_10_poison_is_dead_letters_with_their_places_and_costs_no_neighbour(market: Marketplace) -> None:
    before = len(market.dead_letters())
    for number, value in enumerate(POISON.values()):
        market.send(listing(f"before{number}", category=f"前{number}"), value, listing(f"after{number}", category=f"后{number}"))
    market.settle()
    letters = {letter.digest: letter for letter in market.dead_letters()[before:]}
    assert set(letters) == {sha256(value).hexdigest() for value in POISON.values()}
    for value in POISON.values():
        letter = letters[sha256(value).hexdigest()]
        assert (letter.topic, letter.attempts, letter.size, letter.value) == ("item-events", 1, len(value), value[:KEPT_BYTES])
        assert letter.offset <= market.system.log.end("item-events")[letter.partition]
        assert letter.field
    neighbours = {f"{side}{number}" for number in range(len(POISON)) for side in ("before", "after")}
    assert set(market.system.items.get(neighbours)) == neighbours
    log = market.system.log
    assert behind(log.committed("item-events", INDEXER_GROUP), log.end("item-events")) == 0


def test_case_11_unknown_fields_of_a_newer_schema_are_ignored_and_counted(market: Marketplace) -> None:
    before, letters = counted(market, "unknown_field"), len(market.dead_letters())
    market.take(
        b'{"type":"published","item_id":"newer","version":1,"at":0,"schema":7,"trace":{"id":1},'
        b'"item":{"title":"x","colour_space":"p3","variants":[{"sku":1}]}}',
        b'{"type":"auctioned","item_id":"other","version":1,"at":0,"item":{"title":"x"}}',
    )
    assert market.item("newer").state == "on_sale"
    assert counted(market, "unknown_field") - before == 4
    [letter] = market.dead_letters()[letters:]
    assert letter.field == "type"
