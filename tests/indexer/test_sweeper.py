"""The sweeper: time passes, and what is past its time goes."""

from pathlib import Path

import pytest

from builders import DAY, HOUR, NOW, given, item_event, user_event
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.items import WideItem
from smallpool_core.versions import ENRICH_EXPIRED, ENRICH_SOLD, ENRICH_STRIPPED
from smallpool_indexer.settings import IndexerSettings
from write_rig import Rig


def sweep(rig: Rig) -> int:
    appended = rig.sweeper.sweep(rig.clock.now_ms())
    rig.drain()
    return appended


def test_an_auction_is_recorded_as_expired_an_hour_after_its_end(rig: Rig) -> None:
    rig.take(item_event(given=given(sale="auction", expires_at=NOW + 6 * HOUR)), item_event("b"))
    rig.clock.advance(7 * HOUR - 1)
    assert sweep(rig) == 0
    rig.clock.advance(1)
    assert sweep(rig) == 1
    assert (rig.item().state, rig.item().order) == ("expired", (1, ENRICH_EXPIRED))
    assert rig.item("b").state == "on_sale"
    assert sweep(rig) == 0


def test_an_item_given_more_time_before_its_sweep_stays(rig: Rig) -> None:
    rig.take(item_event(given=given(expires_at=NOW + HOUR)))
    rig.clock.advance(2 * HOUR)
    assert rig.sweeper.sweep(rig.clock.now_ms()) == 1
    rig.send(item_event(version=2, given=given(expires_at=NOW + DAY)))
    rig.drain()
    assert (rig.item().state, rig.item().version) == ("on_sale", 2)


@pytest.mark.parametrize("kind", ["sold", "withdrawn"])
def test_a_removed_item_keeps_its_fields_for_30_days_and_its_version_for_ever(rig: Rig, kind: str) -> None:
    rig.take(item_event(), item_event(type=kind, version=2))
    rig.clock.advance(30 * DAY)
    assert sweep(rig) == 0
    rig.clock.advance(1)
    assert sweep(rig) == 1
    assert rig.item() == WideItem("i1", 2, ENRICH_STRIPPED, kind)
    assert sweep(rig) == 0
    rig.take(item_event(version=2))
    assert rig.item().state == kind


def test_a_sweep_that_comes_late_leaves_alone_what_was_listed_and_sold_again_meanwhile(rig: Rig) -> None:
    rig.take(item_event(), item_event(type="sold", version=2))
    rig.clock.advance(31 * DAY)
    assert rig.sweeper.sweep(rig.clock.now_ms()) == 1
    waiting = rig.log.poll("item-events", INDEXER_GROUP, 10)
    rig.drain()
    rig.take(item_event(version=3), item_event(type="sold", version=4), *[record.value for record in waiting])
    assert (rig.item().order, rig.item().title_words) == ((4, ENRICH_SOLD), ("苹果手机", "九成新"))


def test_one_sweep_is_bounded_and_waits_for_the_pipeline_before_the_next(tmp_path: Path) -> None:
    rig = Rig(tmp_path, IndexerSettings(sweep_size=2))
    rig.take(*(item_event(f"i{n}", given=given(expires_at=NOW)) for n in range(5)))
    rig.clock.advance(HOUR)
    now = rig.clock.now_ms()
    assert [rig.sweeper.sweep(now), rig.sweeper.sweep(now)] == [2, 0]
    rig.drain()
    assert [sweep(rig), sweep(rig), sweep(rig)] == [2, 1, 0]
    rig.database.close()


def test_logs_are_kept_for_seven_days(rig: Rig) -> None:
    rig.take(item_event(), user_event())
    rig.clock.advance(7 * DAY)
    rig.take(item_event("b"))
    sweep(rig)
    assert len(rig.log.poll("item-events", "someone new", 10)) == 2
    rig.clock.advance(1)
    sweep(rig)
    assert [record.key for record in rig.log.poll("item-events", "someone new", 10)] == ["b"]
    assert rig.log.poll("user-events", "someone new", 10) == []


@pytest.mark.parametrize("kind", ["sold", "withdrawn"])
def test_a_removal_that_came_before_its_listing_is_stripped_too_and_only_once(rig: Rig, kind: str) -> None:
    rig.take(item_event(type=kind, version=2))
    rig.clock.advance(30 * DAY + 1)
    assert sweep(rig) == 1
    assert rig.item() == WideItem("i1", 2, ENRICH_STRIPPED, kind)
    assert sweep(rig) == 0
