"""Who an event is applied to, and how what is kept of two becomes one."""

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from builders import HOUR, NOW, user_event
from smallpool_core.behaviour import BehaviourSettings, apply_event, joined
from smallpool_core.linking import Link, joined_profiles, joined_runs, owner_of
from smallpool_core.users import MAX_TAGS, Profile, TriggerState, UserEvent

LINKS = {"d1": Link("u1", NOW), "d2": Link("", NOW)}
SETTINGS = BehaviourSettings(max_exposures=3)


@pytest.mark.parametrize(
    ("user_id", "device_id", "at", "owner"),
    [
        (None, "d1", NOW, "u:u1"),
        (None, "d1", NOW + 1, "d:d1"),
        ("u2", "d1", NOW - 1, "u:u2"),
        (None, "d2", NOW, None),
        (None, "d2", NOW + 1, "d:d2"),
        (None, "d3", NOW, "d:d3"),
        ("u1", None, NOW, "u:u1"),
    ],
)
def test_what_a_device_did_up_to_its_link_is_its_users(user_id: str | None, device_id: str | None, at: int, owner: str | None) -> None:
    assert owner_of(user_event(user_id=user_id, device_id=device_id, at=at), LINKS) == owner


def lived(events: list[UserEvent]) -> TriggerState:
    state = TriggerState()
    for event in events:
        terms = None if event.item_id == "unknown" else (f"brand:{event.item_id}", "category:数码")
        state = apply_event(state, event, terms, SETTINGS, NOW)
    return state


acts = st.lists(
    st.tuples(
        st.booleans(),
        st.builds(
            user_event,
            st.sampled_from(["click", "purchase", "expose", "cart"]),
            st.sampled_from(["a", "b", "c", "unknown"]),
            at=st.integers(NOW - HOUR, NOW),
        ),
    ),
    max_size=24,
    unique_by=lambda act: act[1].at,
)


@drawn(acts)
def test_two_joined_are_what_all_their_events_lead_to(done: list[tuple[bool, UserEvent]]) -> None:
    one, other = ([event for is_one, event in done if is_one is wanted] for wanted in (True, False))
    found, wanted = joined(lived(one), lived(other), SETTINGS), lived([*one, *other])
    for kept, due in ((found.short, wanted.short), (found.long, wanted.long)):
        assert {term: (pytest.approx(one.weight), one.at) for term, one in kept.items()} == {
            term: (one.weight, one.at) for term, one in due.items()
        }
    at = [touched.at for touched in found.pending]
    assert at == sorted(at)
    assert sorted(at) == sorted(touched.at for touched in wanted.pending)
    for name in ("bought", "recent", "begins"):
        assert getattr(found, name) == getattr(wanted, name)
    assert {shown.item_id: shown for shown in found.exposed} == {shown.item_id: shown for shown in wanted.exposed}


def test_joined_states_keep_the_bounds_of_their_lists() -> None:
    narrow = BehaviourSettings(max_terms=2, max_recent=2, max_bought=1, max_pending=1)
    one, other = (
        lived([user_event(kind, name, at=NOW + place) for place, (kind, name) in enumerate(acts)])  # type: ignore[arg-type]
        for acts in ([("click", "a"), ("purchase", "b"), ("click", "unknown")], [("click", "c"), ("purchase", "d"), ("click", "unknown")])
    )
    found = joined(one, other, narrow)
    assert [len(kept) for kept in (found.short, found.long, found.recent, found.bought, found.pending)] == [2, 2, 2, 1, 1]


def test_a_profile_that_would_be_too_much_keeps_what_is_newer() -> None:
    older, newer = (Profile(tuple(f"{name}{place}" for place in range(60)), updated_at=at) for name, at in (("old", NOW), ("new", NOW + 1)))
    for found in (joined_profiles(older, newer), joined_profiles(newer, older)):
        assert found.tags == (newer.tags + older.tags)[:MAX_TAGS]


def test_of_two_seen_lists_each_item_stands_once_where_it_was_served_last() -> None:
    one, other = [(1, ["a", "b"]), (5, ["c"])], [(1, ["b", "d"]), (3, ["a"]), (5, ["e"])]
    assert joined_runs(one, other) == [(1, ["b"]), (1, ["d"]), (3, ["a"]), (5, ["c"]), (5, ["e"])]
    assert joined_runs(one, []) == joined_runs([], one) == one
