"""From pages and listings to an alert: what is counted, judged minute by minute, told, and shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import DAY, HOUR, MINUTE, FakeClock
from smallpool_config.settings import Settings, StoreSettings
from smallpool_core.pools import BANNED
from smallpool_service.alerts.settings import AlertSettings
from smallpool_service.metrics import Metrics
from system_rig import EVERYTHING, UNHURRIED, Marketplace, listing, listings, sold
from two_wirings import distributed, on_servers
from webhook_rig import Receiver, receiving

ALERTS = AlertSettings(page_fill=0.5, page_fill_pages=2, inflow_hours=2, inflow_usual=3.0, turns=2)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def settings(folder: Path, receiver: Receiver | None = None) -> Settings:
    alerts = replace(ALERTS, webhook_url="" if receiver is None else f"{receiver.address}/hook")
    return Settings(store=StoreSettings(str(folder), "off"), read=UNHURRIED, alerts=alerts)


@pytest.fixture
def market(tmp_path: Path, receiver: Receiver) -> Iterator[Marketplace]:
    with Marketplace(settings(tmp_path, receiver)) as made:
        yield made


def look(market: Marketplace, minutes: int = 1) -> None:
    """What the background of a serving process does in this time."""
    for _ in range(minutes):
        market.clock.advance(MINUTE)
        market.system.count_sender.turn()
        while market.system.pool_watch.turn():
            pass


def standing(market: Marketplace) -> list[tuple[str, str]]:
    return [(one.pool_id, one.kind) for one in market.system.board.standing()]


def test_an_empty_pool_is_an_alert_from_the_second_minute_on_until_something_is_listed(market: Marketplace, receiver: Receiver) -> None:
    market.put_pool("p", EVERYTHING)
    look(market)
    assert standing(market) == []
    look(market)
    assert standing(market) == [("p", "empty")]
    market.take(listing())
    look(market, 2)
    assert standing(market) == []
    assert receiver.told == [("p", "empty", "raised"), ("p", "empty", "cleared")]
    raised, cleared = [document["alerts"][0] for document in receiver.documents]
    assert raised["alert_id"] == cleared["alert_id"]


def test_several_alerts_are_one_message_with_a_sentence_for_each(market: Marketplace, receiver: Receiver) -> None:
    for pool_id in ("a", "b", "c"):
        market.put_pool(pool_id, EVERYTHING, name=f"池 {pool_id}")
    look(market, 3)
    assert len(receiver.bodies) == 1
    assert receiver.told == [(pool_id, "empty", "raised") for pool_id in ("a", "b", "c")]
    assert [line.rpartition(" UTC: ")[2] for line in receiver.documents[0]["text"].splitlines()] == [
        f"pool 池 {pool_id} ({pool_id}) holds no item on sale" for pool_id in ("a", "b", "c")
    ]


def test_page_fill_and_what_was_recalled_are_those_of_the_pages_served(market: Marketplace) -> None:
    market.put_pool("p", EVERYTHING)
    market.take(*listings(6, per_category=1))
    market.recall(pool_id="p", size=4)
    market.recall(pool_id="p", size=4, request_id="again")
    look(market)
    figures = market.system.board.figures("p")
    assert figures is not None
    assert (figures.size, figures.pages, figures.page_fill) == (6, 2, 0.75)
    assert figures.recalled == 4.0  # six for the first page, and the two that were left for the second


def test_a_page_that_is_replayed_or_rehearsed_counts_once_or_not_at_all(market: Marketplace) -> None:
    market.put_pool("p", EVERYTHING)
    market.take(*listings(6, per_category=1))
    for _ in range(3):
        market.recall(pool_id="p", size=4, request_id="same")
    market.recall(pool_id="p", size=4, dry_run=True)
    look(market)
    figures = market.system.board.figures("p")
    assert figures is not None
    assert figures.pages == 1


def test_pages_that_are_not_filled_are_an_alert_that_ends_with_the_hour(market: Marketplace, receiver: Receiver) -> None:
    market.put_pool("p", EVERYTHING)
    market.take(*listings(2, per_category=1))
    for _ in range(3):
        market.recall(pool_id="p", size=10)
    look(market, 2)
    assert standing(market) == [("p", "page_fill_low")]
    assert receiver.documents[-1]["alerts"][0]["figure"] == pytest.approx(2 / 30, abs=0.001)
    market.clock.advance(2 * HOUR)
    look(market, 2)
    assert standing(market) == []


def test_inflow_that_stops_is_an_alert_only_in_hours_that_bring_listings_on_other_days(market: Marketplace) -> None:
    market.put_pool("p", EVERYTHING)
    market.take(listing("first"))
    for day in range(3):
        market.take(*[listing(f"d{day}-{place}") for place in range(4)])
        look(market, 2)
        assert standing(market) == []
        market.clock.advance(DAY - 2 * MINUTE)
    look(market, 2)
    assert standing(market) == []  # the hours just before this one brought nothing on any day
    market.clock.advance(HOUR)
    look(market, 2)
    assert standing(market) == [("p", "inflow_stopped")]
    market.take(listing("late"))
    look(market, 2)
    assert standing(market) == []


def test_a_listing_that_changes_or_is_tagged_anew_is_no_inflow(market: Marketplace) -> None:
    market.put_pool("p", EVERYTHING)
    market.take(listing("i1"), listing("i2"))
    market.take(listing("i1", title="苹果 手机 降价", version=2))
    market.put_pool("q", EVERYTHING)
    market.take(sold("i2"))
    market.take(listing("i2", version=3))
    look(market)
    listed = [figures.listed for pool_id in ("p", "q") if (figures := market.system.board.figures(pool_id)) is not None]
    assert listed == [3, 1]


def test_a_receiver_that_fails_is_asked_again_ever_later_and_the_alert_stands_meanwhile(market: Marketplace, receiver: Receiver) -> None:
    receiver.status = 500
    market.put_pool("p", EVERYTHING)
    look(market, 12)
    assert standing(market) == [("p", "empty")]
    failed = len(receiver.bodies)
    assert 4 <= failed <= 8
    receiver.status = 204
    look(market, 12)
    assert len(receiver.bodies) == failed + 1
    assert receiver.told[-1] == ("p", "empty", "raised")


def test_an_alert_survives_a_restart_and_is_not_told_again(tmp_path: Path, receiver: Receiver) -> None:
    with Marketplace(settings(tmp_path, receiver)) as market:
        market.put_pool("p", EVERYTHING)
        look(market, 2)
        clock = market.clock
    with Marketplace(settings(tmp_path, receiver), clock=clock) as again:
        look(again, 3)
        assert standing(again) == [("p", "empty")]
    assert receiver.told == [("p", "empty", "raised")]


def test_what_was_counted_when_a_process_ends_is_there_in_the_next(tmp_path: Path) -> None:
    with Marketplace(settings(tmp_path)) as market:
        market.put_pool("p", EVERYTHING)
        market.take(listing())
        clock = market.clock
    with Marketplace(settings(tmp_path), clock=clock) as again:
        look(again)
        figures = again.system.board.figures("p")
        assert figures is not None
        assert figures.listed == 1


def test_an_archived_pool_has_no_alerts(market: Marketplace, receiver: Receiver) -> None:
    market.put_pool("p", EVERYTHING)
    look(market, 2)
    market.put_pool("p", state="archived")
    look(market)
    assert standing(market) == []
    assert receiver.told == [("p", "empty", "raised"), ("p", "empty", "cleared")]


def test_nothing_being_banned_is_no_alert(market: Marketplace, receiver: Receiver) -> None:
    market.put_pool(BANNED, {"any": []})
    market.put_pool("p", EVERYTHING)
    look(market, 3)
    assert standing(market) == [("p", "empty")]
    assert receiver.told == [("p", "empty", "raised")]


def test_without_a_receiver_alerts_are_shown_all_the_same(tmp_path: Path) -> None:
    with Marketplace(settings(tmp_path)) as market:
        market.put_pool("p", EVERYTHING)
        look(market, 2)
        assert standing(market) == [("p", "empty")]
        market.take(listing())
        look(market, 2)
        assert market.system.pool_figures.alerts() == []


def test_more_pools_than_one_turn_looks_at_are_all_looked_at(market: Marketplace) -> None:
    for place in range(450):
        market.save_pool(f"p{place:03}", EVERYTHING)
    market.settle()
    look(market, 2)
    assert len(standing(market)) == 450
    assert market.system.board.count("empty") == 450
    assert market.system.board.count("page_fill_low") == 0


def test_two_replicas_show_the_same_alerts_and_one_of_them_tells(tmp_path: Path, receiver: Receiver) -> None:
    asked = replace(on_servers(tmp_path), alerts=replace(ALERTS, webhook_url=receiver.address, every_s=1, turns=1))
    clock = FakeClock()
    with distributed(tmp_path, clock, settings=asked) as market, Marketplace(asked, clock=clock) as other:
        market.put_pool("p", EVERYTHING)
        while not receiver.bodies or standing(other) != [("p", "empty")]:
            look(market)
            look(other)
        assert standing(market) == standing(other)
        look(market)
        look(other)
    assert receiver.told == [("p", "empty", "raised")]


def test_pages_and_listings_of_the_distributed_wiring_are_counted_together(tmp_path: Path) -> None:
    with distributed(tmp_path, FakeClock()) as market:
        market.put_pool("p", EVERYTHING)
        market.take(*listings(6, per_category=1))
        market.recall(pool_id="p", size=4)
        look(market)
        figures = market.system.board.figures("p")
        assert figures is not None
        assert (figures.size, figures.pages, figures.page_fill, figures.listed) == (6, 1, 1.0, 6)


def test_the_metric_counts_alerts_by_kind_and_knows_nothing_before_the_first_look(market: Marketplace) -> None:
    from smallpool_config.cli.serving import app_of  # noqa: PLC0415, it needs a web framework that the other tests do not
    from smallpool_config.runtime import Background  # noqa: PLC0415

    app_of(market.system, Background(market.system, []))
    metrics: Metrics = market.system.metrics
    assert 'smallpool_pool_alerts{kind="empty"} NaN' in metrics.text().decode()
    market.put_pool("p", EVERYTHING)
    look(market, 2)
    text = metrics.text().decode()
    assert 'smallpool_pool_alerts{kind="empty"} 1.0' in text
    assert 'smallpool_pool_alerts{kind="page_fill_low"} 0.0' in text


def test_with_its_store_away_figures_stay_as_they_were_and_nothing_fails(market: Marketplace) -> None:
    market.put_pool("p", EVERYTHING)
    look(market, 2)
    market.system.counter.listed(["p"], market.clock.now)
    market.embedded.database.close()
    look(market, 2)
    assert standing(market) == [("p", "empty")]
    assert len(market.system.counter.take()) == 1
