"""Pools over HTTP: rules checked, changes under If-Match, every revision with its author."""

from typing import Any

import httpx
import pytest

from http_rig import EVERYTHING, PHONES, Api, assert_problem, paths_of, shelf
from smallpool_core.errors import StoreUnavailable

CHEAP: dict[str, Any] = {"field": "price_cents", "op": "lte", "value": 500}


def change(api: Api, body: dict[str, Any], revision: int = 1, pool_id: str = "p", **more: Any) -> httpx.Response:
    return api.put(f"/v1/pools/{pool_id}", body, headers={"If-Match": f'"{revision}"'}, **more)


def test_a_new_pool_is_live_with_its_first_revision_and_an_address(api: Api) -> None:
    reply = api.post("/v1/pools", {"pool_id": "数码/捡漏", "name": "Bargains", "rule": PHONES})
    assert reply.status_code == 201
    assert reply.headers["etag"] == '"1"'
    assert reply.headers["location"] == "/v1/pools/%E6%95%B0%E7%A0%81%2F%E6%8D%A1%E6%BC%8F"
    content = reply.json()
    assert (content["state"], content["revision"], content["name"], content["rule"]) == ("live", 1, "Bargains", PHONES)
    whole = {"max_size": None, "cut_by": "-quality", "sources": {}, "max_per_seller": None, "own_relations": False}
    assert content["settings"] == {"max_per_category": 3, "seen_size": 200, "spread_level": None, "when_exhausted": "stop"} | whole


def test_a_saved_rule_is_recalled_by_at_once(api: Api) -> None:
    api.publish(*shelf(3))
    assert api.post("/v1/pools", {"pool_id": "p", "rule": PHONES}).json()["tagged"] is False
    assert len(api.post("/v1/pools/p/recall", {}).json()["items"]) == 3
    change(api, {"rule": CHEAP})
    assert api.post("/v1/pools/p/recall", {}).json()["items"] == []


def test_a_change_that_is_written_is_saved_though_nothing_counts_what_it_holds(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.publish(*shelf(3))
    api.post("/v1/pools", {"pool_id": "p", "rule": PHONES})

    async def fails(*_: object) -> object:
        raise StoreUnavailable("could not preview a rule: the index does not answer; see that it runs")

    monkeypatch.setattr(api.parts.recaller.ports.reader, "preview", fails)
    reply = change(api, {"rule": CHEAP})
    assert (reply.status_code, reply.headers["etag"], reply.json()["count"], reply.json()["on_sale"]) == (200, '"2"', None, 3)
    assert api.get("/v1/pools/p").json()["rule"] == CHEAP


def test_a_pool_says_when_every_item_has_been_looked_at_and_how_many_it_holds(api: Api) -> None:
    api.publish(*shelf(3))
    content = api.post("/v1/pools", {"pool_id": "p", "rule": PHONES}).json()
    assert (content["tagged"], content["size"], content["count"]) == (False, None, 3)
    api.settle()
    content = api.get("/v1/pools/p").json()
    assert (content["tagged"], content["size"]) == (True, 3)
    content = change(api, {"rule": CHEAP}).json()
    assert (content["tagged"], content["size"], content["count"]) == (False, None, 0)


def test_a_pool_that_is_there_cannot_be_made_again(api: Api) -> None:
    api.make_pool("p")
    assert_problem(api.post("/v1/pools", {"pool_id": "p", "rule": PHONES}), 409, "pool-exists")
    assert api.get("/v1/pools/p").json()["revision"] == 1


def test_home_is_no_pool_that_can_be_made(api: Api) -> None:
    assert paths_of(assert_problem(api.post("/v1/pools", {"pool_id": "home", "rule": PHONES}), 422)) == ["pool_id"]


def test_what_is_left_out_of_a_change_stays(api: Api) -> None:
    api.make_pool("p", PHONES, name="Phones", settings={"max_per_category": 5})
    content = change(api, {"name": "More phones"}).json()
    assert content["rule"] == PHONES
    assert content["settings"]["max_per_category"] == 5
    assert (content["name"], content["revision"]) == ("More phones", 2)


def test_a_change_without_if_match_is_not_made(api: Api) -> None:
    api.make_pool("p")
    for method, path in (("PUT", "/v1/pools/p"), ("POST", "/v1/pools/p/archive")):
        assert_problem(api.call(method, path, json={}), 428, "if-match-missing")
    assert api.get("/v1/pools/p").json()["revision"] == 1


@pytest.mark.parametrize("text", ["*", "1", "'1'", '"one"', '"-1"', 'W/"1"', '""', '"1', '"' + "9" * 40 + '"'])
def test_if_match_is_one_revision_in_quotes(api: Api, text: str) -> None:
    api.make_pool("p")
    assert paths_of(assert_problem(api.put("/v1/pools/p", {}, headers={"If-Match": text}), 422)) == ["If-Match"]


def test_of_two_operators_the_second_learns_what_the_first_has_made(api: Api) -> None:
    api.make_pool("p")
    assert change(api, {"name": "first"}).status_code == 200
    reply = change(api, {"name": "second"})
    problem = assert_problem(reply, 412, "revision-stale")
    assert (problem["current"]["name"], problem["current"]["revision"]) == ("first", 2)
    assert reply.headers["etag"] == '"2"'
    assert change(api, {"name": "second"}, revision=2).json()["name"] == "second"


def test_an_unknown_pool_is_not_found(api: Api) -> None:
    for reply in (
        api.get("/v1/pools/p"),
        api.get("/v1/pools/p/revisions"),
        api.post("/v1/pools/p/preview"),
        change(api, {}),
        api.post("/v1/pools/p/archive", headers={"If-Match": '"1"'}),
    ):
        assert_problem(reply, 404, "not-found")


def test_every_mistake_of_a_rule_is_named_with_its_path(api: Api) -> None:
    odd = {"field": "quality", "op": "gte", "value": 0.12345}
    rule = {"all": [{"field": "prise", "op": "lt", "value": 3}, odd, {"field": "city", "op": "~"}]}
    problem = assert_problem(api.post("/v1/pools", {"pool_id": "p", "rule": rule, "settings": {}}), 422, "refused")
    assert set(paths_of(problem)) == {"rule.all[0].field", "rule.all[1].value", "rule.all[2].op", "rule.all[2].value"}
    assert "price_cents" in problem["errors"][0]["message"]
    assert api.get("/v1/pools").json()["pools"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("pool_id", {"pool_id": ""}),
        ("pool_id", {"pool_id": "x" * 129}),
        ("pool_id", {"pool_id": None}),
        ("name", {"name": "x" * 201}),
        ("state", {"state": "deleted"}),
        ("rule", {"rule": []}),
        ("rule", {"rule": None}),
        ("settings.max_per_category", {"settings": {"max_per_category": 0}}),
        ("settings.seen_size", {"settings": {"seen_size": 99}}),
        ("settings.seen_size", {"settings": {"seen_size": 2_001}}),
        ("settings.spread_level", {"settings": {"spread_level": 0}}),
        ("settings.when_exhausted", {"settings": {"when_exhausted": "panic"}}),
        ("settings.colour", {"settings": {"colour": "red"}}),
        ("settings.sources.vectors", {"settings": {"sources": {"vectors": 1.5}}}),
        ("settings.sources.luck", {"settings": {"sources": {"luck": 0.5}}}),
        ("ordering.weights.match", {"ordering": {"weights": {"match": 10.5}}}),
        ("ordering.weights.match", {"ordering": {"weights": {"match": "1"}}}),
        ("ordering.weights.luck", {"ordering": {"weights": {"luck": 1}}}),
        ("revision", {"revision": 7}),
        ("epoch", {"epoch": 7}),
    ],
)
def test_a_pool_beyond_its_limits_is_refused(api: Api, path: str, body: dict[str, Any]) -> None:
    problem = assert_problem(api.post("/v1/pools", {"pool_id": "p", "rule": EVERYTHING} | body), 422)
    assert path in paths_of(problem)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"any": []}, "matches_nothing"),
        ({"all": []}, "matches_everything"),
        ({"all": [{"field": "price_cents", "op": "lt", "value": 1}, {"field": "price_cents", "op": "gt", "value": 2}]}, "contradictory"),
        ({"field": "city", "op": "eq", "value": "杭州"}, "matches_nothing"),
        (PHONES, "matches_everything"),
    ],
)
def test_a_rule_is_never_refused_for_what_it_matches_but_the_reply_warns(api: Api, rule: dict[str, Any], code: str) -> None:
    api.publish(*shelf(3))
    reply = api.post("/v1/pools", {"pool_id": "p", "rule": rule})
    assert reply.status_code == 201
    assert code in {warning["code"] for warning in reply.json()["warnings"]}
    assert reply.json()["on_sale"] == 3
    assert reply.json()["count"] in {0, 3}


def test_a_rule_that_is_as_it_should_be_has_no_warning(api: Api) -> None:
    api.publish({"item_id": "i1", "price_cents": 1}, {"item_id": "i2", "price_cents": 1_000})
    content = api.make_pool("p", CHEAP).json()
    assert (content["count"], content["warnings"]) == (1, [])


def test_an_unsaved_rule_is_counted_with_a_few_of_its_items(api: Api) -> None:
    api.publish(*shelf(5))
    content = api.post("/v1/pools/preview", {"rule": PHONES, "sample": 2}).json()
    assert content["count"] == content["on_sale"] == 5
    assert content["items"] == [
        {"item_id": f"i00{place}", "title": f"苹果 手机 i00{place}", "category": ["数码", f"类00{place}"], "price_cents": 100_000}
        for place in range(2)
    ]
    assert paths_of(assert_problem(api.post("/v1/pools/preview", {"rule": {"field": "x"}}), 422))[0].startswith("rule")
    assert paths_of(assert_problem(api.post("/v1/pools/preview", {"rule": PHONES, "sample": 101}), 422)) == ["sample"]


def test_a_saved_pool_is_previewed_in_whatever_state(api: Api) -> None:
    api.publish(*shelf(5))
    api.make_pool("p", PHONES, state="draft")
    assert api.post("/v1/pools/p/preview").json()["count"] == 5
    assert api.post("/v1/pools/home/preview", {"sample": 0}).json()["count"] == 5


def test_an_archived_pool_keeps_its_history_and_can_come_back(api: Api) -> None:
    api.make_pool("p", reason="spring")
    reply = api.post("/v1/pools/p/archive", {"reason": "the season is over"}, headers={"If-Match": '"1"'})
    assert (reply.json()["state"], reply.json()["revision"]) == ("archived", 2)
    assert_problem(api.post("/v1/pools/p/recall", {}), 409, "pool-not-live")
    assert change(api, {"state": "live"}, revision=2).json()["state"] == "live"
    revisions = api.get("/v1/pools/p/revisions").json()["revisions"]
    assert [(one["pool"]["revision"], one["pool"]["state"], one["reason"]) for one in revisions] == [
        (3, "live", ""),
        (2, "archived", "the season is over"),
        (1, "live", "spring"),
    ]
    assert all(one["author"].startswith("tester (k_") and one["at"] == api.clock.now for one in revisions)


def test_pools_are_listed_by_id_a_page_at_a_time(api: Api) -> None:
    for pool_id in ("c", "a", "b"):
        api.make_pool(pool_id, state="draft" if pool_id == "b" else "live")
    first = api.get("/v1/pools?limit=2").json()
    assert ([pool["pool_id"] for pool in first["pools"]], first["next"]) == (["a", "b"], "b")
    rest = api.get("/v1/pools?limit=2&after=b").json()
    assert ([pool["pool_id"] for pool in rest["pools"]], rest["next"]) == (["c"], None)
    assert [pool["pool_id"] for pool in api.get("/v1/pools?state=draft").json()["pools"]] == ["b"]
    for query in ("limit=0", "limit=1001", "limit=ten", "state=gone"):
        assert_problem(api.get(f"/v1/pools?{query}"), 422, "refused")


def test_a_change_whose_record_cannot_be_written_is_refused(api: Api) -> None:
    api.make_pool("p")
    api.get("/v1/pools/p")  # the key is remembered from here on
    api.rig.database.close()
    assert_problem(change(api, {"name": "other"}), 503, "store-unavailable")


def test_a_pool_may_be_sent_back_as_it_was_read(api: Api) -> None:
    made = api.post("/v1/pools", {"pool_id": "p", "rule": PHONES}).json()
    for number, body in enumerate((made, api.get("/v1/pools/p").json()), 1):
        reply = change(api, body | {"name": f"name {number}"}, revision=number)
        assert (reply.status_code, reply.json()["name"], reply.json()["revision"]) == (200, f"name {number}", number + 1)


def test_a_pool_keeps_its_id(api: Api) -> None:
    api.make_pool("p")
    assert paths_of(assert_problem(change(api, {"pool_id": "q"}), 422)) == ["pool_id"]


def test_an_ordering_without_weights_is_the_usual_one(api: Api) -> None:
    usual = api.post("/v1/pools", {"pool_id": "p", "rule": PHONES}).json()["ordering"]
    rest = {"pins": [], "boost": [], "bury": [], "quotas": [], "diversity": 0.0}
    assert change(api, {"ordering": {"weights": {"match": 1}}}).json()["ordering"] == {"weights": {"match": 1}} | rest
    assert change(api, {"ordering": {}}, revision=2).json()["ordering"] == usual


def test_a_pool_of_a_largest_size_says_how_many_it_holds_and_previews_end_there_too(api: Api) -> None:
    api.publish(*({"item_id": f"i{n}", "price_cents": 100 * n + 100} for n in range(9)))
    cut = {"max_size": 4, "cut_by": "price_cents", "max_per_category": 100}
    saved = api.make_pool(settings=cut).json()
    assert saved["count"] == 4
    assert api.get("/v1/pools/p").json()["size"] == 4
    page = api.post("/v1/pools/p/recall", {"size": 9}).json()
    assert {item["item_id"] for item in page["items"]} == {"i0", "i1", "i2", "i3"}
    assert api.post("/v1/pools/p/preview", {"sample": 9}).json()["count"] == 4
    changed = api.post("/v1/pools/preview", {"rule": EVERYTHING, "against": "p", "settings": cut | {"max_size": 6}}).json()
    assert (changed["count"], changed["plus"]["count"], changed["minus"]["count"]) == (6, 2, 0)
    why = api.get("/v1/items/i7/why?pool_id=p&user_id=u1").json()
    assert (why["stage"], why["reason"]) == ("pool", "cut")
    assert "price_cents ≤ 400" in why["detail"]


@pytest.mark.parametrize(
    ("settings", "path"), [({"max_size": 0}, "max_size"), ({"max_size": 1_000_001}, "max_size"), ({"cut_by": "city"}, "cut_by")]
)
def test_a_largest_size_out_of_bounds_is_refused_with_its_path(api: Api, settings: dict[str, object], path: str) -> None:
    reply = api.post("/v1/pools", {"pool_id": "p", "rule": EVERYTHING, "settings": settings})
    assert reply.status_code == 422
    assert path in reply.json()["errors"][0]["path"]


def test_what_a_pool_boosts_is_kept_and_stands_in_the_explanation_of_a_page(api: Api) -> None:
    api.publish(*({"item_id": f"i{n}", "price_cents": 100 * n + 100} for n in range(3)))
    boost = [{"condition": {"field": "price_cents", "op": "lte", "value": 100}, "factor": 4.0}]
    assert api.make_pool(ordering={"boost": boost}).json()["ordering"]["boost"] == boost
    [first, *rest] = api.post("/v1/pools/p/recall", {"explain": True}).json()["items"]
    assert (first["item_id"], first["explain"]["factor"]) == ("i0", 4.0)
    assert {item["explain"]["factor"] for item in rest} == {1.0}
    refused = api.post("/v1/pools", {"pool_id": "q", "rule": EVERYTHING, "ordering": {"bury": [{"condition": {"a": 1}, "factor": 2}]}})
    assert [one["path"] for one in refused.json()["errors"]] == ["ordering.bury[0].factor", "ordering.bury[0].condition"]
