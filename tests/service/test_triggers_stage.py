import pytest

from builders import DAY, HOUR, NOW, wide_item
from read_rig import liking
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.terms import Trigger
from smallpool_core.users import Profile, Touched, TriggerState
from smallpool_service.triggers import pending_items, personal_triggers, smoothed_prior, wishes_from

SETTINGS = BehaviourSettings()


def triggers(state: TriggerState, tags: tuple[str, ...] = (), items: tuple[str, ...] = ()) -> dict[str, float]:
    known = {item_id: wide_item(item_id, terms=(f"brand:of-{item_id}",)) for item_id in items}
    found = personal_triggers(state, Profile(tags=tags), known, NOW, SETTINGS, 0.5)
    return {trigger.term: trigger.weight for trigger in found}


def test_behaviour_becomes_triggers() -> None:
    assert list(triggers(liking({"brand:a": 2.0, "brand:b": 1.0}))) == ["brand:a", "brand:b"]


def test_a_tag_of_the_profile_weighs_a_share_of_the_heaviest_trigger() -> None:
    found = triggers(liking({"brand:a": 2.0}), tags=("手办",))
    assert found["tag:手办"] == pytest.approx(found["brand:a"] / 2)


def test_tags_alone_make_triggers_of_someone_who_did_nothing_yet() -> None:
    assert triggers(TriggerState(), tags=("手办",)) == {"tag:手办": 1.0}


def test_an_event_on_an_item_that_is_indexed_by_now_counts_and_one_older_than_a_day_does_not() -> None:
    fresh = TriggerState(pending=[Touched("new", "click", NOW - HOUR), Touched("old", "click", NOW - DAY)])
    assert list(triggers(fresh, items=("new", "old"))) == ["brand:of-new"]
    assert triggers(fresh) == {}


def test_items_to_read_are_those_pending() -> None:
    state = TriggerState(recent=[Touched("r", "click", NOW)], pending=[Touched("p", "click", NOW)])
    assert pending_items(state) == {"p"}


def test_a_pool_with_few_events_leans_on_the_site_and_one_with_many_on_itself() -> None:
    site = [Trigger("brand:site", 1000.0, NOW)]
    few = smoothed_prior([Trigger("brand:pool", 3.0, NOW)], site, 20.0, NOW)
    many = smoothed_prior([Trigger("brand:pool", 300.0, NOW)], site, 20.0, NOW)
    assert [trigger.term for trigger in few] == ["brand:site", "brand:pool"]
    assert [trigger.term for trigger in many] == ["brand:pool", "brand:site"]
    assert few[0].weight == pytest.approx(20.0)


def test_a_pool_without_events_has_the_prior_of_the_site_and_a_site_without_events_none() -> None:
    assert [trigger.term for trigger in smoothed_prior([], [Trigger("brand:b", 2.0, NOW), Trigger("brand:a", 2.0, NOW)], 20.0, NOW)] == [
        "brand:a",
        "brand:b",
    ]
    assert smoothed_prior([], [], 20.0, NOW) == []


def test_a_prior_has_at_most_twenty_terms() -> None:
    many = [Trigger(f"brand:{place:02}", 1.0, NOW) for place in range(30)]
    assert len(smoothed_prior(many, many, 20.0, NOW)) == 20


def test_wishes_carry_integer_weights() -> None:
    wishes = wishes_from([Trigger("brand:a", 0.2, NOW), Trigger("brand:b", 0.1, NOW)], "behaviour")
    assert (wishes.weights, wishes.origin) == ({"brand:a": 1024, "brand:b": 512}, "behaviour")
    assert wishes_from([], "prior").origin == "none"
