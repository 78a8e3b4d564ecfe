"""When a rule that depends on now holds for an item, and what it is tagged by."""

from typing import Any

from smallpool_core.items import WideItem
from smallpool_core.rules import MAX_MS, MIN_MS, intervals, parse_rule, untimed
from strategies import ATTRIBUTES, HOUR_MS, NOW

DAY_MS = 24 * HOUR_MS
FRESH = {"field": "published_at", "op": "within", "value": "-24h"}
SOON_GONE = {"field": "expires_at", "op": "within", "value": "+1h"}
IN_HANGZHOU = {"field": "city", "op": "eq", "value": "杭州"}


def spans(value: object, **fields: Any) -> tuple[tuple[int, int], ...]:
    return intervals(parse_rule(value, ATTRIBUTES), WideItem(item_id="i1", version=1, enrich=0, state="on_sale", **fields))


def tag(value: object) -> dict[str, object]:
    return untimed(parse_rule(value, ATTRIBUTES)).json


def test_a_rule_without_time_holds_for_ever_or_never() -> None:
    assert spans(IN_HANGZHOU, city="杭州") == ((MIN_MS, MAX_MS),)
    assert spans(IN_HANGZHOU, city="上海") == ()


def test_the_sentinels_are_exact_wherever_json_goes() -> None:
    assert int(float(MIN_MS)) == MIN_MS
    assert int(float(MAX_MS)) == MAX_MS
    assert float(MAX_MS) != float(MAX_MS - 1)


def test_looking_back_holds_from_the_time_on_and_looking_ahead_up_to_it() -> None:
    assert spans(FRESH, published_at=NOW) == ((NOW, NOW + DAY_MS),)
    assert spans(SOON_GONE, expires_at=NOW) == ((NOW - HOUR_MS, NOW),)
    assert spans(FRESH) == ()
    assert spans({"not": FRESH}) == ((MIN_MS, MAX_MS),)


def test_the_complement_of_an_interval_leaves_out_exactly_its_milliseconds() -> None:
    assert spans({"not": FRESH}, published_at=NOW) == ((MIN_MS, NOW - 1), (NOW + DAY_MS + 1, MAX_MS))


def test_intervals_that_touch_become_one() -> None:
    halves = {"any": [{"field": "published_at", "op": "within", "value": "-1h"}, {"field": "starts_at", "op": "within", "value": "-1h"}]}
    assert spans(halves, published_at=NOW, starts_at=NOW + HOUR_MS + 1) == ((NOW, NOW + 2 * HOUR_MS + 1),)
    assert spans(halves, published_at=NOW, starts_at=NOW + HOUR_MS + 2) == (
        (NOW, NOW + HOUR_MS),
        (NOW + HOUR_MS + 2, NOW + 2 * HOUR_MS + 2),
    )


def test_what_must_all_hold_holds_in_the_overlap() -> None:
    both = {"all": [IN_HANGZHOU, FRESH, SOON_GONE]}
    assert spans(both, city="杭州", published_at=NOW, expires_at=NOW + 6 * HOUR_MS) == ((NOW + 5 * HOUR_MS, NOW + 6 * HOUR_MS),)
    assert spans(both, city="杭州", published_at=NOW, expires_at=NOW - 1) == ()
    assert spans(both, city="上海", published_at=NOW, expires_at=NOW) == ()


def test_intervals_are_cut_at_the_sentinels() -> None:
    assert spans(FRESH, published_at=MAX_MS - 5) == ((MAX_MS - 5, MAX_MS),)
    assert spans(FRESH, published_at=2**62) == ()


def test_the_tag_sets_each_leaf_that_depends_on_time_true_wherever_it_stands() -> None:
    assert tag({"all": [IN_HANGZHOU, FRESH]}) == IN_HANGZHOU
    assert tag({"all": [IN_HANGZHOU, {"not": FRESH}]}) == IN_HANGZHOU
    assert tag({"any": [IN_HANGZHOU, {"not": FRESH}]}) == {"all": []}
    assert tag({"not": {"any": [IN_HANGZHOU, FRESH]}}) == {"not": IN_HANGZHOU}
    assert tag({"not": {"all": [IN_HANGZHOU, FRESH]}}) == {"all": []}


def test_a_rule_without_time_is_tagged_by_itself() -> None:
    value = {"not": {"not": {"all": [IN_HANGZHOU]}}}
    assert tag(value) == value
