"""A day of a pool is served again, dry, by a draft of it: an operator sees what would have differed before anything is saved."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import HOUR, FakeClock
from smallpool_core.adjustments import Adjustment
from smallpool_core.errors import NotFound, Refused
from smallpool_core.pools import Ordering, PoolDraft
from smallpool_core.users import Identity
from smallpool_service.replay import Replay, Wanted, replay, sample_of, span_of
from smallpool_service.served import ServedPage
from system_rig import EVERYTHING, Marketplace, field, listing, sold
from two_wirings import distributed

PEOPLE = 12
CHEAP = field("price_cents", "lt", 6_000)


@pytest.fixture(params=["embedded", "distributed"])
def market(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Marketplace]:
    """Sixty things from 1 to 60 yuan, dearest last and newest first; a dozen people were served a page of ten each, an hour apart."""
    if request.param == "embedded":
        with Marketplace(tmp_path) as made:
            yield lived(made)
    else:
        with distributed(tmp_path, FakeClock()) as made:
            yield lived(made)


def lived(market: Marketplace) -> Marketplace:
    market.take(*(listing(f"i{n:02}", f"东西 {n}", f"类{n % 3}", price_cents=100 + 200 * n, seller_id=f"s{n}") for n in range(60)))
    market.put_pool(rule=EVERYTHING, settings={"max_per_category": 100})
    for person in range(PEOPLE):
        market.page(identity=Identity(f"u{person}", None), request_id=f"r{person}")
        market.clock.advance(HOUR // 4)
    return market


def replayed(market: Marketplace, sample: int = 200, day: str | None = None, **draft: Any) -> Replay:
    day = day or day_of(market)
    return asyncio.run(replay(market.system.recaller, Wanted(pool_id="p", draft=PoolDraft(**draft), day=day, sample=sample)))


def day_of(market: Marketplace) -> str:
    """The day on which the pages were served, by the clocks of the pool."""
    at = (market.clock.now_ms() - PEOPLE * HOUR // 4) / 1000
    return (datetime.fromtimestamp(at, UTC) + timedelta(hours=8)).strftime("%Y-%m-%d")


def state(market: Marketplace) -> tuple[Any, ...]:
    return (market.system.log.end("served"), [market.seen(Identity(f"u{person}", None)) for person in range(PEOPLE)], market.revision("p"))


def test_a_narrower_rule_takes_out_what_it_does_not_hold_and_nothing_is_written(market: Marketplace) -> None:
    before = state(market)
    found = replayed(market, rule=CHEAP)
    assert state(market) == before
    assert found.replayed == found.served > 0
    assert found.size == 10
    dear = {f"i{n:02}" for n in range(30, 60)}
    for page in found.pages:
        assert not {line.item_id for line in page.draft} & dear
        assert {line.item_id for line in page.now} - {line.item_id for line in page.draft} == set(page.falls_out)
        assert len(page.then) == 10
    assert found.totals is not None
    assert found.totals.overlap == pytest.approx(sum(page.overlap for page in found.pages) / len(found.pages), abs=1e-3)
    assert {one.key for one in found.less} <= dear


def test_a_draft_that_changes_nothing_changes_no_page(market: Marketplace) -> None:
    found = replayed(market)
    assert found.totals is not None
    assert (found.totals.changed, found.totals.overlap) == (0.0, 1.0)
    assert (found.more, found.less) == ([], [])


def test_what_a_draft_buries_is_shown_less(market: Marketplace) -> None:
    shown = {line.item_id for line in replayed(market).pages[0].now}
    found = replayed(market, ordering=Ordering(bury=(Adjustment(field("item_id", "in", sorted(shown)), 0.01),)))
    assert not {line.item_id for line in found.pages[0].draft} & shown
    assert found.pages[0].overlap == 0
    assert {one.key for one in found.less} == shown
    assert {one.key for one in found.more} == set(found.pages[0].comes_in)


def test_what_sold_since_is_told_and_stands_on_the_page_of_then(market: Marketplace) -> None:
    gone = replayed(market).pages[0].then[0].item_id
    market.take(sold(gone))
    found = replayed(market)
    assert gone in {line.item_id for line in found.pages[0].then}
    assert gone not in {line.item_id for page in found.pages for line in (*page.now, *page.draft)}
    assert found.pages[0].sold >= 1
    assert found.totals is not None
    assert found.totals.sold > 0


def test_a_sample_is_as_large_as_was_asked_for_and_another_day_is_empty(market: Marketplace) -> None:
    found = replayed(market, sample=3)
    assert (found.replayed, len(found.pages)) == (3, 3)
    assert found.served > 3
    nothing = replayed(market, day="2001-01-01")
    assert (nothing.served, nothing.replayed, nothing.totals) == (0, 0, None)


def test_a_draft_with_mistakes_no_day_and_no_pool_are_refused(tmp_path: Path) -> None:
    with Marketplace(tmp_path) as market:
        market.put_pool(rule=EVERYTHING)
        with pytest.raises(Refused, match="rule"):
            replayed(market, day="2026-11-27", rule={"field": "luck", "op": "eq", "value": 1})
        with pytest.raises(Refused, match="day"):
            replayed(market, day="yesterday")
        with pytest.raises(NotFound):
            asyncio.run(replay(market.system.recaller, Wanted(pool_id="q", draft=PoolDraft(), day="2026-11-27")))


def test_a_day_is_one_of_the_pools_own_time_zone() -> None:
    since, until = span_of("2026-11-27", "Asia/Shanghai")
    assert until - since == 24 * HOUR
    assert since == span_of("2026-11-26", "UTC")[0] + 16 * HOUR


def test_a_sample_is_the_same_each_time_and_in_the_order_of_the_day() -> None:
    pages = [ServedPage(f"r{n}", "p", "u", None, {}, [], n) for n in range(50)]
    assert sample_of(pages, 10) == sample_of(pages[::-1], 10)
    assert [page.at for page in sample_of(pages, 10)] == sorted(page.at for page in sample_of(pages, 10))
