"""Stage record: what is written, in one transaction, and what is not worth it."""

import asyncio

import pytest

from builders import NOW, user_event, wide_item
from smallpool_core.errors import StoreUnavailable
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.items import WideItem
from smallpool_core.ports import LogRecord
from smallpool_core.row_reader import Rejection
from smallpool_core.versions import ENRICH_SOLD, ENRICH_STRIPPED
from smallpool_indexer.dead_letters import dead_letter
from smallpool_indexer.record import says_more
from write_rig import Rig, power_cut

UPTO = LogRecord("item-events", 0, 7, "i1", b"{}", NOW)
LETTER = dead_letter(UPTO, Rejection("item.title", "''", "a title is required"), NOW)


def test_records_dead_letters_and_the_offset_are_written(rig: Rig) -> None:
    staged = rig.recorder.record([wide_item("a"), wide_item("b")], {}, [LETTER], UPTO)
    assert [item.item_id for item in staged.out] == ["a", "b"]
    assert rig.wide.get(["a", "b"]).keys() == {"a", "b"}
    assert rig.dead_letters() == [LETTER]
    assert rig.log.committed("item-events", INDEXER_GROUP) == {0: 7}


def test_all_is_written_or_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig.log, "commit", power_cut)
    with pytest.raises(KeyboardInterrupt):
        rig.recorder.record([wide_item()], {}, [LETTER], UPTO)
    assert rig.wide.get(["i1"]) == {}
    assert rig.dead_letters() == []


def test_a_sale_is_recorded_while_the_statistics_are_down(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_item_ids: object) -> None:
        raise StoreUnavailable("could not reach the statistics")

    monkeypatch.setattr(rig.stats, "forget", down)
    staged = rig.recorder.record([wide_item(enrich=ENRICH_SOLD, state="sold")], {}, [], UPTO)
    assert rig.item().state == "sold"
    assert staged.counts["not_forgotten"] == 1
    assert rig.log.committed("item-events", INDEXER_GROUP) == {0: 7}


def test_what_is_not_newer_than_the_stored_record_is_dropped_and_counted(rig: Rig) -> None:
    rig.wide.append([wide_item(version=5)])
    staged = rig.recorder.record([wide_item(version=4), wide_item("new")], {}, [], UPTO)
    assert [item.item_id for item in staged.out] == ["new"]
    assert staged.counts["stale"] == 1
    assert rig.item().version == 5


@pytest.mark.parametrize(
    ("item", "is_news"),
    [
        (wide_item(enrich=4), False),
        (wide_item(enrich=4, epoch=9), False),
        (wide_item(enrich=4, pools=("p",)), True),
        (wide_item(enrich=4, intervals={"p": ((1, 2),)}), True),
        (wide_item(enrich=4, quality=501), True),
        (wide_item(version=2), True),
        (wide_item(enrich=ENRICH_SOLD, state="sold"), True),
        (wide_item(enrich=ENRICH_STRIPPED), True),
    ],
)
def test_a_record_that_says_nothing_new_is_no_news(item: WideItem, is_news: bool) -> None:
    assert says_more(item, wide_item(enrich=3)) is is_news
    assert says_more(item, None)


def test_a_retag_that_changes_no_pool_is_not_written(rig: Rig) -> None:
    stored = wide_item(enrich=3, epoch=1)
    rig.wide.append([stored])
    staged = rig.recorder.record([wide_item(enrich=4, epoch=2)], {"i1": stored}, [], UPTO)
    assert (staged.out, staged.counts["unchanged"], rig.item()) == ([], 1, stored)


def test_a_removed_item_is_popular_no_longer(rig: Rig) -> None:
    rig.wide.append([wide_item("a"), wide_item("b")])
    rig.take(user_event(item_id="a"), user_event(item_id="b"))
    assert asyncio.run(rig.stats.popular("", 10)) == ["a", "b"]
    rig.recorder.record([wide_item("a", enrich=ENRICH_SOLD, state="sold")], {}, [], UPTO)
    assert asyncio.run(rig.stats.popular("", 10)) == ["b"]
