"""What makes one listing a repost of another."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import NOW
from smallpool_core.reposts import Listing, RepostSettings, Sketch, contradict, nearest, originals, similarity

SETTINGS = RepostSettings(similarity=0.5, similarity_of_others=0.7, least_weight=5)
LONG = dict.fromkeys(range(10), 1)


def listing(item_id: str, weights: dict[int, int] | None = None, **changes: Any) -> Listing:
    facts = changes.pop("facts", {})
    held = LONG if weights is None else weights
    return replace(Listing(item_id, "s1", NOW, Sketch((1,), held, facts, sum(held.values()))), **changes)


def test_likeness_is_what_is_shared_of_all_that_is_said_by_weight() -> None:
    assert similarity({1: 2, 2: 1}, {1: 1, 3: 2}) == 1 / 5
    assert similarity(LONG, LONG) == 1
    assert similarity({}, {}) == 0


def test_a_number_against_another_contradicts_and_one_that_is_left_out_does_not() -> None:
    assert contradict({"number": ["13", "128"]}, {"number": ["13", "256"]}, 0.5)
    assert not contradict({"number": ["13", "128"]}, {"number": ["13"]}, 0.5)
    assert not contradict({}, {}, 0.5)


def test_a_number_counts_as_often_as_it_is_named() -> None:
    assert contradict({"number": ["128", "128"]}, {"number": ["128", "256"]}, 0.1)


def test_too_few_shared_facts_contradict_though_none_stands_against_another() -> None:
    assert contradict({"number": ["5"], "latin": ["a"]}, {"latin": ["a", "b", "c"]}, 0.5)


def test_the_originals_are_the_earlier_ones_of_the_same_thing_the_earliest_first() -> None:
    others = [
        listing("c", published_at=NOW - 1),
        listing("b", published_at=NOW - 2),
        listing("later", published_at=NOW + 1),
        listing("x", {99: 9}),
    ]
    assert originals(listing("i"), others, SETTINGS) == ["b", "c"]


def test_of_two_at_one_time_the_smaller_id_is_the_original() -> None:
    assert originals(listing("b"), [listing("a")], SETTINGS) == ["a"]
    assert originals(listing("a"), [listing("b")], SETTINGS) == []


def test_another_seller_must_say_more_of_the_same_and_enough_of_it() -> None:
    partly = {**dict.fromkeys(range(8), 1), 98: 1, 99: 1}  # 8 of 12: two thirds
    short = {1: 2, 2: 2}
    assert originals(listing("b", partly), [listing("a")], SETTINGS) == ["a"]
    assert originals(listing("b", partly, seller_id="s2"), [listing("a")], SETTINGS) == []
    assert originals(listing("b", short), [listing("a", short)], SETTINGS) == ["a"]
    assert originals(listing("b", short, seller_id="s2"), [listing("a", short)], SETTINGS) == []
    assert originals(listing("b", short, seller_id=None), [listing("a", short, seller_id=None)], SETTINGS) == []


@given(st.lists(st.lists(st.integers(0, 20), max_size=9, unique=True), max_size=6), st.integers(1, 8))
def test_the_nearest_are_in_most_bands_and_of_equals_who_comes_first(bands: list[list[int]], most: int) -> None:
    shared: Counter[int] = Counter()
    for members in bands:
        shared.update(members)
    assert nearest(bands, most) == [member for member, _ in shared.most_common(most)]


WEIGHTS = st.dictionaries(st.integers(0, 12), st.integers(1, 3), max_size=9)


@given(WEIGHTS, WEIGHTS, st.floats(0.01, 1))
def test_likeness_below_what_is_asked_is_never_taken_for_more_and_any_other_is_exact(
    one: dict[int, int], other: dict[int, int], least: float
) -> None:
    exact = similarity(one, other)
    assert similarity(one, other, least) in {exact, 0.0}
    assert (similarity(one, other, least) >= least) == (exact >= least)
