"""Behaviour adds up to triggers: decay, horizons, diversity, bounds."""

from math import isclose
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import DAY, HOUR, NOW, user_event, wide_item
from smallpool_core.behaviour import (
    KEPT,
    BehaviourSettings,
    apply_event,
    bought_likenesses,
    likeness,
    over_exposed,
    resolve_pending,
    term_shares,
    triggers_from,
)
from smallpool_core.terms import MAX_TRIGGERS
from smallpool_core.users import Exposed, Touched, TriggerState, UserEvent, Weighted

SETTINGS = BehaviourSettings()
SHORT = SETTINGS.short_half_life_s * 1000
LONG = SETTINGS.long_half_life_s * 1000
PHONE = ("category:数码›手机", "brand:apple", "category:数码")


def applied(*events: tuple[UserEvent, tuple[str, ...] | None], settings: BehaviourSettings = SETTINGS, now: int = NOW) -> TriggerState:
    state = TriggerState()
    for event, terms in events:
        state = apply_event(state, event, terms, settings, now)
    return state


def weights(state: TriggerState, now: int = NOW) -> dict[str, float]:
    return {trigger.term: trigger.weight for trigger in triggers_from(state, now, SETTINGS)}


def test_applying_leaves_the_given_state_as_it_was() -> None:
    before = applied((user_event(), PHONE))
    copy = replace(before, short=dict(before.short), recent=list(before.recent))
    apply_event(before, user_event("purchase", "i2"), ("brand:sony",), SETTINGS, NOW)
    assert before == copy


def test_a_weight_halves_with_each_half_life_of_its_horizon() -> None:
    state = applied((user_event(at=NOW - SHORT), ("brand:a",)), (user_event(at=NOW), ("brand:a",)))
    assert isclose(state.short["brand:a"].weight, 0.8 * 1.5)
    state = applied((user_event(at=NOW - LONG), ("brand:a",)), (user_event(at=NOW), ("brand:a",)))
    assert isclose(state.long["brand:a"].weight, 0.8 * 1.5)


def test_what_a_term_gains_depends_on_its_kind_and_its_company() -> None:
    shares = term_shares(["category:a›b›c", "category:a›b", "category:a", "brand:x", "point:p", "point:q", "point:r", "point:s"], SETTINGS)
    assert shares["category:a›b›c"] == 1.0
    assert isclose(shares["category:a›b"], 0.4)
    assert isclose(shares["category:a"], 0.16)
    assert shares["brand:x"] == 0.8
    assert isclose(sum(share for term, share in shares.items() if term.startswith("point:")), 0.6 * 2)
    assert "item:1" not in term_shares(["item:1"], SETTINGS)


def test_the_heaviest_trigger_is_what_the_person_did_most() -> None:
    state = applied((user_event(), PHONE), (user_event("cart", "i2"), ("brand:sony",)), (user_event("view", "i3"), ("brand:canon",)))
    found = [trigger.term for trigger in triggers_from(state, NOW, SETTINGS)]
    assert found == ["brand:sony", "category:数码›手机", "brand:apple", "brand:canon", "category:数码"]


def test_todays_session_outweighs_an_old_taste_and_gives_way_to_it_as_it_fades() -> None:
    old = [(user_event(item_id=f"i{n}", at=NOW - 10 * DAY), ("brand:old",)) for n in range(20)]
    state = applied(*old, *[(user_event(item_id=f"n{n}"), ("brand:new",)) for n in range(5)])
    assert weights(state)["brand:new"] > weights(state)["brand:old"]
    later = weights(state, NOW + DAY)
    assert later["brand:old"] > later["brand:new"]


def test_a_lone_old_click_does_not_look_like_a_busy_session() -> None:
    fresh, stale = applied((user_event(), PHONE)), applied((user_event(at=NOW - DAY), PHONE))
    assert weights(stale)["brand:apple"] < weights(fresh)["brand:apple"] / 2


def test_no_kind_fills_all_triggers() -> None:
    points = tuple(f"point:p{n}" for n in range(30))
    state = applied((user_event("cart"), points), (user_event(item_id="i2"), ("brand:a", "category:c", "city:x", "city:y")))
    triggers = [trigger.term for trigger in triggers_from(state, NOW, SETTINGS)]
    assert sum(term.startswith("point:") for term in triggers) == SETTINGS.kind_limits["point"]
    assert {"brand:a", "category:c", "city:x"} < set(triggers)
    assert "city:y" not in triggers


def test_at_most_as_many_triggers_come_back_as_asked_for_and_ties_go_by_bytes() -> None:
    kinds = ("category", "brand", "point", "tag", "seller")
    state = applied(*[(user_event(item_id=f"{kind}{n}"), (f"{kind}:{n}",)) for kind in kinds for n in range(9)])
    assert len(triggers_from(state, NOW, SETTINGS)) == MAX_TRIGGERS
    three = triggers_from(state, NOW, SETTINGS, 3)
    assert [(trigger.term, trigger.at) for trigger in three] == [("category:0", NOW), ("category:1", NOW), ("category:2", NOW)]


def test_each_horizon_keeps_its_strongest_terms() -> None:
    settings = BehaviourSettings(max_terms=3)
    state = applied(*[(user_event(item_id=f"i{n}", at=NOW - n * HOUR), (f"brand:{n}",)) for n in (4, 0, 3, 1, 2)], settings=settings)
    assert set(state.short) == set(state.long) == {"brand:0", "brand:1", "brand:2"}


@pytest.mark.parametrize("kind", ["view", "click", "favourite", "cart", "bid"])
def test_what_was_touched_is_recent_once_at_its_newest_and_bounded(kind: str) -> None:
    settings = BehaviourSettings(max_recent=3)
    times = [("a", 5), ("b", 1), ("a", 2), ("c", 3), ("d", 4)]
    state = applied(*[(user_event(kind, item_id, at=at), ()) for item_id, at in times], settings=settings)
    assert state.recent == [Touched("c", kind, 3), Touched("d", kind, 4), Touched("a", kind, 5)]


def test_the_last_hundred_purchases_are_kept_whatever_a_purchase_weighs() -> None:
    settings = BehaviourSettings(behaviour_weights={"purchase": 0.0})
    state = applied(*[(user_event("purchase", f"i{n}", at=n), PHONE) for n in range(101)], settings=settings)
    assert [touched.item_id for touched in state.bought] == [f"i{n}" for n in range(1, 101)]
    assert state.short == state.long == {}
    assert state.recent == []


def test_an_event_that_weighs_nothing_changes_nothing() -> None:
    state = applied((user_event(), PHONE))
    assert apply_event(state, user_event("expose"), None, SETTINGS, NOW) is state


WEARY = BehaviourSettings(max_exposures=2, max_exposed=3)


def test_exposures_are_counted_by_item_where_a_setting_asks_for_it_and_those_of_longest_ago_go() -> None:
    shown = [user_event("expose", item_id, at=NOW + at) for item_id, at in (("a", 0), ("b", 1), ("a", 2), ("c", 3), ("d", 4), ("d", 1))]
    for events in (shown, shown[::-1]):
        state = applied(*[(event, None) for event in events], settings=WEARY)
        assert state.exposed == [Exposed("a", 2, NOW + 2), Exposed("c", 1, NOW + 3), Exposed("d", 2, NOW + 4)]
        assert (state.short, state.recent, state.pending) == ({}, [], [])


@pytest.mark.parametrize("touch", sorted(KEPT))
def test_an_item_is_over_exposed_that_was_shown_so_often_and_never_touched(touch: Any) -> None:
    shown = [(user_event("expose", item_id, at=NOW + at), None) for at, item_id in enumerate("aabbc")]
    assert over_exposed(applied(*shown, settings=WEARY), WEARY) == {"a", "b"}
    for events in ([*shown, (user_event(touch, "a"), PHONE)], [(user_event(touch, "a"), PHONE), *shown]):
        assert over_exposed(applied(*events, settings=WEARY), WEARY) == {"b"}
    assert over_exposed(applied(*shown, settings=WEARY), SETTINGS) == frozenset()


def test_an_event_on_an_unknown_item_waits_and_its_number_is_bounded() -> None:
    settings = BehaviourSettings(max_pending=2)
    state = applied(*[(user_event(item_id=f"i{n}", at=NOW + n), None) for n in range(3)], settings=settings)
    assert [touched.item_id for touched in state.pending] == ["i1", "i2"]
    assert state.short == {}


def test_what_waited_is_applied_as_of_when_it_happened() -> None:
    late = applied((user_event(at=NOW - HOUR), None))
    resolved = resolve_pending(late, {"i1": wide_item(terms=PHONE)}, SETTINGS, NOW)
    assert resolved.pending == []
    assert resolved.short == applied((user_event(at=NOW - HOUR), PHONE)).short
    assert late.pending != []


def test_what_an_item_cost_when_it_was_touched_is_kept_and_what_waited_learns_it() -> None:
    item = wide_item("i1", category="数码›手机", price_cents=500)
    touched = apply_event(TriggerState(), user_event(), PHONE, SETTINGS, NOW, item)
    assert touched.recent == [Touched("i1", "click", NOW, 500, "数码")]
    late = applied((user_event(), None), (user_event(item_id="i2"), PHONE))
    assert [one.price_cents for one in late.recent] == [None, None]
    resolved = resolve_pending(late, {"i1": item, "i2": item}, SETTINGS, NOW)
    assert {one.item_id: (one.price_cents, one.category) for one in resolved.recent} == {"i1": (500, "数码"), "i2": (None, "")}


def test_what_waits_stays_until_its_item_comes_or_a_day_has_passed() -> None:
    state = applied((user_event(at=NOW), None))
    assert resolve_pending(state, {"other": wide_item("other")}, SETTINGS, NOW + DAY - 1).pending == state.pending
    assert resolve_pending(state, {}, SETTINGS, NOW + DAY).pending == []
    nobody = TriggerState()
    assert resolve_pending(nobody, {}, SETTINGS, NOW) is nobody


def test_a_stranger_has_no_triggers() -> None:
    assert triggers_from(TriggerState(), NOW, SETTINGS) == []


def test_an_event_that_arrives_ages_late_counts_for_what_is_left_of_it() -> None:
    state = applied((user_event(), PHONE), (user_event(item_id="i2", at=0), PHONE))
    assert state.short == applied((user_event(), PHONE)).short


def test_weights_from_ages_ago_or_ahead_of_the_clock_are_finite() -> None:
    state = TriggerState(short={"brand:old": Weighted(1.0, 0), "brand:ahead": Weighted(1.0, NOW + HOUR)})
    assert weights(state)["brand:ahead"] == weights(state, NOW + HOUR)["brand:ahead"]
    assert "brand:old" not in weights(state)


histories = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(NOW - 60 * DAY, NOW), st.sampled_from(["click", "cart", "view"])), max_size=8
)


@given(history=histories, data=st.data())
def test_late_events_need_no_order(history: list[tuple[str, int, str]], data: st.DataObject) -> None:
    events = [(user_event(kind, item_id, at=at), (f"brand:{item_id}", "category:c")) for item_id, at, kind in history]
    one, other = weights(applied(*events)), weights(applied(*data.draw(st.permutations(events))))
    assert one.keys() == other.keys()
    assert all(isclose(one[term], other[term], rel_tol=1e-6) for term in one)


def test_a_weight_that_is_left_out_keeps_its_default() -> None:
    assert BehaviourSettings(behaviour_weights={"click": 2.0}).weight_of("purchase") == SETTINGS.weight_of("purchase") > 0
    assert BehaviourSettings(kind_limits={"brand": 1}).kind_limits == SETTINGS.kind_limits | {"brand": 1}


ALIKE = BehaviourSettings(bought_alike=2)


def test_a_purchase_keeps_what_makes_another_item_like_it_where_a_setting_asks_for_it() -> None:
    terms = ("category:a›b", "brand:x", "seller:s", "point:p", "point:q", "category:a", "tag:t", "city:c")
    assert likeness(terms) == ("category:a›b", "brand:x", "point:p", "point:q")
    state = applied((user_event("purchase"), terms), settings=ALIKE)
    assert bought_likenesses(state, ALIKE) == [frozenset(likeness(terms))]
    assert applied((user_event("purchase"), terms)).bought == [Touched("i1", "purchase", NOW)]


def test_an_item_of_which_only_the_category_is_known_is_like_no_other() -> None:
    assert likeness(("category:a›b", "category:a", "seller:s")) == ()
    assert likeness(()) == ()


def test_the_likeness_of_the_last_purchases_counts_newest_first() -> None:
    bought = [(user_event("purchase", name, at=NOW + at), ("category:c", f"brand:{name}")) for at, name in enumerate("abc")]
    assert bought_likenesses(applied(*bought, settings=ALIKE), ALIKE) == [{"category:c", "brand:c"}, {"category:c", "brand:b"}]


def test_a_purchase_that_waited_for_its_item_learns_what_it_was() -> None:
    late = applied((user_event("purchase"), None), settings=ALIKE)
    assert bought_likenesses(late, ALIKE) == []
    resolved = resolve_pending(late, {"i1": wide_item(terms=PHONE)}, ALIKE, NOW)
    assert bought_likenesses(resolved, ALIKE) == [{"category:数码›手机", "brand:apple"}]
