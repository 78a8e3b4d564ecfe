from builders import DAY, HOUR, NOW, wide_item
from smallpool_core.fields import Attributes
from smallpool_core.rules import parse_rule
from smallpool_core.rules.failing import Failing, failing

CITY = {"field": "city", "op": "eq", "value": "北京"}
BRAND = {"field": "brand", "op": "in", "value": ["苹果", "华为"]}
QUALITY = {"field": "quality", "op": "gte", "value": 0.5}


def found(rule: dict[str, object], **item: object) -> list[tuple[str, object]]:
    return [(one.path, one.found) for one in failing(parse_rule(rule, Attributes({})), wide_item(**item), NOW)]


def test_a_rule_that_holds_fails_nowhere() -> None:
    assert found({"all": [CITY, QUALITY]}, city="北京") == []


def test_of_all_only_the_failing_parts_are_named_with_what_the_item_has() -> None:
    assert found({"all": [CITY, QUALITY, BRAND]}, city="上海", quality=500, brand=None) == [("$.all[0]", "上海"), ("$.all[2]", None)]


def test_of_any_every_part_is_named_since_one_of_them_would_do() -> None:
    assert found({"any": [CITY, {"all": [QUALITY, BRAND]}]}, quality=731, brand="小米") == [("$.any[0]", None), ("$.any[1].all[1]", "小米")]


def test_of_not_the_whole_is_named_because_what_is_inside_holds() -> None:
    rule = parse_rule({"all": [{"not": CITY}]}, Attributes({}))
    assert failing(rule, wide_item(city="北京"), NOW) == (Failing("$.all[0]", {"not": CITY}, None),)
    assert str(failing(rule, wide_item(city="北京"), NOW)[0]) == "$.all[0]: what must not hold does"


def test_values_are_shown_as_operators_write_them() -> None:
    assert found(QUALITY, quality=123) == [("$", 0.123)]
    assert found({"field": "category", "op": "prefix", "value": ["书"]}, category="数码›手机") == [("$", ["数码", "手机"])]
    assert found({"field": "tags", "op": "has", "value": "a"}, tags=("b", "c")) == [("$", ["b", "c"])]


def test_time_is_that_of_the_question() -> None:
    rule = parse_rule({"field": "published_at", "op": "within", "value": "-24h"}, Attributes({}))
    assert failing(rule, wide_item(published_at=NOW - HOUR), NOW) == ()
    assert [one.path for one in failing(rule, wide_item(published_at=NOW - HOUR), NOW + 2 * DAY)] == ["$"]


def test_a_rule_of_nothing_says_so() -> None:
    assert [str(one) for one in failing(parse_rule({"any": []}, Attributes({})), wide_item(), NOW)] == ["$: holds for no item"]


def test_a_time_is_shown_as_people_read_it_and_one_that_no_calendar_has_as_it_is() -> None:
    soon = {"field": "expires_at", "op": "within", "value": "+1h"}
    assert found(soon, expires_at=1_795_864_042_151) == [("$", "2026-11-28 11:07:22 UTC")]
    assert found(soon, expires_at=2**53) == [("$", 2**53)]
