"""People at the ends of what is possible: without a past, with far too much of one, and fifty times at once."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import get_args

import pytest

from builders import HOUR, NOW, user_event
from read_rig import ids
from smallpool_config.runtime import Background
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.terms import MAX_TRIGGERS
from smallpool_core.users import TriggerState, UserEvent, UserEventType
from smallpool_service.page import Page
from system_rig import Marketplace, listings, sold

BOUNDS = BehaviourSettings()
TYPES: Sequence[UserEventType] = [name for name in get_args(UserEventType) if name not in ("follow", "search")]


def acts(count: int, items: int) -> list[UserEvent]:
    """That many different acts of u1, on those items and on as many that do not exist."""
    random = Random(count)
    more = [user_event(random.choice(TYPES), f"i{random.randrange(2 * items):04}", at=NOW - place * 7) for place in range(1, count)]
    return [user_event("click", "i0000"), *more][:count]


def assert_bounded(state: TriggerState) -> None:
    assert max(len(state.short), len(state.long)) <= BOUNDS.max_terms
    assert len(state.bought) <= BOUNDS.max_bought
    assert len(state.recent) <= BOUNDS.max_recent
    assert len(state.pending) <= BOUNDS.max_pending


@pytest.mark.parametrize("count", [0, 1, 3_000, pytest.param(100_000, marks=pytest.mark.faults_long)])
def test_case_39_a_person_with_any_number_of_events_gets_a_page_and_takes_bounded_room(market: Marketplace, count: int) -> None:
    market.take(*listings(300, per_category=3))
    market.take(*acts(count, 300))
    page = market.recall(explain=True)
    assert (len(page.items), page.short, page.degraded) == (10, None, [])
    assert_bounded(market.system.triggers.load("u:u1"))
    triggers = {term for item in page.items for term in item.explain.triggers}  # type: ignore[union-attr]
    assert bool(triggers) == (count > 0)
    assert len(triggers) <= MAX_TRIGGERS


def test_case_39_a_past_that_lies_years_back_weighs_nothing_and_breaks_nothing(market: Marketplace) -> None:
    market.take(*listings(30), user_event("click", "i0001", at=0), user_event("favourite", "i0002", at=NOW - 10 * 365 * 24 * HOUR))
    page = market.recall()
    assert (len(page.items), page.degraded) == (10, [])


def test_case_39_a_person_who_has_seen_everything_gets_an_answer(market: Marketplace) -> None:
    market.take(*listings(30), *acts(50, 30))
    assert sum(len(market.page()) for _ in range(4)) + len(market.system.triggers.load("u:u1").bought) >= 30
    page = market.recall()
    assert (page.items, page.short, page.degraded) == ([], "exhausted", [])


def test_case_39_a_person_of_one_category_is_shown_others_too(market: Marketplace) -> None:
    market.take(*listings(120, per_category=40), *(user_event("click", f"i{n:04}") for n in range(40)))
    page = market.recall(size=9)
    by_category = Counter(item.category[-1] for item in page.items)
    assert set(by_category.values()) == {3}
    assert page.items[0].category[-1] == "类0000"


def test_case_39_a_person_who_bought_all_of_it_is_shown_none_of_it(market: Marketplace) -> None:
    market.take(*listings(12, per_category=1), *(user_event("purchase", f"i{n:04}") for n in range(12)))
    page = market.recall()
    assert (page.items, page.short) == ([], "exhausted")


def test_case_40_fifty_requests_of_one_person_at_once_while_events_flow_share_no_item(market: Marketplace) -> None:
    market.take(*listings(300, per_category=2))
    served: list[str] = []
    for turn in range(2):
        gone = [f"i{299 - turn * 20 - n:04}" for n in range(20)]
        market.take(*map(sold, gone))
        market.send(*(user_event("click", f"i{turn * 50 + n:04}") for n in range(40)), *listings(60, version=2))
        with Background(market.system, market.system.serving_lines()):
            answers = market.pages_at_once([{"size": 2}] * 50)
        market.settle()
        pages = [answer for answer in answers if isinstance(answer, Page)]
        assert [(len(page.items), page.short, page.degraded) for page in pages] == [(2, None, [])] * 50
        served += [item_id for page in pages for item_id in ids(page)]
        assert set(gone).isdisjoint(served[-100:])
    assert len(served) == len(set(served)) == 200
    assert sorted(market.seen()) == sorted(served)
