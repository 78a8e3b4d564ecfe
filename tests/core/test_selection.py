"""The effective rule: what a pool holds, of its rule and its lists; and lists that are refused."""

import pytest
from msgspec import convert, json

from builders import NOW, wide_item
from smallpool_core.fields import Attributes
from smallpool_core.pools import Ordering, Pool, PoolDraft, check_priority, check_reserved, check_settings
from smallpool_core.pools import PoolSettings as Settings
from smallpool_core.rules import Rule, matches, parse_rule, warnings
from smallpool_core.schedule import Schedule, Window
from smallpool_core.selection import Selection, check_selection, effective_rule, without

NONE = Attributes({})
PHONES = parse_rule({"field": "category", "op": "prefix", "value": ["数码"]}, NONE)
BOTH = parse_rule(
    {"all": [{"field": "category", "op": "prefix", "value": ["数码"]}, {"field": "price_cents", "op": "lt", "value": 5}]}, NONE
)
NOTHING = parse_rule({"any": []}, NONE)
PHONE = wide_item("phone")
BEADS = wide_item("beads", category="文玩›手串", title_words=("手串",), seller_id="s2")


def effective(rule: Rule = PHONES, **lists: tuple[str, ...]) -> Rule:
    return effective_rule(rule, Selection(**lists), NONE)


def held(rule: Rule) -> list[str]:
    return [item.item_id for item in (PHONE, BEADS) if matches(rule, item, NOW)]


def test_without_lists_the_effective_rule_is_the_rule() -> None:
    assert effective() is PHONES


def test_an_included_item_is_in_whatever_the_rule_says() -> None:
    assert held(effective(include=("beads", "later"))) == ["phone", "beads"]
    assert held(effective(NOTHING, include=("beads",))) == ["beads"]


@pytest.mark.parametrize("ban", [{"ban_items": ("phone",)}, {"ban_sellers": ("s0", "s1")}, {"ban_words": ("手机",)}])
def test_a_ban_goes_before_the_rule_and_the_include_list(ban: dict[str, tuple[str, ...]]) -> None:
    assert held(effective(**ban)) == []
    assert held(effective(**ban, include=("phone", "beads"))) == ["beads"]


def test_a_banned_word_is_stored_and_compared_as_words_of_titles_are() -> None:
    item = wide_item("i", title_words=("apple",))
    assert not matches(effective(ban_words=("ＡPPLE",)), item, NOW)


def test_conditions_keep_their_paths_and_bans_come_after_them() -> None:
    parts = effective(BOTH, ban_items=("a",), ban_sellers=("s",)).json["all"]
    assert isinstance(parts, list)
    assert parts[:2] == BOTH.json["all"]
    assert [part["not"]["field"] for part in parts[2:]] == ["item_id", "seller_id"]


def test_a_pool_of_included_items_alone_is_warned_of_nothing() -> None:
    assert warnings(effective(NOTHING, include=("a",))) == ()


def test_less_what_another_rule_holds() -> None:
    assert held(without(parse_rule({"all": []}, NONE), PHONES)) == ["beads"]
    assert without(PHONES, NOTHING) is PHONES


@pytest.mark.parametrize(
    ("lists", "path"),
    [
        ({"include": tuple(map(str, range(1_001)))}, "selection.include"),
        ({"ban_items": tuple(map(str, range(10_001)))}, "selection.ban_items"),
        ({"ban_sellers": ("fine", "")}, "selection.ban_sellers[1]"),
        ({"include": ("x" * 129,)}, "selection.include[0]"),
        ({"ban_items": ("a\x00",)}, "selection.ban_items[0]"),
        ({"ban_words": ("fine", "two words")}, "selection.ban_words[1]"),
        ({"ban_words": ("",)}, "selection.ban_words[0]"),
        ({"ban_words": tuple(map(str, range(201)))}, "selection.ban_words"),
    ],
)
def test_a_list_is_refused_with_the_place_of_the_mistake(lists: dict[str, tuple[str, ...]], path: str) -> None:
    [problem] = check_selection(Selection(**lists), NONE, str.split)
    assert problem.path == path
    assert problem.found
    assert "allowed" in problem.message or "word" in problem.message or "at least one" in problem.message


def test_lists_that_are_sound_are_taken_full_as_they_may_be() -> None:
    full = Selection(tuple(map(str, range(1_000))), ban_items=tuple(map(str, range(10_000))), ban_words=("手机",))
    assert check_selection(full, NONE, str.split) == []


@pytest.mark.parametrize(
    ("pins", "path"), [(tuple(map(str, range(51))), "ordering.pins"), (("",), "ordering.pins[0]"), (("a", "a"), "ordering.pins")]
)
def test_pins_are_few_each_an_id_and_each_once(pins: tuple[str, ...], path: str) -> None:
    assert [problem.path for problem in check_settings(Settings(), Ordering(pins=pins))] == [path]


def test_a_priority_is_a_digit() -> None:
    assert [check_priority(priority) == [] for priority in (-1, 0, 9, 10)] == [False, True, True, False]


def test_what_is_banned_everywhere_has_neither_pins_nor_a_schedule() -> None:
    draft = PoolDraft(ordering=Ordering(pins=("a",)), schedule=Schedule(windows=(Window("2026-01-01T00:00", "2026-01-02T00:00"),)))
    assert [problem.path for problem in check_reserved("banned", draft)] == ["ordering.pins", "schedule.windows"]
    assert check_reserved("p", draft) == []


def test_a_pool_saved_before_there_were_lists_is_read_with_none() -> None:
    stored = {
        "pool_id": "p", "name": "P", "rule": {"all": []}, "revision": 1, "state": "live", "epoch": 1,
        "settings": {"max_per_category": 3, "seen_size": 200, "spread_level": None, "when_exhausted": "stop"},
        "ordering": {"weights": {"match": 1.0}},
    }  # fmt: skip
    for pool in (convert(stored, Pool), json.decode(json.encode(stored), type=Pool)):
        assert (pool.selection, pool.schedule, pool.priority, pool.ordering.pins) == (Selection(), Schedule(), 5, ())
