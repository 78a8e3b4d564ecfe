"""A saved rule is in force with the next page, and is what its tag says at every moment of the backfill and after."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builders import HOUR, MINUTE, NOW
from smallpool_core.rules import matches, parse_rule
from smallpool_indexer.settings import IndexerSettings
from system_rig import EVERYTHING, Marketplace, field, listing, listings, sold

PAGE = {"size": 100}
OLD_RULE = field("price_cents", "lt", 1_000)
RULES: dict[str, dict[str, Any]] = {
    "other half": field("price_cents", "gte", 1_000),
    "overlapping": field("price_cents", "between", [500, 1_500]),
    "everything": EVERYTHING,
    "nothing": {"any": []},
    "by words": {"not": field("title_words", "contains_any", ["手机"])},
    "in time": {"all": [field("published_at", "within", "-1h"), field("price_cents", "lt", 1_700)]},
    "not in time": {"not": field("published_at", "within", "-1h")},
}


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Marketplace]:
    """Forty items, half of them in a tagged pool; pages of the backfill and batches so small that both take many steps."""
    with Marketplace(tmp_path, indexer=IndexerSettings(batch_size=3, backfill_page=4)) as made:
        made.save_pool("p", OLD_RULE, settings={"max_per_category": 100})
        for place in range(40):
            title = ("苹果 手机", "苹果 表")[place % 2]
            made.send(listing(f"i{place:02}", title, price_cents=place * 50, published_at=NOW - place * 4 * MINUTE))
        made.settle()
        yield made


def expected(market: Marketplace, rule: dict[str, Any]) -> set[str]:
    """What the rule holds by the matcher, over every item as it is stored just now."""
    now = market.clock.now_ms()
    parsed = parse_rule(rule, market.system.knowledge.attributes)
    return {
        item.item_id
        for item in market.stored().values()
        if item.state == "on_sale" and (item.published_at or 0) <= now and matches(parsed, item, now)
    }


def assert_rule_holds(market: Marketplace, rule: dict[str, Any]) -> None:
    page = market.recall(dry_run=True, **PAGE)
    assert {item.item_id for item in page.items} == expected(market, rule)
    assert page.short == "exhausted"


@pytest.mark.parametrize("name", RULES)
def test_a_changed_rule_holds_at_every_step_of_its_backfill_with_what_is_published_meanwhile(market: Marketplace, name: str) -> None:
    rule, system = RULES[name], market.system
    assert_rule_holds(market, OLD_RULE)
    market.save_pool("p", rule)
    assert not market.is_trusted()
    assert_rule_holds(market, rule)
    trusted_after = None
    for step in range(40):
        market.clock.advance(MINUTE)
        new = f"n{step:02}"
        market.send(
            listing(new, ("苹果 手机", "苹果 表")[step % 2], price_cents=step * 60, published_at=market.clock.now_ms() - 30 * MINUTE)
        )
        market.send(sold(f"i{step:02}") if step % 3 else listing(f"i{step % 40:02}", version=3, price_cents=2_000 - step * 50))
        system.backfill.step()
        assert_rule_holds(market, rule)
        system.indexer.run_once()
        system.tail_indexer.run_once()
        system.backfill.mark()
        assert_rule_holds(market, rule)
        if trusted_after is None and market.is_trusted():
            trusted_after = step
    assert trusted_after is not None, "the backfill has ended, and the tag alone decided from there on"
    market.settle()
    assert_rule_holds(market, rule)


def test_a_rule_changed_twice_before_its_backfill_is_the_last_one(market: Marketplace) -> None:
    system = market.system
    market.save_pool("p", RULES["other half"])
    for _ in range(3):
        system.backfill.step()
        system.indexer.run_once()
        system.tail_indexer.run_once()
    market.save_pool("p", RULES["overlapping"])
    while system.write_path.turn():
        assert_rule_holds(market, RULES["overlapping"])
    assert market.is_trusted()
    assert_rule_holds(market, RULES["overlapping"])


def test_a_rule_in_time_stays_true_while_the_clock_runs_and_nothing_is_written(market: Marketplace) -> None:
    market.put_pool("p", RULES["in time"])
    assert market.is_trusted()
    end, sizes = market.system.wide.end(), []
    for _ in range(25):
        assert_rule_holds(market, RULES["in time"])
        sizes.append(len(market.glance(**PAGE)))
        market.clock.advance(3 * MINUTE)
    assert sizes[0] > sizes[10] > sizes[-1] == 0
    assert market.system.wide.end() == end


def test_what_a_rule_in_time_never_holds_leaves_a_pool_that_held_it_for_ever(market: Marketplace) -> None:
    market.put_pool("p", EVERYTHING)
    market.take(listing("auction", expires_at=NOW + HOUR))
    rule = field("expires_at", "within", "+2h")
    market.put_pool("p", rule)
    assert market.is_trusted()
    assert market.glance() == ["auction"]
    assert_rule_holds(market, rule)


def test_a_pool_changed_by_another_process_is_the_new_one_here_at_once(market: Marketplace, tmp_path: Path) -> None:
    with Marketplace(tmp_path, clock=market.clock) as other:
        other.save_pool("p", RULES["other half"])
    assert_rule_holds(market, RULES["other half"])
    market.settle()
    assert_rule_holds(market, RULES["other half"])


def test_every_pool_of_a_new_marketplace_holds_what_comes_after_it(tmp_path: Path) -> None:
    with Marketplace(tmp_path) as market:
        for name, rule in RULES.items():
            market.put_pool(name, rule, settings={"max_per_category": 100})
        market.take(*listings(30, published_at=NOW - 2 * HOUR), listing("young", "苹果 表", price_cents=900, published_at=NOW))
        for name, rule in RULES.items():
            assert set(market.glance(pool_id=name, **PAGE)) == expected(market, rule), name
