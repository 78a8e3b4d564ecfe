"""A visitor who logs in: what their device did becomes theirs, once, in both wirings, whatever comes first and whoever asks at once."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from builders import MINUTE, NOW, FakeClock, user_event
from read_rig import ids
from smallpool_core.linking import Link
from smallpool_core.users import Identity, TriggerState, UserEvent
from smallpool_service.page import Page
from smallpool_service.people import erase_person
from system_rig import EVERYTHING, Marketplace, listings
from two_wirings import distributed, embedded

WIRINGS: dict[str, Callable[..., AbstractContextManager[Marketplace]]] = {"embedded": embedded, "distributed": distributed}
DEVICE, USER, BOTH = Identity(None, "d1"), Identity("u1", None), Identity("u1", "d1")


@pytest.fixture(params=WIRINGS)
def market(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Marketplace]:
    with WIRINGS[request.param](tmp_path, FakeClock(NOW)) as made:
        made.take(*listings(120))
        made.put_pool("p", EVERYTHING)
        yield made


def of_device(item_id: str, **changes: object) -> UserEvent:
    """A click of the device alone."""
    return user_event(item_id=item_id, user_id=None, device_id="d1", **changes)


def recent(market: Marketplace, identity: Identity) -> list[str]:
    """What they touched, the last first."""
    return [touched.item_id for touched in reversed(market.system.triggers.load(identity.key).recent)]


def links(market: Marketplace) -> dict[str, Link]:
    return market.system.links.known(["d1"])


def test_a_visitor_browses_logs_in_and_goes_on_without_a_repeat(market: Marketplace) -> None:
    served = market.page(identity=DEVICE)
    market.clock.advance(MINUTE)
    for identity in (DEVICE, BOTH, USER, BOTH, USER):
        page = market.page(identity=identity)
        assert (len(page), set(served) & set(page)) == (10, set())
        served += page
        market.clock.advance(MINUTE)
    assert market.seen(USER) == served
    assert market.seen(DEVICE) == []
    assert links(market) == {"d1": Link("u1", NOW + 2 * MINUTE)}


def test_what_a_visitor_clicked_shapes_the_first_page_after_they_log_in(market: Marketplace) -> None:
    market.take(*(of_device(item_id, at=NOW - 1) for item_id in ("i0050", "i0051")))
    assert market.recall(identity=USER, dry_run=True).items[0].sources != ["terms"]
    before = market.recall(identity=DEVICE, dry_run=True, explain=True)
    after = market.recall(identity=BOTH, explain=True)
    assert ids(after) == ids(before)
    assert "terms" in {source for item in after.items for source in item.sources}
    assert recent(market, USER) == recent(market, BOTH) != []
    assert recent(market, DEVICE) == []


def test_the_device_alone_stays_itself_and_its_list_begins_anew(market: Marketplace) -> None:
    first = market.page(identity=DEVICE, request_id="r1")
    market.page(identity=BOTH)
    again = market.recall(identity=DEVICE, request_id="r1")
    assert (ids(again), again.replayed) == (first, True), "a page that was given is given again for ten minutes"
    anew = market.page(identity=DEVICE)
    assert market.seen(DEVICE) == anew
    assert set(first) & set(market.page(identity=USER)) == set()


def test_another_who_logs_in_on_the_device_gets_nothing_of_it(market: Marketplace) -> None:
    market.page(identity=BOTH)
    since = market.page(identity=DEVICE)
    market.take(of_device("i0007", at=NOW + 1))
    market.recall(identity=Identity("u2", "d1"), size=1)
    assert len(market.seen(Identity("u2", None))) == 1
    assert recent(market, Identity("u2", None)) == []
    assert (market.seen(DEVICE), recent(market, DEVICE)) == (since, ["i0007"])


@pytest.mark.parametrize("first", ["the call", "the event"])
def test_whether_the_call_or_the_event_comes_first_the_user_is_the_same(market: Marketplace, first: str) -> None:
    early, late = of_device("i0001", at=NOW - MINUTE), of_device("i0003", at=NOW + MINUTE)
    market.clock.advance(-2)
    market.recall(identity=DEVICE, size=1)
    market.clock.advance(2)
    if first == "the event":
        market.take(early, user_event(item_id="i0002", device_id="d1", at=NOW))
        market.recall(identity=BOTH, size=1)
    else:
        market.send(early)
        market.recall(identity=BOTH, size=1)
        market.take(user_event(item_id="i0002", device_id="d1", at=NOW))
    market.take(late)
    assert links(market) == {"d1": Link("u1", NOW)}
    assert (recent(market, USER), recent(market, DEVICE)) == (["i0002", "i0001"], ["i0003"])
    assert (len(market.seen(USER)), market.seen(DEVICE)) == (2, [])


def test_an_event_of_the_device_that_comes_again_after_the_link_counts_once(market: Marketplace) -> None:
    early = of_device("i0001", at=NOW - MINUTE)
    market.take(early)
    market.recall(identity=BOTH)
    before = market.system.triggers.load("u:u1")
    market.take(early)
    assert market.system.triggers.load("u:u1") == before
    assert market.system.triggers.load("d:d1") == TriggerState()


def test_fifty_calls_at_once_link_once_and_share_no_item(market: Marketplace) -> None:
    browsed = market.page(identity=DEVICE)
    market.take(of_device(browsed[0], at=NOW - 1))
    answers = market.pages_at_once([{"identity": BOTH, "size": 2}] * 50)
    pages = [answer for answer in answers if isinstance(answer, Page)]
    assert len(pages) == 50
    served = [item_id for page in pages for item_id in ids(page)]
    assert len(served) == len(set(served)) == 100
    assert set(served) & set(browsed) == set()
    assert sorted(market.seen(USER)) == sorted([*browsed, *served])
    assert recent(market, USER) == [browsed[0]]


def test_erasing_the_user_erases_what_their_device_brought_and_what_of_it_waits(market: Marketplace) -> None:
    market.take(of_device("i0001", at=NOW - 2))
    browsed = market.page(identity=DEVICE)
    market.recall(identity=BOTH)
    market.send(of_device("i0002", at=NOW - 1))
    asyncio.run(erase_person(market.system.read_ports, USER))
    market.take(of_device("i0003", at=NOW + 1), user_event(item_id="i0004", at=NOW + 2))
    assert (recent(market, USER), recent(market, DEVICE)) == (["i0004"], ["i0003"])
    assert set(browsed) & set(market.seen(USER)) == set()
    market.recall(identity=BOTH)
    assert links(market) == {"d1": Link("", NOW)}
    assert recent(market, DEVICE) == ["i0003"]


def test_what_waits_of_a_device_that_is_erased_is_nobodys_also_where_somebody_logs_in_on_it_then(market: Marketplace) -> None:
    market.send(of_device("i0001", at=NOW - 2))
    asyncio.run(erase_person(market.system.read_ports, DEVICE))
    market.recall(identity=BOTH)
    market.take(of_device("i0002", at=NOW - 1))
    assert (recent(market, USER), recent(market, DEVICE)) == (["i0002"], [])


def test_an_event_that_names_both_and_waits_when_the_user_is_erased_links_nobody(market: Marketplace) -> None:
    market.take(of_device("i0001", at=NOW - 2))
    market.send(user_event(item_id="i0002", device_id="d1", at=NOW))
    asyncio.run(erase_person(market.system.read_ports, USER))
    market.settle()
    assert (recent(market, USER), recent(market, DEVICE), links(market)) == ([], ["i0001"], {})
