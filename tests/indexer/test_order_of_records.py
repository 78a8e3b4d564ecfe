"""Stage order: an item's state is the record with the largest (version, enrich)."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import HOUR, NOW, given, item_event, wide_item
from smallpool_core.items import ItemEvent, ItemEventType, WideItem
from smallpool_core.ports import LogRecord
from smallpool_core.versions import ENRICH_EXPIRED, ENRICH_SOLD, ENRICH_STRIPPED, ENRICH_WITHDRAWN, MAX_ENRICH
from smallpool_indexer.order import order
from smallpool_indexer.parse import Taken
from smallpool_indexer.stage import Staged
from smallpool_indexer.terms import static_score
from smallpool_indexer.understand import understand
from write_rig import PlainUnderstander


def ordered(events: Sequence[ItemEvent], *stored: WideItem) -> Staged[WideItem]:
    known = {item.item_id: item for item in stored}
    taken = [Taken(LogRecord("item-events", 0, offset, event.item_id, b"", NOW), event) for offset, event in enumerate(events)]
    return order(understand(taken, known, PlainUnderstander(), NOW).out, known, NOW)


def internal(kind: ItemEventType, reason: str, version: int = 0) -> ItemEvent:
    return item_event(type=kind, version=version, reason=reason)


def seen(item: WideItem) -> object:
    """All that anyone can recall: the whole of an item on sale; of a removed one, that it is gone, and since when."""
    return item if item.state == "on_sale" else (item.item_id, item.version, item.enrich, item.state)


def test_a_listing_is_version_and_enrich_0_on_sale() -> None:
    [item] = ordered([item_event(version=5)]).out
    assert (item.order, item.state) == ((5, 0), "on_sale")


@pytest.mark.parametrize("kind", ["published", "updated"])
def test_published_and_updated_both_list_a_sold_item_again_with_a_higher_version(kind: ItemEventType) -> None:
    sold = wide_item(version=5, enrich=ENRICH_SOLD, state="sold")
    assert ordered([item_event(type=kind, version=5)], sold).out == []
    [item] = ordered([item_event(type=kind, version=6)], sold).out
    assert (item.order, item.state) == ((6, 0), "on_sale")


@pytest.mark.parametrize(("kind", "enrich"), [("sold", ENRICH_SOLD), ("withdrawn", ENRICH_WITHDRAWN)])
def test_a_removal_outranks_every_re_enrichment_of_its_version_and_keeps_the_fields(kind: ItemEventType, enrich: int) -> None:
    stored = wide_item(version=3, enrich=MAX_ENRICH, pools=("p",), intervals={"p": ((1, 2),)}, brand="b")
    [item] = ordered([item_event(type=kind, version=3)], stored).out
    assert (item.order, item.state) == ((3, enrich), kind)
    assert (item.brand, item.terms, item.given) == (stored.brand, stored.terms, stored.given)
    assert (item.pools, item.intervals) == ((), {})


def test_an_older_removal_removes_nothing() -> None:
    staged = ordered([item_event(type="sold", version=2)], wide_item(version=3))
    assert (staged.out, staged.counts) == ([], {"stale": 1})


def test_the_removal_of_an_unknown_item_is_kept_so_that_a_late_listing_does_not_list_it() -> None:
    [item] = ordered([item_event(type="sold", version=4)]).out
    assert item == WideItem("i1", 4, ENRICH_SOLD, "sold")
    assert ordered([item_event(version=4)], item).out == []


def test_a_hundred_copies_have_one_effect_and_are_counted() -> None:
    staged = ordered([item_event()] * 100)
    assert len(staged.out) == 1
    assert staged.counts == {"listed": 1, "dup": 99}
    assert ordered([item_event(), item_event()], staged.out[0]).counts == {"dup": 2}


def test_of_two_bodies_of_one_version_the_first_wins_and_the_second_is_counted_and_noted() -> None:
    staged = ordered([item_event(given=given("甲")), item_event(given=given("乙"))])
    assert staged.out[0].given == given("甲")
    assert staged.counts == {"listed": 1, "conflict": 1}
    assert staged.notes == ["item 'i1', version 1: a second body (offset 1) is ignored, the first wins"]


def test_events_of_one_item_in_one_batch_fold_in_order() -> None:
    events = [item_event(version=1), item_event(type="sold", version=2), item_event(version=3, given=given("华为"))]
    [item] = ordered([*events, internal("enrich", "retag")]).out
    assert (item.order, item.brand) == ((3, 1), "华为")
    [sold] = ordered(events[:2]).out
    assert (sold.state, sold.brand) == ("sold", "苹果")


def test_a_retag_is_the_next_record_of_the_same_listing() -> None:
    stored = wide_item(version=3, enrich=4, quality=123)
    [item] = ordered([internal("enrich", "retag")], stored).out
    assert (item.order, item.quality, item.title_words) == ((3, 5), 123, stored.title_words)


def test_to_understand_again_renews_the_fields_and_keeps_the_publication() -> None:
    stored = wide_item(version=3, enrich=4, quality=123, published_at=77, given=given(published_at=None))
    [item] = ordered([internal("enrich", "understand")], stored).out
    assert (item.order, item.quality, item.published_at) == ((3, 5), 600, 77)


def test_to_understand_again_what_the_batch_has_just_brought_changes_nothing() -> None:
    staged = ordered([item_event(version=4, given=given("华为")), internal("enrich", "understand")], wide_item(version=3))
    assert (staged.out[0].order, staged.out[0].brand, staged.counts) == ((4, 0), "华为", {"listed": 1, "dup": 1})


def test_re_enrichment_stops_at_the_last_number_and_is_counted() -> None:
    assert ordered([internal("enrich", "retag")], wide_item(enrich=MAX_ENRICH - 1)).out[0].enrich == MAX_ENRICH
    staged = ordered([internal("enrich", "retag")], wide_item(enrich=MAX_ENRICH))
    assert (staged.out, staged.counts) == ([], {"enrich_exhausted": 1})


def test_internal_events_leave_unknown_and_removed_items_alone() -> None:
    sold = wide_item(state="sold", enrich=ENRICH_SOLD)
    for event in (internal("enrich", "retag"), internal("enrich", "understand"), internal("sweep", "expired")):
        assert ordered([event]).counts == {"unknown_item": 1}
        assert ordered([event], sold).counts == {"not_listed": 1}
        assert ordered([event]).out == ordered([event], sold).out == []
    assert ordered([internal("sweep", "strip")]).counts == {"unknown_item": 1}


@pytest.mark.parametrize(("expires_at", "is_due"), [(NOW - HOUR, True), (NOW - HOUR + 1, False), (None, False)])
def test_an_item_is_recorded_as_expired_an_hour_after_its_expiry(expires_at: int | None, is_due: bool) -> None:
    staged = ordered([internal("sweep", "expired")], wide_item(version=2, expires_at=expires_at, pools=("p",)))
    assert [(item.order, item.state, item.pools) for item in staged.out] == ([((2, ENRICH_EXPIRED), "expired", ())] if is_due else [])


def test_stripping_leaves_the_id_the_version_and_the_state() -> None:
    [item] = ordered([internal("sweep", "strip", 9)], wide_item(version=9, enrich=ENRICH_SOLD, state="sold")).out
    assert item == WideItem("i1", 9, ENRICH_STRIPPED, "sold")
    assert ordered([internal("sweep", "strip", 9)], item).out == []
    assert ordered([item_event(version=9), item_event(type="sold", version=9)], item).out == []
    assert ordered([item_event(version=10)], item).out[0].order == (10, 0)


def test_an_item_on_sale_is_not_stripped() -> None:
    assert ordered([internal("sweep", "strip", 1)], wide_item()).counts == {"not_due": 1}


def rescore(version: int, popularity: int) -> ItemEvent:
    return item_event(type="enrich", version=version, reason="rescore", popularity=popularity)


def test_a_rescore_changes_the_popularity_and_the_static_score_alone() -> None:
    stored = wide_item(version=3, enrich=7, pools=("p",), static_score=static_score(500, 500))
    [item] = ordered([rescore(3, 600)], stored).out
    assert item == replace(stored, enrich=8, popularity=600, static_score=static_score(500, 500, 600))


@pytest.mark.parametrize("version", [2, 4])
def test_a_rescore_of_another_version_changes_nothing(version: int) -> None:
    staged = ordered([rescore(version, 600)], wide_item(version=3))
    assert (staged.out, staged.counts) == ([], {"not_due": 1})


def test_a_new_listing_and_another_understanding_keep_the_popularity_while_the_item_is_on_sale() -> None:
    stored = wide_item(version=3, popularity=600)
    for event in (item_event(version=4), internal("enrich", "understand")):
        [item] = ordered([event], stored).out
        assert (item.popularity, item.static_score) == (600, static_score(600, 500, 600))


def test_an_item_that_is_listed_again_begins_without_popularity() -> None:
    [item] = ordered([item_event(version=4)], wide_item(version=3, enrich=ENRICH_SOLD, state="sold", popularity=600)).out
    assert (item.popularity, item.static_score) == (0, static_score(600, 500))


@pytest.mark.parametrize("version", [0, 8, 10])
def test_an_item_is_not_stripped_for_another_version_than_the_one_that_was_removed(version: int) -> None:
    staged = ordered([internal("sweep", "strip", version)], wide_item(version=9, enrich=ENRICH_SOLD, state="sold"))
    assert (staged.out, staged.counts) == ([], {"not_due": 1})


def final_state(events: Sequence[ItemEvent], batch: int) -> dict[str, object]:
    stored: dict[str, WideItem] = {}
    for start in range(0, len(events), batch):
        for item in ordered(events[start : start + batch], *stored.values()).out:
            assert item.item_id not in stored or item.order > stored[item.item_id].order
            stored[item.item_id] = item
    return {item_id: seen(item) for item_id, item in stored.items()}


def life(kinds: Sequence[ItemEventType]) -> list[ItemEvent]:
    return [item_event(type=kind, version=version, **listing(kind, version)) for version, kind in enumerate(kinds)]


def listing(kind: ItemEventType, version: int) -> dict[str, object]:
    return {"given": given(f"苹果 第{version}版")} if kind in ("published", "updated") else {}


@pytest.mark.parametrize("kinds", [("published", "sold", "updated"), ("published", "updated", "sold"), ("withdrawn", "sold", "published")])
def test_every_order_of_three_versions_ends_in_the_newest(kinds: tuple[ItemEventType, ...]) -> None:
    events = life(kinds)
    expected = final_state(events, 1)
    for events_in_some_order in permutations(events):
        for batch in (1, 2, 3):
            assert final_state(events_in_some_order, batch) == expected


kinds_of_a_life = st.lists(st.sampled_from(["published", "updated", "sold", "withdrawn"]), min_size=1, max_size=6)


@for_all(data=st.data(), kinds=kinds_of_a_life, batch=st.integers(1, 8))
def test_order_and_duplication_of_events_do_not_matter(data: st.DataObject, kinds: list[ItemEventType], batch: int) -> None:
    events = life(kinds)
    copies = data.draw(st.lists(st.sampled_from(events), max_size=6))
    shuffled = data.draw(st.permutations([*events, *copies]))
    newest = events[-1]
    [state] = final_state(shuffled, batch).values()
    assert state == final_state([newest], 1)["i1"]
