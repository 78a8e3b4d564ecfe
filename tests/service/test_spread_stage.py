from collections import Counter

from read_rig import hit
from smallpool_core.fields import Attributes
from smallpool_core.pages import Answer, Hit, Query, Scope
from smallpool_core.rules import parse_rule
from smallpool_service.candidates import Lists, Question, Recalled
from smallpool_service.spread import cut_key, owners, spread

RULE = parse_rule({"all": []}, Attributes({}))


def asked(limit: int = 100, cap: int = 3, level: int | None = None, **weights: int) -> Question:
    named = {name.replace("__", ":"): weight for name, weight in weights.items()}
    return Question(Query(Scope("p", RULE, trusted=True), frozenset(), cap, limit, 0, level), named)


def spread_out(hits: list[Hit], question: Question, *, exhausted: bool = False) -> Lists:
    return spread(Recalled({"terms": Answer(tuple(hits), exhausted)}), question, 0.4)


def kept(hits: list[Hit], question: Question, *, exhausted: bool = False) -> list[str]:
    return [hit.item_id for hit in spread_out(hits, question, exhausted=exhausted).by_source["terms"]]


def spaced(prefix: str, count: int, *terms: str) -> list[Hit]:
    return [hit(f"{prefix}{place:03}", terms, category=f"{prefix}{place}") for place in range(count)]


def test_each_source_keeps_at_most_the_cap_of_one_spread_key_in_its_own_order() -> None:
    hits = [hit(f"i{place}") for place in range(5)] + [hit("other", category="书")]
    recalled = Recalled({"a": Answer(tuple(hits), exhausted=True), "b": Answer(tuple(hits[::-1]), exhausted=True)})
    result = spread(recalled, asked(), 0.4)
    assert [hit.item_id for hit in result.by_source["a"]] == ["i0", "i1", "i2", "other"]
    assert [hit.item_id for hit in result.by_source["b"]] == ["other", "i4", "i3", "i2"]
    assert [(drop.item_id, drop.reason) for drop in result.dropped[:2]] == [("i3", "category_cap"), ("i4", "category_cap")]


def test_a_spread_level_counts_categories_together_that_share_their_first_elements() -> None:
    hits = [hit(f"i{place}", category=f"数码›型号{place}") for place in range(5)]
    assert len(kept(hits, asked())) == 5
    assert kept(hits, asked(level=1)) == ["i0", "i1", "i2"]
    assert cut_key("数码›手机›苹果", 2) == "数码›手机"
    assert cut_key("数码", 2) == "数码"


def test_no_trigger_brings_more_than_forty_percent_while_others_have_items_left() -> None:
    hits = spaced("a", 80, "brand:a") + spaced("b", 60, "brand:b") + spaced("c", 20, "brand:c")
    chosen = kept(hits, asked(brand__a=1024, brand__b=512, brand__c=1))
    assert Counter(item_id[0] for item_id in chosen) == {"a": 40, "b": 40, "c": 20}
    assert chosen == sorted(chosen)


def test_never_more_than_wanted_come_out_of_a_source() -> None:
    hits = spaced("a", 45, "brand:a") + spaced("b", 40, "brand:b") + spaced("c", 40, "brand:c")
    chosen = kept(hits, asked(brand__a=1024, brand__b=512, brand__c=1))
    assert Counter(item_id[0] for item_id in chosen) == {"a": 40, "b": 40, "c": 20}


def test_a_trigger_fills_up_in_its_own_order_where_others_have_nothing_left() -> None:
    hits = spaced("a", 80, "brand:a") + spaced("b", 10, "brand:b")
    weights = asked(brand__a=1024, brand__b=512)
    assert kept(hits, weights, exhausted=True) == [hit.item_id for hit in hits]
    assert len(kept(hits, weights)) == 50


def test_a_trigger_that_is_the_only_one_has_no_others_to_wait_for() -> None:
    assert len(kept(spaced("a", 80, "brand:a"), asked(brand__a=1024))) == 80


def test_a_source_that_gives_more_than_it_was_asked_for_is_cut_and_each_cut_is_named() -> None:
    result = spread_out(spaced("a", 12), asked(limit=10))
    assert len(result.by_source["terms"]) == 10
    assert [(drop.item_id, drop.reason) for drop in result.dropped] == [("a010", "enough"), ("a011", "enough")]


def test_what_a_trigger_may_not_bring_is_dropped_with_its_reason() -> None:
    hits = spaced("a", 80, "brand:a") + spaced("b", 70, "brand:b")
    dropped = spread_out(hits, asked(brand__a=1024, brand__b=512), exhausted=True).dropped
    assert {drop.reason for drop in dropped} == {"trigger_share"}
    assert len(dropped) == 70


def test_items_that_matched_no_trigger_are_not_counted_for_any() -> None:
    assert len(kept(spaced("a", 90), asked(brand__a=1024))) == 90


def test_an_item_belongs_to_its_heaviest_trigger_and_in_a_tie_to_the_first_by_term() -> None:
    weights = {"tag:z": 7, "brand:b": 7, "city:c": 1024}
    hits = [hit("one", ("tag:z", "city:c")), hit("two", ("tag:z", "brand:b")), hit("none")]
    assert owners(hits, weights) == {"one": "city:c", "two": "brand:b"}


def test_a_source_keeps_no_more_than_its_share_of_what_is_wanted_in_all() -> None:
    hits = spaced("a", 80, "brand:a") + spaced("b", 60, "brand:b")
    question = asked(brand__a=1024, brand__b=512)
    of_half = spread(Recalled({"terms": Answer(tuple(hits), exhausted=False)}, asked={"terms": 50}), question, 0.4)
    assert Counter(one.item_id[0] for one in of_half.by_source["terms"]) == {"a": 20, "b": 20}
