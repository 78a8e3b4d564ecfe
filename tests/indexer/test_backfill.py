"""Backfill: items already there get the tags of new and changed pools, and the pool is trusted when they all have."""

from pathlib import Path
from typing import NoReturn

import pytest

from builders import HOUR, NOW, given, item_event, wide_item
from smallpool_core.errors import StoreUnavailable
from smallpool_core.versions import MAX_ENRICH
from smallpool_indexer.backfill import Progress
from smallpool_indexer.settings import IndexerSettings
from write_rig import Rig, power_cut

APPLE = {"field": "brand", "op": "eq", "value": "苹果"}
HUAWEI = {"field": "brand", "op": "eq", "value": "华为"}
FRESH = {"field": "published_at", "op": "within", "value": "-24h"}


def members(rig: Rig, pool_id: str, count: int) -> set[str]:
    items = rig.wide.get([f"i{n}" for n in range(count)])
    return {item_id for item_id, item in items.items() if pool_id in item.pools}


def is_trusted(rig: Rig, pool_id: str) -> bool:
    rig.catalogue.refresh()
    return rig.catalogue.get(pool_id).is_trusted


def finish(rig: Rig) -> int:
    """Steps and batches in turn, as in production; returns how many steps it took."""
    steps = 0
    while rig.backfill.step():
        rig.turn()
        steps += 1
        assert steps < 1_000
    return steps


def test_nothing_untagged_is_nothing_to_do(rig: Rig) -> None:
    assert rig.backfill.step() is False


def test_a_new_pool_takes_in_the_items_already_there(rig: Rig) -> None:
    rig.take(item_event("i0"), item_event("i1", given=given("华为")), item_event("i2"))
    rig.put_pool("apple", APPLE)
    assert not is_trusted(rig, "apple")
    finish(rig)
    assert members(rig, "apple", 3) == {"i0", "i2"}
    assert is_trusted(rig, "apple")
    assert rig.live_view.size("apple", NOW) == 2


def test_a_changed_rule_moves_items_out_and_in_and_writes_no_others(rig: Rig) -> None:
    rig.put_pool("p", APPLE)
    rig.take(item_event("i0"), item_event("i1", given=given("华为")), item_event("i2", given=given("小米")))
    finish(rig)
    untouched = rig.item("i2")
    rig.put_pool("p", {"field": "brand", "op": "eq", "value": "华为"}, revision=1)
    assert not is_trusted(rig, "p")
    finish(rig)
    assert members(rig, "p", 3) == {"i1"}
    assert rig.item("i2") == untouched
    assert is_trusted(rig, "p")


def test_an_archived_pool_is_emptied(rig: Rig) -> None:
    rig.put_pool("p", APPLE)
    rig.take(item_event("i0"))
    finish(rig)
    rig.put_pool("p", APPLE, revision=1, state="archived")
    finish(rig)
    assert members(rig, "p", 1) == set()
    assert is_trusted(rig, "p")


def test_intervals_follow_a_rule_whose_window_changed(rig: Rig) -> None:
    rig.put_pool("p", FRESH)
    rig.take(item_event("i0"))
    finish(rig)
    rig.put_pool("p", {"field": "published_at", "op": "within", "value": "-2h"}, revision=1)
    finish(rig)
    assert rig.item("i0").intervals == {"p": ((NOW - HOUR, NOW + HOUR),)}
    rig.put_pool("p", {"all": []}, revision=2)
    finish(rig)
    assert (rig.item("i0").pools, rig.item("i0").intervals) == (("p",), {})


def test_a_step_retags_one_page_and_the_progress_is_told(tmp_path: Path) -> None:
    rig = Rig(tmp_path, IndexerSettings(backfill_page=10))
    rig.wide.append([wide_item(f"i{n}", brand="苹果") for n in range(25)])
    rig.put_pool("apple", APPLE)
    assert rig.backfill.step()
    assert rig.log.end("item-events") == {0: 9}
    assert rig.backfill.step()
    assert rig.log.end("item-events") == {0: 9}, "no second page before the pipeline has passed the first"
    finish(rig)
    assert rig.progress == [
        Progress(("apple",), 10, is_done=False),
        Progress(("apple",), 20, is_done=False),
        Progress(("apple",), 25, is_done=False),
        Progress(("apple",), 25, is_done=True),
    ]
    assert len(members(rig, "apple", 25)) == 25
    rig.database.close()


def test_a_pool_is_not_trusted_before_its_last_item_can_be_recalled(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.take(item_event("i0"))
    rig.put_pool("apple", APPLE)
    with monkeypatch.context() as stuck:
        stuck.setattr(rig.columns, "index", power_cut)
        for _ in range(5):
            rig.backfill.step()
            with pytest.raises(KeyboardInterrupt):
                rig.turn()
    assert members(rig, "apple", 1) == {"i0"}
    assert not is_trusted(rig, "apple")
    finish(rig)
    assert is_trusted(rig, "apple")


def test_a_rule_saved_while_its_backfill_runs_begins_it_anew(tmp_path: Path) -> None:
    rig = Rig(tmp_path, IndexerSettings(backfill_page=2))
    rig.wide.append([wide_item(f"i{n}", brand=("苹果", "华为")[n % 2]) for n in range(10)])
    rig.put_pool("p", APPLE)
    for _ in range(3):
        rig.backfill.step()
        rig.turn()
    rig.put_pool("p", {"field": "brand", "op": "eq", "value": "华为"}, revision=1)
    finish(rig)
    assert members(rig, "p", 10) == {f"i{n}" for n in range(1, 10, 2)}
    assert is_trusted(rig, "p")
    assert [progress.is_done for progress in rig.progress].count(True) == 1
    rig.database.close()


def test_an_item_that_can_be_re_enriched_no_more_does_not_hold_up_the_others(rig: Rig) -> None:
    rig.wide.append([wide_item("i0", brand="苹果", enrich=MAX_ENRICH), wide_item("i1", brand="苹果")])
    rig.put_pool("apple", APPLE)
    finish(rig)
    assert members(rig, "apple", 2) == {"i1"}
    assert rig.figures.counts["enrich_exhausted"] == 1


def test_a_backfill_goes_on_after_a_restart(tmp_path: Path) -> None:
    rig = Rig(tmp_path, IndexerSettings(backfill_page=3))
    rig.wide.append([wide_item(f"i{n}", brand="苹果") for n in range(10)])
    rig.put_pool("apple", APPLE)
    rig.backfill.step()
    rig.drain()
    rig.backfill.step()
    rig.database.close()
    again = Rig(tmp_path)
    again.drain()
    finish(again)
    assert len(members(again, "apple", 10)) == 10
    assert is_trusted(again, "apple")
    assert again.progress == [Progress(("apple",), 4, is_done=False), Progress(("apple",), 4, is_done=True)]
    again.database.close()


def test_new_listings_are_not_kept_waiting_by_a_backfill(tmp_path: Path) -> None:
    rig = Rig(tmp_path, IndexerSettings(batch_size=4, backfill_page=4))
    rig.wide.append([wide_item(f"i{n}", brand="苹果") for n in range(40)])
    rig.put_pool("apple", APPLE)
    rig.backfill.step()
    rig.send(item_event("new"))
    rig.turn()
    rig.backfill.step()
    rig.turn()
    assert rig.item("new").pools == ("apple",)
    assert not is_trusted(rig, "apple")
    rig.database.close()


def test_many_pools_are_tagged_by_one_survey_of_the_items(tmp_path: Path) -> None:
    rig = Rig(tmp_path, IndexerSettings(survey_from=3, survey_page=4, backfill_page=2))
    rig.wide.append([wide_item(f"i{n}", brand=("苹果", "华为")[n % 2], pools=("gone",) if n == 1 else ()) for n in range(10)])
    for number in range(4):
        rig.put_pool(f"apple-{number}", APPLE)
    rig.put_pool("fresh", FRESH)
    steps = finish(rig)
    even = {f"i{n}" for n in range(0, 10, 2)}
    assert all(members(rig, f"apple-{number}", 10) == even and is_trusted(rig, f"apple-{number}") for number in range(4))
    assert len(members(rig, "fresh", 10)) == 10
    assert len(rig.item("i1").intervals["fresh"]) == 1
    assert members(rig, "gone", 10) == set(), "a tag of a pool that is not there goes too"
    assert steps < 30
    rig.database.close()


def test_a_pool_changed_during_a_survey_is_tagged_by_its_new_rule_and_the_others_are_not_held_up(tmp_path: Path) -> None:
    rig = Rig(tmp_path, IndexerSettings(survey_from=2, survey_page=2))
    rig.wide.append([wide_item(f"i{n}", brand=("苹果", "华为")[n % 2]) for n in range(10)])
    rig.put_pool("p", APPLE)
    rig.put_pool("q", APPLE)
    for _ in range(2):
        rig.backfill.step()
        rig.turn()
    rig.put_pool("p", {"field": "brand", "op": "eq", "value": "华为"}, revision=1)
    finish(rig)
    assert members(rig, "p", 10) == {f"i{n}" for n in range(1, 10, 2)}
    assert members(rig, "q", 10) == {f"i{n}" for n in range(0, 10, 2)}
    assert is_trusted(rig, "p")
    assert is_trusted(rig, "q")
    rig.database.close()


def without_the_pools(patched: pytest.MonkeyPatch, rig: Rig) -> None:
    """The store of the pools answers no question of this process."""

    def away(*_values: object) -> NoReturn:
        raise StoreUnavailable("could not read the pools")

    patched.setattr(rig.catalogue, "refresh", away)


def test_an_item_recorded_by_an_older_copy_of_the_pools_is_tagged_before_the_pool_is_trusted(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.put_pool("p", APPLE)
    rig.take(item_event("i0"))
    finish(rig)
    with monkeypatch.context() as patched:
        without_the_pools(patched, rig)
        rig.put_pool("p", HUAWEI, revision=1)
        rig.take(item_event("i1"), item_event("i2", given=given("华为")))
        assert members(rig, "p", 3) == {"i0", "i1"}, "the last copy serves"
        with pytest.raises(StoreUnavailable):
            rig.backfill.step()
    assert not is_trusted(rig, "p")
    finish(rig)
    assert members(rig, "p", 3) == {"i2"}
    assert is_trusted(rig, "p")


def test_an_item_recorded_by_an_older_copy_is_tagged_also_where_an_earlier_owner_has_marked_the_pool(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.put_pool("p", APPLE)
    finish(rig)
    with monkeypatch.context() as patched:
        without_the_pools(patched, rig)
        rig.put_pool("p", HUAWEI, revision=1)
        [change] = rig.pools.changes(0)
        rig.pools.set_tagged("p", change.pool.epoch, {0: -1})
        rig.take(item_event("i1"), item_event("i2", given=given("华为")))
    assert members(rig, "p", 3) == {"i1"}
    finish(rig)
    assert members(rig, "p", 3) == {"i2"}
    assert rig.backfill.step() is False, "and looked at once"


def test_of_several_changed_pools_what_is_banned_comes_first_and_then_the_lower_priority(rig: Rig) -> None:
    rig.take(item_event("i0"), item_event("i1", given=given("华为")))
    rig.put_pool("a", APPLE, priority=9)
    rig.put_pool("b", APPLE)
    rig.put_pool("c", APPLE, priority=0)
    rig.put_pool("banned", HUAWEI, priority=9)
    order: list[str] = []
    while rig.backfill.step():
        rig.turn()
        order += [pool_id for pool_id in ("a", "b", "c", "banned") if is_trusted(rig, pool_id) and pool_id not in order]
    assert order == ["banned", "c", "b", "a"]
    assert members(rig, "banned", 2) == {"i1"}


def test_the_backfill_of_a_pool_leaves_what_is_banned_alone(rig: Rig) -> None:
    rig.put_pool("banned", APPLE)
    rig.take(item_event("i0"), item_event("i1", given=given("华为")))
    finish(rig)
    before = rig.log.end("item-events")
    rig.put_pool("p", APPLE)
    finish(rig)
    assert is_trusted(rig, "p")
    assert members(rig, "p", 2) == set()
    assert rig.log.end("item-events") == before
