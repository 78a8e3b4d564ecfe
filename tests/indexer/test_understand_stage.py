"""Stage understand: who is understood, who is spared, and who cannot be."""

import pytest

from builders import NOW, given, item_event, wide_item
from smallpool_core.items import ItemEvent
from smallpool_core.ports import LogRecord
from smallpool_indexer.parse import Taken
from smallpool_indexer.understand import understand
from write_rig import POISON, PlainUnderstander


def taken(*events: ItemEvent) -> list[Taken]:
    return [Taken(LogRecord("item-events", 0, offset, event.item_id, b"", NOW), event) for offset, event in enumerate(events)]


def test_a_listing_is_understood_and_nothing_else_is() -> None:
    understander = PlainUnderstander()
    staged = understand(taken(item_event("a"), item_event("b", "sold"), item_event("c", "sweep", reason="expired")), {}, understander, NOW)
    assert [one.understood is not None for one in staged.out] == [True, False, False]
    assert understander.asked == 1


@pytest.mark.parametrize("enrich", [0, 7])
def test_a_listing_no_newer_than_what_is_stored_is_spared(enrich: int) -> None:
    understander = PlainUnderstander()
    stored = {"i1": wide_item(version=3, enrich=enrich)}
    staged = understand(taken(item_event(version=2), item_event(version=3), item_event(version=4)), stored, understander, NOW)
    assert [one.understood is not None for one in staged.out] == [False, False, True]


def test_to_understand_again_is_to_understand_what_was_given() -> None:
    stored = {"i1": wide_item(given=given("华为 #快充")), "gone": wide_item("gone", state="sold"), "bare": wide_item("bare", given=None)}
    events = [item_event(name, "enrich", version=0, reason="understand") for name in ("i1", "gone", "bare", "unknown")]
    staged = understand(taken(*events, item_event("i1", "enrich", version=0, reason="retag")), stored, PlainUnderstander(), NOW)
    assert [one.understood.brand if one.understood else None for one in staged.out] == ["华为", None, None, None, None]


def test_a_listing_that_cannot_be_borne_is_a_dead_letter_and_costs_no_neighbour() -> None:
    events = taken(item_event("a"), item_event("b", given=given(POISON)), item_event("c"), item_event("d", "sold"))
    staged = understand(events, {}, PlainUnderstander(), NOW)
    assert [one.event.item_id for one in staged.out] == ["a", "c", "d"]
    assert all(one.understood is not None for one in staged.out[:2])
    [letter] = staged.letters
    assert (letter.offset, letter.field) == (1, "item")
    assert "ValueError: poison" in letter.reason
