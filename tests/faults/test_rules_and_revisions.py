"""Faults of what operators do: rules that hold nothing or everything, edits that meet, records that cannot be written."""

import asyncio
from typing import Any

import pytest

from http_rig import PHONES, Api, assert_problem, paths_of, shelf
from smallpool_core.errors import Refused, RevisionStale, StoreError
from smallpool_core.pools import PoolDraft
from system_rig import EVERYTHING, Marketplace, field, listing, listings

CHEAP = field("price_cents", "lt", 200_000)
DEAR = field("price_cents", "gte", 200_000)
AUDIT_FAILS = (
    "CREATE TRIGGER audit_fails BEFORE INSERT ON pool_revisions BEGIN SELECT raise(ABORT, 'the audit record cannot be written'); END"
)


@pytest.mark.parametrize("op", ["regex", "matches", "like", "eq"])
def test_case_25_a_regular_expression_is_no_part_of_a_rule(market: Marketplace, op: str) -> None:
    with pytest.raises(Refused) as refused:
        market.save_pool("q", field("title_words", op, "(a+)+$"))
    assert [problem.path for problem in refused.value.problems] == ["rule.op"]
    assert market.revision("q") is None


@pytest.mark.parametrize("rule", [field("city", "eq", "(a+)+$"), field("title_words", "contains_any", ["(a+)+$"])], ids=["city", "title"])
def test_case_25_a_pattern_where_a_word_is_allowed_is_that_word(market: Marketplace, rule: dict[str, Any]) -> None:
    market.take(*(listing(f"i{n}", "a" * 128, city="a" * 128) for n in range(5)), listing("same", "苹果 (a+)+$", city="(a+)+$"))
    market.put_pool("q", rule)
    assert market.glance(pool_id="q") == ["same"]


ODD_RULES: dict[str, tuple[dict[str, Any], str, int]] = {
    "empty any": ({"any": []}, "matches_nothing", 0),
    "no such thing": (field("brand", "eq", "无此牌"), "matches_nothing", 0),
    "contradictory": ({"all": [CHEAP, DEAR]}, "contradictory", 0),
    "contradictory in time": ({"all": [field("published_at", "within", "+1h"), field("published_at", "lt", 0)]}, "matches_nothing", 0),
    "everything": (EVERYTHING, "matches_everything", 30),
    "or not": ({"any": [CHEAP, {"not": CHEAP}]}, "matches_everything", 30),
}


@pytest.mark.parametrize("name", ODD_RULES)
def test_case_26_a_rule_for_nothing_or_everything_is_saved_with_a_warning_and_its_count(market: Marketplace, name: str) -> None:
    rule, code, count = ODD_RULES[name]
    market.take(*listings(30))
    preview = market.save_pool("q", rule)
    assert (preview.count, preview.on_sale) == (count, 30)
    assert code in {warning.code for warning in preview.warnings} | ({"matches_nothing"} if code == "contradictory" else set())
    page = market.recall(pool_id="q")
    market.settle()
    for asked in (page, market.recall(pool_id="q", dry_run=True)):
        assert len(asked.items) == min(count, 10), "a rule that holds nothing never shows the marketplace instead"
        assert asked.short == (None if count else "exhausted")


def test_case_26_a_pool_without_a_rule_holds_nothing(market: Marketplace) -> None:
    market.take(*listings(30))
    market.put_pool("q")
    assert market.recall(pool_id="q").short == "exhausted"
    assert market.seen(pool_id="q") == []


def test_case_26_a_rule_that_holds_itself_ends_as_a_refusal(market: Marketplace) -> None:
    rule: dict[str, Any] = {"all": []}
    rule["all"].append(rule)
    with pytest.raises(Refused, match="nests at most 32 deep"):
        market.save_pool("q", rule)


def test_case_34_of_two_operators_who_edit_one_revision_the_second_gets_it_back(api: Api) -> None:
    api.publish(*shelf(4))
    api.make_pool("p")
    first = api.put("/v1/pools/p", {"rule": PHONES, "reason": "ann"}, headers={"If-Match": '"1"'})
    second = api.put("/v1/pools/p", {"name": "other", "reason": "ben"}, headers={"If-Match": '"1"'})
    assert first.status_code == 200
    problem = assert_problem(second, 412, "revision-stale")
    assert (problem["current"]["revision"], problem["current"]["rule"]) == (2, PHONES)
    assert second.headers["etag"] == '"2"'
    again = api.put("/v1/pools/p", {"name": "other", "reason": "ben"}, headers={"If-Match": second.headers["etag"]})
    assert (again.status_code, again.json()["revision"], again.json()["rule"]) == (200, 3, PHONES)


def test_case_34_of_twenty_edits_at_once_one_is_taken(market: Marketplace) -> None:
    async def at_once() -> list[BaseException | object]:
        edits = (market.system.pools.put("p", PoolDraft(name=f"n{n}"), 1, f"op{n}", "", n) for n in range(20))
        return list(await asyncio.gather(*edits, return_exceptions=True))

    outcomes = asyncio.run(at_once())
    assert sum(isinstance(outcome, RevisionStale) for outcome in outcomes) == 19
    assert market.revision("p") == 2
    assert len(asyncio.run(market.system.pools.revisions("p"))) == 2


def test_case_35_a_change_whose_record_cannot_be_written_is_not_made(market: Marketplace) -> None:
    market.take(*listings(10))
    epoch = market.system.pools.epoch()
    market.system.database.connection.execute(AUDIT_FAILS)
    with pytest.raises(StoreError, match="audit record cannot be written"):
        market.save_pool("p", {"any": []})
    with pytest.raises(StoreError, match="audit record cannot be written"):
        market.save_pool("new", EVERYTHING)
    assert (market.revision("p"), market.revision("new"), market.system.pools.epoch()) == (1, None, epoch)
    assert len(market.page()) == 10, "the rule that stands goes on"
    market.system.database.connection.execute("DROP TRIGGER audit_fails")
    market.put_pool("p", {"any": []})
    assert market.page() == []


def test_case_35_over_http_such_a_change_is_refused_and_health_stays(api: Api) -> None:
    api.make_pool("p")
    api.rig.database.connection.execute(AUDIT_FAILS)
    assert_problem(api.put("/v1/pools/p", {"name": "other"}, headers={"If-Match": '"1"'}), 503, "store-unavailable")
    assert_problem(api.post("/v1/pools", {"pool_id": "q", "rule": PHONES}), 503, "store-unavailable")
    assert api.get("/v1/pools/p").json()["name"] == "p"
    assert_problem(api.get("/v1/pools/q"), 404)
    assert api.post("/v1/pools/p/recall", {"user_id": "u1"}).status_code == 200


def test_case_35_every_mistake_of_a_refused_rule_is_named_and_nothing_is_recorded(api: Api) -> None:
    api.make_pool("p")
    body = {"rule": {"all": [field("colour", "eq", "red"), field("quality", "gt", 1.5)]}}
    problem = assert_problem(api.put("/v1/pools/p", body, headers={"If-Match": '"1"'}), 422, "refused")
    assert sorted(paths_of(problem)) == ["rule.all[0].field", "rule.all[1].value"]
    assert len(api.get("/v1/pools/p/revisions").json()["revisions"]) == 1
