"""The consumer of user events: each event once, to triggers, lists and statistics."""

import asyncio

import pytest

from builders import DAY, HOUR, NOW, item_event, user_event, wide_item
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.events import BEHAVIOUR_GROUP
from smallpool_core.users import Touched, TriggerState, Weighted
from smallpool_indexer.user_events import stat_delta
from write_rig import POISON, Rig, power_cut

SETTINGS = BehaviourSettings()


def weight(state: TriggerState, term: str) -> float:
    return state.short[term].weight if term in state.short else 0.0


def popular(rig: Rig, pool_id: str = "") -> list[str]:
    return asyncio.run(rig.stats.popular(pool_id, 10))


def test_a_click_leaves_the_terms_of_its_item_on_both_horizons(rig: Rig) -> None:
    rig.take(item_event(), user_event())
    state = rig.state_of()
    assert set(state.short) == set(state.long) == set(rig.item().terms)
    assert state.short["category:数码›手机"] == Weighted(1.0, NOW)
    assert state.recent == [Touched("i1", "click", NOW, 100_000, "数码")]


def test_stronger_behaviour_weighs_more(rig: Rig) -> None:
    kinds = ("view", "click", "favourite", "cart", "bid")
    rig.take(item_event(), *(user_event(kind, user_id=kind) for kind in kinds))
    weights = [weight(rig.state_of(f"u:{kind}"), "category:数码›手机") for kind in kinds]
    assert weights == sorted(weights)
    assert len(set(weights)) == len(kinds)


def test_a_follow_asks_for_the_seller(rig: Rig) -> None:
    rig.take(user_event("follow", seller_id="S9"))
    assert set(rig.state_of().short) == {"seller:S9"}


def test_a_search_asks_for_what_its_words_stand_for(rig: Rig) -> None:
    rig.take(user_event("search", query="苹果 #国行"))
    assert {"brand:苹果", "point:国行"} < set(rig.state_of().short)


def test_a_purchase_is_remembered_also_of_an_item_that_is_sold(rig: Rig) -> None:
    rig.take(item_event(), item_event(type="sold", version=2), user_event("purchase"))
    state = rig.state_of()
    assert state.bought == [Touched("i1", "purchase", NOW)]
    assert weight(state, "brand:苹果") > 0


def test_an_exposure_is_counted_and_moves_no_taste(rig: Rig) -> None:
    rig.take(item_event(), user_event("expose"))
    assert rig.state_of() == TriggerState()
    assert popular(rig) == []


def test_the_same_event_twice_has_one_effect(rig: Rig) -> None:
    rig.take(item_event(), user_event(), user_event(), user_event(at=NOW - 1))
    assert rig.figures.counts["dup"] == 1
    assert weight(rig.state_of(), "category:数码›手机") == pytest.approx(2, rel=1e-6)


def test_triggers_keep_the_terms_as_at_the_time_of_applying(rig: Rig) -> None:
    rig.take(item_event(), user_event())
    before = set(rig.state_of().short)
    rig.wide.append([wide_item(version=2, terms=("brand:other",))])
    rig.take(user_event(at=NOW + 1, item_id="unknown"))
    assert set(rig.state_of().short) == before


def test_an_event_on_an_item_not_indexed_yet_waits_and_is_applied_with_the_next_one(rig: Rig) -> None:
    rig.take(user_event())
    assert rig.state_of().pending == [Touched("i1", "click", NOW)]
    rig.take(item_event())
    rig.take(user_event("follow", seller_id="s9", at=NOW + 1))
    state = rig.state_of()
    assert state.pending == []
    assert weight(state, "brand:苹果") > 0


def test_an_event_waits_for_its_item_no_longer_than_a_day(rig: Rig) -> None:
    rig.take(user_event())
    rig.clock.advance(DAY)
    rig.take(item_event(), user_event("follow", seller_id="s9", at=NOW + DAY))
    assert rig.state_of().pending == []
    assert "brand:苹果" not in rig.state_of().short


def test_statistics_are_kept_for_the_pool_and_for_the_site(rig: Rig) -> None:
    rig.take(item_event("a"), item_event("b"), user_event(item_id="a", pool_id="p"), user_event("cart", item_id="b"))
    assert popular(rig) == ["b", "a"]
    assert popular(rig, "p") == ["a"]
    prior = asyncio.run(rig.stats.top_terms("p", 10, NOW))
    assert {trigger.term for trigger in prior} == {"category:数码›手机", "category:数码", "brand:苹果"}


def test_an_item_that_is_gone_gains_no_popularity(rig: Rig) -> None:
    rig.take(item_event(), item_event(type="sold", version=2), user_event("purchase"))
    assert popular(rig) == []
    sold = stat_delta(user_event(), "i1", wide_item(state="sold"), SETTINGS)
    assert (sold.weight, sold.terms, sold.type) == (0.0, (), "click")


def test_poison_is_a_dead_letter_and_costs_no_neighbour(rig: Rig) -> None:
    rig.log.append_now("user-events", [("u:u1", b"{"), ("u:u1", b'{"type":"click","at":1}')], NOW)
    rig.take(item_event(), user_event("search", query=POISON), user_event())
    assert [(letter.topic, letter.field) for letter in rig.dead_letters()] == [
        ("user-events", "(event)"), ("user-events", "item_id"), ("user-events", "query"),
    ]  # fmt: skip
    assert weight(rig.state_of(), "brand:苹果") > 0
    assert rig.log.committed("user-events", BEHAVIOUR_GROUP) == rig.log.end("user-events")


def test_a_crash_before_the_commit_leaves_nothing_and_the_replay_applies_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.take(item_event())
    rig.send(user_event(), user_event("cart", at=NOW - HOUR))
    with monkeypatch.context() as broken:
        broken.setattr(rig.log, "commit", power_cut)
        with pytest.raises(KeyboardInterrupt):
            rig.user_events.run_once()
    assert rig.state_of() == TriggerState()
    assert popular(rig) == []
    rig.user_events.drain()
    assert len(rig.state_of().recent) == 1
    assert "dup" not in rig.figures.counts


def test_a_batch_is_no_larger_than_set(rig: Rig) -> None:
    rig.send(*(user_event(at=NOW - n) for n in range(40)))
    assert [rig.user_events.run_once() for _ in range(3)] == [32, 8, 0]


def test_people_are_kept_apart_and_a_device_is_not_a_user_of_the_same_name(rig: Rig) -> None:
    rig.take(item_event(), user_event(user_id="x"), user_event("follow", user_id=None, device_id="x", seller_id="s9"))
    assert "seller:s9" not in rig.state_of("u:x").short
    assert set(rig.state_of("d:x").short) == {"seller:s9"}
