"""The index over rules finds the rules of an item, keeps up with changes, and looks at few of them."""

from threading import Thread
from typing import Any

import pytest

from smallpool_core.items import WideItem
from smallpool_core.rules import Rule, RuleIndex, parse_rule
from smallpool_core.rules.index import AT_ONCE, FEW
from strategies import ATTRIBUTES


def leaf(field: str, op: str, value: object) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def rule(*parts: object) -> Rule:
    return parse_rule({"all": list(parts)}, ATTRIBUTES)


def an_item(**fields: Any) -> WideItem:
    return WideItem(item_id="i1", version=1, enrich=0, state="on_sale", **fields)


def an_index(**rules: Rule) -> RuleIndex:
    index = RuleIndex()
    for pool_id, one in rules.items():
        index.put(pool_id, one)
    return index


def test_pools_come_sorted_by_the_bytes_of_their_ids() -> None:
    names = ["b", "a", "Z", "é", "池", "\U0001f44d", "\uffee", "10", "9"]
    index = an_index(**{name: rule() for name in names})
    assert index.match(an_item()) == sorted(names, key=str.encode)


def test_a_changed_rule_replaces_the_old_one_and_a_removed_one_is_gone() -> None:
    index = an_index(p=rule(leaf("brand", "eq", "apple")))
    index.put("p", rule(leaf("brand", "eq", "vivo")))
    for times in (1, FEW):
        assert index.match_many([an_item(brand="apple"), an_item(brand="vivo")] * times) == [[], ["p"]] * times
    index.remove("p")
    index.remove("p")
    assert index.match(an_item(brand="vivo")) == []
    assert len(index) == 0


def test_nothing_is_kept_of_rules_that_are_gone() -> None:
    index = an_index(
        a=rule(leaf("brand", "in", ["apple", "vivo"]), leaf("price_cents", "lt", 500)),
        b=rule(leaf("price_cents", "gt", 5)),
        c=rule({"not": leaf("tags", "has", "x")}),
    )
    for pool_id in "abc":
        index.remove(pool_id)
    assert index._filed._shelves == {}
    assert index._filed._filed == {}
    assert not any(index._filed._unanchored)
    assert index._batch._tables == {}
    assert len(index._batch._conditions) == 0
    assert index._batch._conditions._fields == {}


def test_a_leaf_that_depends_on_time_does_not_keep_an_item_out() -> None:
    index = an_index(p=rule(leaf("brand", "eq", "apple"), leaf("published_at", "within", "-1h")))
    assert index.match(an_item(brand="apple", published_at=0)) == ["p"]


def test_rules_are_found_by_any_of_their_alternatives() -> None:
    index = an_index(p=parse_rule({"any": [leaf("brand", "eq", "apple"), leaf("category", "prefix", ["数码"])]}, ATTRIBUTES))
    assert index.match(an_item(brand="apple")) == ["p"]
    assert index.match(an_item(category="数码›手机")) == ["p"]
    assert index.match(an_item(category="数码机")) == []


def test_a_key_that_only_hints_at_a_match_does_not_settle_it() -> None:
    all_of_two = leaf("tags", "has_all", ["a", "b"])
    brand_and_price = {"all": [leaf("brand", "eq", "apple"), leaf("price_cents", "lt", 5)]}
    index = an_index(
        alone=rule(all_of_two),
        second=rule(leaf("seller_id", "eq", "s1"), all_of_two),
        either=parse_rule({"any": [leaf("brand", "eq", "vivo"), brand_and_price]}, ATTRIBUTES),
    )
    assert index.match(an_item(tags=("a",), seller_id="s1", brand="apple", price_cents=6)) == []
    assert index.match(an_item(tags=("b",), seller_id="s1", brand="vivo")) == ["either"]
    assert index.match(an_item(tags=("a", "b"), seller_id="s1", brand="apple", price_cents=4)) == ["alone", "either", "second"]


def test_rules_of_ranges_alone_are_found_at_every_size() -> None:
    edges = [-(2**63), -5, -1, 0, 1, 63, 64, 999, 1_000, 1_001, 2**62, 2**63 - 1]
    index = an_index(**{f"{edge}": rule(leaf("price_cents", "gte", edge)) for edge in edges})
    for price in edges:
        found = index.match(an_item(price_cents=price))
        assert set(found) == {str(edge) for edge in edges if price >= edge}
        assert index.match_many([an_item(price_cents=price)] * (FEW + 1)) == [found] * (FEW + 1)
    scores = an_index(**{f"{one}": rule(leaf("quality", "lte", one / 1000)) for one in (0, 63, 64, 999, 1_000)})
    items = [an_item(quality=one) for one in (0, 63, 64, 65, 1_000)]
    assert [len(scores.match(item)) for item in items] == [5, 4, 3, 2, 1]
    assert [len(pools) for pools in scores.match_many(items * FEW)] == [5, 4, 3, 2, 1] * FEW


class Watched(WideItem, frozen=True):
    """An item that notes each reading of its seller."""

    def __getattribute__(self, name: str) -> Any:
        if name == "seller_id":
            READINGS.append(self.item_id)
        return super().__getattribute__(name)


READINGS: list[str] = []


@pytest.fixture
def readings() -> list[str]:
    READINGS.clear()
    return READINGS


def test_an_item_is_checked_only_against_rules_that_could_match(readings: list[str]) -> None:
    index = RuleIndex()
    for number in range(10_000):
        parts = [leaf("category", "prefix", ["数码"]), leaf("brand", "eq", f"b{number % 1000}"), leaf("tags", "has", f"t{number}")]
        # No key stands for a negated leaf, so that it is read where a whole rule is checked and nowhere else.
        index.put(f"p{number}", rule(*parts, {"not": leaf("seller_id", "eq", "s1")}))
    item = Watched(item_id="i1", version=1, enrich=0, state="on_sale", category="数码›手机", brand="b7", tags=("t7", "t9"))
    assert index.match(item) == ["p7"]
    assert readings == ["i1"]


def test_matching_goes_on_while_rules_change() -> None:
    index = an_index(**{f"keep{number}": rule(leaf("tags", "has", f"t{number}")) for number in range(50)})

    def change() -> None:
        for number in range(2_000):
            index.put("moving", rule(leaf("tags", "has", f"t{number % 60}"), leaf("price_cents", "lt", number)))
        index.remove("moving")

    thread = Thread(target=change)
    thread.start()
    item = an_item(tags=tuple(f"t{number}" for number in range(60)), price_cents=1)
    kept = {f"keep{number}" for number in range(50)}
    while thread.is_alive():
        assert kept <= set(index.match(item)) <= kept | {"moving"}
    thread.join()
    assert set(index.match(item)) == kept


def test_a_batch_of_any_size_sees_a_change_of_rules_whole() -> None:
    index = RuleIndex()
    items = [an_item(tags=(f"t{number % 2}",), price_cents=number) for number in range(2 * FEW)]
    index.put("moving", rule(leaf("tags", "has", "t0")))

    def change() -> None:
        for number in range(1_000):
            index.put("moving", rule(leaf("tags", "has", f"t{number % 2}"), leaf("price_cents", "gte", 0)))
            index.put("moving", rule(leaf("tags", "has", f"t{number % 2}")))

    thread = Thread(target=change)
    thread.start()
    while thread.is_alive():
        found = index.match_many(items)
        holders = [number % 2 for number, pools in enumerate(found) if pools == ["moving"]]
        assert len(holders) == len(items) // 2
        assert len(set(holders)) == 1
    thread.join()
    assert index.match_many(items) == [["moving"] if number % 2 else [] for number in range(len(items))]


def test_many_items_are_taken_in_parts_and_found_in_their_order() -> None:
    index = an_index(odd=rule(leaf("price_cents", "in", list(range(1, 5_000, 2)))), all=rule())
    found = index.match_many(an_item(price_cents=number) for number in range(2 * AT_ONCE + 3))
    assert found == [["all", "odd"] if number % 2 else ["all"] for number in range(2 * AT_ONCE + 3)]
    assert index.match_many([]) == []


def test_a_rule_of_more_parts_than_a_table_has_columns_asks_for_all_of_them() -> None:
    index = an_index(long=rule(*[leaf("tags", "has", f"t{number}") for number in range(40)]))
    tags = [f"t{number}" for number in range(40)]
    items = [an_item(tags=tuple(tag for tag in tags if tag != left_out)) for left_out in [*tags, "none"]]
    assert index.match_many(items * FEW) == [*[[]] * 40, ["long"]] * FEW


def test_a_batch_reads_a_field_of_an_item_once_however_many_rules_ask_for_it(readings: list[str]) -> None:
    parts = [leaf("seller_id", "in", ["s1", "s2"]), {"not": leaf("seller_id", "eq", "s2")}]
    index = an_index(**{f"p{number}": rule(leaf("price_cents", "gte", number), *parts) for number in range(500)})
    items = [
        Watched(item_id=f"i{number}", version=1, enrich=0, state="on_sale", price_cents=number, seller_id="s1") for number in range(2 * FEW)
    ]
    assert [len(pools) for pools in index.match_many(items)] == list(range(1, 2 * FEW + 1))
    assert readings == [item.item_id for item in items]


def test_a_single_item_is_found_among_more_rules_under_one_key_than_are_kept_as_a_list() -> None:
    index = an_index(**{f"p{number:02}": rule(leaf("brand", "eq", "apple"), leaf("price_cents", "gte", number)) for number in range(40)})
    assert index.match(an_item(brand="apple", price_cents=29)) == [f"p{number:02}" for number in range(30)]
    for number in range(0, 40, 2):
        index.remove(f"p{number:02}")
    assert index.match(an_item(brand="apple", price_cents=29)) == [f"p{number:02}" for number in range(1, 30, 2)]


def test_several_ranges_on_one_number_are_one_range_and_their_complements_let_items_without_it_pass() -> None:
    within = [leaf("price_cents", "gt", 10), leaf("price_cents", "lt", 20), {"not": leaf("price_cents", "gte", 15)}]
    outside = [{"not": leaf("price_cents", "lt", 10)}, {"not": leaf("price_cents", "gt", 20)}]
    index = an_index(within=rule(*within), outside=rule(*outside), never=rule(*outside, leaf("price_cents", "lt", 5)))
    found = {price: index.match(an_item(price_cents=price)) for price in (None, 9, 10, 11, 14, 15, 20, 21)}
    both = ["outside", "within"]
    assert found == {None: ["outside"], 9: [], 10: ["outside"], 11: both, 14: both, 15: ["outside"], 20: ["outside"], 21: []}
