"""All workers of the write path in turn."""

from builders import DAY, HOUR, NOW, given, item_event, user_event
from smallpool_indexer.write_path import SWEEP_EVERY_MS
from write_rig import Rig

APPLE = {"field": "brand", "op": "eq", "value": "苹果"}


def test_a_turn_with_nothing_to_do_says_so(rig: Rig) -> None:
    assert rig.write_path.turn() is False


def test_every_worker_gets_its_turn(rig: Rig) -> None:
    rig.take(item_event("old"))
    rig.put_pool("apple", APPLE)
    rig.send(item_event("new"), user_event(item_id="old"))
    assert rig.write_path.turn() is True
    assert rig.item("new").pools == ("apple",)
    assert rig.state_of().recent
    rig.write_path.settle()
    assert rig.item("old").pools == ("apple",)
    assert rig.catalogue.untagged() == []
    assert rig.write_path.turn() is False


def test_time_is_swept_once_a_minute(rig: Rig) -> None:
    rig.take(item_event(given=given(expires_at=NOW - HOUR + SWEEP_EVERY_MS, published_at=NOW - HOUR)))
    rig.write_path.settle()
    rig.clock.advance(SWEEP_EVERY_MS - 1)
    rig.write_path.settle()
    assert rig.item().state == "on_sale"
    rig.clock.advance(1)
    rig.write_path.settle()
    assert rig.item().state == "expired"


def test_a_clock_set_back_does_not_stop_the_sweeper(rig: Rig) -> None:
    rig.write_path.turn()
    rig.clock.advance(-3 * DAY)
    rig.take(item_event(at=0, given=given(published_at=0, expires_at=1)))
    rig.write_path.settle()
    assert rig.item().state == "expired"
