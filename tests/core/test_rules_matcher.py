"""What each operator means, at its edges and on missing fields."""

from typing import Any

import pytest

from smallpool_core.items import WideItem
from smallpool_core.rules import compiled, matches, parse_rule
from strategies import ATTRIBUTES, HOUR_MS, NOW

BARE = WideItem(item_id="i1", version=1, enrich=0, state="on_sale")


def holds(value: object, item: WideItem = BARE, now: int = NOW) -> bool:
    return matches(parse_rule(value, ATTRIBUTES), item, now)


def an_item(**fields: Any) -> WideItem:
    return WideItem(item_id="i1", version=1, enrich=0, state="on_sale", **fields)


def leaf(field: str, op: str, value: object) -> dict[str, object]:
    return {"field": field, "op": op, "value": value}


def test_an_empty_all_matches_everything_and_an_empty_any_nothing() -> None:
    assert holds({"all": []})
    assert not holds({"any": []})


@pytest.mark.parametrize(
    "value",
    [
        leaf("city", "eq", "杭州"),
        leaf("price_cents", "lt", 2**62),
        leaf("price_cents", "gte", -(2**63)),
        leaf("quality", "lte", 1),
        leaf("tags", "has_all", ["x"]),
        leaf("category", "prefix", ["x"]),
        leaf("published_at", "within", "-366d"),
        leaf("attributes.weight", "between", [-1e308, 1e308]),
    ],
)
def test_a_leaf_on_a_missing_field_is_false_and_its_negation_true(value: object) -> None:
    assert not holds(value)
    assert holds({"not": value})


def test_ids_are_compared_exactly_and_keywords_after_normalising() -> None:
    item = an_item(seller_id="Shop", brand="apple")
    assert holds(leaf("seller_id", "eq", "Shop"), item)
    assert not holds(leaf("seller_id", "in", ["shop", "SHOP"]), item)
    assert holds(leaf("brand", "eq", "ＡPPLE"), item)


def test_a_prefix_of_a_path_is_made_of_whole_elements() -> None:
    item = an_item(category="数码›手机")
    assert holds(leaf("category", "prefix", ["数码"]), item)
    assert holds(leaf("category", "prefix", ["数码", "手机"]), item)
    assert not holds(leaf("category", "prefix", ["数码", "手"]), item)
    assert not holds(leaf("category", "eq", ["数码"]), item)
    assert holds(leaf("category", "in", [["文玩"], ["数码", "手机"]]), item)


def test_sets_are_asked_for_any_or_for_all() -> None:
    item = an_item(title_words=("苹果", "手机"), tags=("a", "b"), points=("全新",))
    assert holds(leaf("title_words", "contains_any", ["x", "手机"]), item)
    assert not holds(leaf("title_words", "contains_any", ["手"]), item)
    assert holds(leaf("tags", "has", "a"), item)
    assert holds(leaf("tags", "has_all", ["a", "b"]), item)
    assert not holds(leaf("tags", "has_all", ["a", "c"]), item)
    assert holds(leaf("points", "has_any", ["c", "全新"]), item)


@pytest.mark.parametrize(
    ("op", "value", "held"),
    [
        ("eq", 10, [10]),
        ("in", [9, 11], [9, 11]),
        ("lt", 10, [9]),
        ("lte", 10, [9, 10]),
        ("gt", 10, [11]),
        ("gte", 10, [10, 11]),
        ("between", [10, 11], [10, 11]),
        ("between", [11, 10], []),
    ],
)
def test_ranges_hold_at_their_edges_as_they_say(op: str, value: object, held: list[int]) -> None:
    assert [price for price in (9, 10, 11) if holds(leaf("price_cents", op, value), an_item(price_cents=price))] == held
    assert [n for n in (9, 10, 11) if holds(leaf("attributes.weight", op, value), an_item(attributes={"weight": n}))] == held


def test_scores_are_compared_in_thousandths() -> None:
    assert holds(leaf("quality", "gte", 0.3), an_item(quality=300))
    assert not holds(leaf("quality", "gt", 0.3), an_item(quality=300))
    assert holds(leaf("seller_score", "between", [0.299, 0.3]), an_item(seller_score=300))


@pytest.mark.parametrize("value", ["3", True, float("nan"), float("inf"), 10**400])
def test_an_attribute_of_the_wrong_type_counts_as_missing(value: Any) -> None:
    item = an_item(attributes={"weight": value})
    assert not holds(leaf("attributes.weight", "gte", -1e308), item)
    assert not holds(leaf("attributes.weight", "in", [3, 1]), item)
    assert not holds(leaf("attributes.colour", "eq", "3"), an_item(attributes={"colour": 3}))
    assert not holds(leaf("attributes.colour", "in", ["3"]), an_item(attributes={"colour": ["3"]}))


def test_within_looks_back_or_ahead_from_now_and_includes_both_ends() -> None:
    back, ahead = leaf("published_at", "within", "-24h"), leaf("expires_at", "within", "+1h")
    day = 24 * HOUR_MS
    assert [holds(back, an_item(published_at=NOW - age)) for age in (-1, 0, day, day + 1)] == [False, True, True, False]
    assert [holds(ahead, an_item(expires_at=NOW + left)) for left in (-1, 0, HOUR_MS, HOUR_MS + 1)] == [False, True, True, False]


def test_now_alone_moves_a_compiled_rule() -> None:
    rule = compiled(parse_rule(leaf("expires_at", "within", "+1h"), ATTRIBUTES))
    item = an_item(expires_at=NOW)
    assert [rule(item, now) for now in (NOW - HOUR_MS - 1, NOW - HOUR_MS, NOW, NOW + 1)] == [False, True, True, False]
