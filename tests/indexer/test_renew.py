"""After a change of what understands them, all stored listings are understood anew, in the background and each once."""

from pathlib import Path

import pytest

from builders import item_event
from smallpool_core.events import INDEXER_GROUP
from smallpool_core.versions import ENRICH_SOLD
from smallpool_indexer.settings import IndexerSettings
from write_rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, IndexerSettings(backfill_page=2))


def versions(rig: Rig) -> set[str]:
    return {item.versions["understander"] for item in rig.wide.listed("", 100)}


def test_listings_are_understood_anew_after_a_change_and_never_without_one(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.take(*(item_event(f"i{number}") for number in range(5)), item_event("gone"), item_event("gone", "sold", version=2))
    rig.write_path.settle()
    assert (rig.understander.asked, rig.item("i1").enrich) == (6, 0)
    monkeypatch.setattr(rig.understander, "version", "plain-2")
    rig.write_path.settle()
    assert versions(rig) == {"plain-2"}
    assert {rig.item(f"i{number}").enrich for number in range(5)} == {1}
    assert rig.item("gone").enrich == ENRICH_SOLD, "what was sold stays as it is"
    asked = rig.understander.asked
    rig.write_path.settle()
    assert rig.understander.asked == asked == 11


def test_new_listings_wait_for_no_more_than_a_page_of_old_ones(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.take(*(item_event(f"i{number}") for number in range(5)))
    rig.write_path.settle()
    monkeypatch.setattr(rig.understander, "version", "plain-2")
    for _ in range(4):
        rig.renewer.step()
    assert rig.log.lag("item-events", INDEXER_GROUP) == 2, "the next page is sent when this one is taken in"
