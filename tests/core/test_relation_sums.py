"""What new events add to lists of related items."""

import pytest

from builders import NOW
from smallpool_core.relations import Additions, Counted, Key, RelationList, RelationSettings, added, worth

HALF_LIFE_S = 3_600
SETTINGS = RelationSettings(half_life_s=HALF_LIFE_S, popularity_damping=0.5, list_size=2, term_list_size=2)
LATER = NOW + HALF_LIFE_S * 1000
A = Key("view", "a")


def listed(count: float, *entries: Counted, at: int = NOW) -> RelationList:
    return RelationList(at, count, entries)


def add(stored: dict[Key, RelationList], additions: Additions, key: Key = A, gone: frozenset[str] = frozenset()) -> RelationList:
    return added(key, stored, additions, gone, SETTINGS)


def test_worth_is_a_share_without_damping_and_the_cosine_with_half_of_it() -> None:
    assert worth(2.0, 4.0, 16.0, 0.0) == 0.5
    assert worth(2.0, 4.0, 16.0, 0.5) == pytest.approx(2 / 8)
    assert worth(2.0, 4.0, 16.0, 1.0) == pytest.approx(2 / 16)
    assert worth(2.0, 0.0, 16.0, 0.5) == 0.0


def test_what_is_stored_fades_before_anything_is_added_to_it() -> None:
    stored = {A: listed(4.0, Counted("b", 0.5, 2.0, 8.0))}
    after = add(stored, Additions(LATER, {"view": {"a": 1.0}}, {A: {"b": 1.0}}))
    assert after == listed(3.0, Counted("b", worth(2.0, 3.0, 4.0, 0.5), 2.0, 4.0), at=LATER)


def test_fading_alone_changes_no_weight() -> None:
    stored = {A: listed(4.0, Counted("b", worth(2.0, 4.0, 8.0, 0.5), 2.0, 8.0))}
    after = add(stored, Additions(LATER, {}, {}))
    assert after.entries[0].weight == pytest.approx(stored[A].entries[0].weight)
    assert (after.count, after.entries[0].pairs, after.entries[0].count) == (2.0, 1.0, 4.0)


def test_the_count_of_the_other_item_is_that_of_its_own_list() -> None:
    stored = {A: listed(4.0, Counted("b", 0.5, 2.0, 1.0)), Key("view", "b"): listed(8.0)}
    after = add(stored, Additions(LATER, {"view": {"b": 1.0}}, {A: {"b": 0.5}}))
    assert after.entries[0].count == 5.0


def test_the_same_additions_again_count_once() -> None:
    additions = Additions(LATER, {"view": {"a": 1.0, "b": 1.0}}, {A: {"b": 1.0}})
    once = add({A: listed(4.0, Counted("b", 0.5, 2.0, 8.0))}, additions)
    assert add({A: once}, additions) == once


def test_the_other_list_may_have_been_added_to_already() -> None:
    b = Key("view", "b")
    additions = Additions(LATER, {"view": {"a": 1.0, "b": 1.0}}, {A: {"b": 1.0}, b: {"a": 0.5}})
    stored = {A: listed(4.0), b: listed(8.0)}
    first = add(stored, additions)
    assert add(stored | {b: add(stored, additions, b)}, additions) == first


def test_a_full_list_keeps_its_heaviest_entries() -> None:
    stored = {A: listed(4.0, Counted("b", 0.5, 2.0, 1.0), Counted("c", 0.2, 0.8, 1.0))}
    after = add(stored, Additions(NOW + 1, {"view": {"d": 1.0}}, {A: {"d": 1.5}}))
    assert {entry.item_id for entry in after.entries} == {"b", "d"}


def test_what_is_gone_makes_room() -> None:
    stored = {A: listed(4.0, Counted("b", 0.5, 2.0, 1.0), Counted("c", 0.2, 0.8, 1.0))}
    after = add(stored, Additions(NOW + 1, {}, {A: {"b": 1.0}}), gone=frozenset({"b"}))
    assert [entry.item_id for entry in after.entries] == ["c"]


def test_a_list_of_a_term_adds_weights_up() -> None:
    brand = Key("term", "brand:apple")
    stored = {brand: listed(0.0, Counted("x", 4.0, 4.0, 0.0))}
    after = add(stored, Additions(LATER, {}, {brand: {"x": 1.0, "y": 5.0}}), brand)
    assert after == listed(0.0, Counted("y", 5.0, 5.0, 0.0), Counted("x", 3.0, 3.0, 0.0), at=LATER)


def test_the_list_of_a_pool_counts_its_item_on_the_whole_site() -> None:
    own = Key("view", "a", "p")
    after = add({A: listed(7.0)}, Additions(NOW + 1, {"view": {"a": 1.0}}, {own: {"b": 1.0}}), own)
    assert after.count == pytest.approx(8.0, rel=1e-3)
