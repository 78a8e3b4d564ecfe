"""The largest size of a pool in its settings: limits, the condition that a cut-off is, pools saved before there was one."""

import msgspec
import pytest

from builders import wide_item
from smallpool_core.cuts import Cut, cut_at, within
from smallpool_core.fields import Attributes
from smallpool_core.pools import Ordering, Pool, PoolDraft, PoolSettings, blank_pool, check_reserved, check_settings
from smallpool_core.rules import matches, parse_rule


@pytest.mark.parametrize("size", [0, -1, 1_000_001])
def test_a_largest_size_out_of_bounds_is_refused(size: int) -> None:
    assert [problem.path for problem in check_settings(PoolSettings(max_size=size), Ordering())] == ["settings.max_size"]


def test_items_are_cut_by_one_of_the_fields_that_are_allowed() -> None:
    settings = PoolSettings(max_size=1, cut_by="city")  # type: ignore[arg-type]
    assert [problem.path for problem in check_settings(settings, Ordering())] == ["settings.cut_by"]


def test_what_is_banned_is_never_cut() -> None:
    draft = PoolDraft(settings=PoolSettings(max_size=10))
    assert [problem.path for problem in check_reserved("banned", draft)] == ["settings.max_size"]
    assert check_reserved("p", draft) == []


def test_an_item_at_the_cut_off_is_within_it_and_one_without_a_value_is_not() -> None:
    cut = Cut("price_cents", 500)
    assert [cut.holds(wide_item(price_cents=price)) for price in (499, 500, 501, None)] == [True, True, False, False]
    cut = Cut("-published_at", 1_000)
    assert [cut.holds(wide_item(published_at=at)) for at in (999, 1_000, 1_001, None)] == [False, True, True, False]


def test_the_cut_off_is_a_condition_beside_those_of_the_rule() -> None:
    condition = {"field": "city", "op": "eq", "value": "x"}
    rule = parse_rule({"all": [condition]}, Attributes({}))
    held = within(rule, Cut("-quality", 600))
    assert held.json == {"all": [condition, {"field": "quality", "op": "gte", "value": 0.6}]}
    assert matches(held, wide_item(city="x", quality=600), 0)
    assert within(rule, None) is rule


def test_a_cut_off_at_nothing_cuts_nothing() -> None:
    assert cut_at("-quality", 0) is None
    assert cut_at("-quality", None) is None
    assert cut_at("price_cents", 0) == Cut("price_cents", 0)


def test_a_pool_saved_before_there_were_largest_sizes_and_boosts_reads_as_one_without() -> None:
    written = msgspec.to_builtins(blank_pool("p"))
    for name in ("max_size", "cut_by"):
        del written["settings"][name]
    for name in ("boost", "bury"):
        del written["ordering"][name]
    assert msgspec.convert(written, Pool) == blank_pool("p")
