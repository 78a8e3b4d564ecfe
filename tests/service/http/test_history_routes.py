"""What became of pools, over HTTP: the way back, differences, the audit."""

from typing import Any

import httpx

from http_rig import PHONES, Api, assert_problem, paths_of, shelf

CHEAP: dict[str, Any] = {"field": "price_cents", "op": "lte", "value": 500}


def change(api: Api, body: dict[str, Any], revision: int = 1, pool_id: str = "p") -> httpx.Response:
    reply = api.put(f"/v1/pools/{pool_id}", body, headers={"If-Match": f'"{revision}"'})
    assert reply.status_code == 200, reply.text
    return reply


def back(api: Api, to: int, revision: int, **more: Any) -> httpx.Response:
    return api.post("/v1/pools/p/rollback", {"to": to, **more}, headers={"If-Match": f'"{revision}"'})


def test_a_rollback_is_a_new_revision_with_all_of_the_old_content_that_holds_at_once(api: Api) -> None:
    api.publish(*shelf(3))
    made = api.make_pool("p", PHONES, name="Phones", settings={"max_per_category": 5}, ordering={"weights": {"match": 2}}).json()
    change(api, {"rule": CHEAP, "name": "Cheap", "settings": {}, "ordering": {}, "state": "draft"})
    reply = back(api, 1, 2, reason="the page was empty")
    assert (reply.status_code, reply.headers["etag"]) == (200, '"3"')
    content = reply.json()
    same = ("name", "rule", "state", "settings", "ordering")
    assert {name: content[name] for name in same} == {name: made[name] for name in same}
    assert (content["revision"], content["count"]) == (3, 3)
    assert len(api.post("/v1/pools/p/recall", {}).json()["items"]) == 3
    newest = api.get("/v1/pools/p/revisions").json()["revisions"][0]
    assert (newest["reason"], newest["author"].startswith("tester (k_")) == ("the page was empty", True)


def test_a_rollback_without_a_reason_says_where_it_is_from(api: Api) -> None:
    api.make_pool("p")
    change(api, {"name": "other"})
    assert back(api, 1, 2).status_code == 200
    assert api.get("/v1/pools/p/revisions").json()["revisions"][0]["reason"] == "back to revision 1"


def test_a_rollback_to_what_never_was_is_not_found_and_changes_nothing(api: Api) -> None:
    api.make_pool("p")
    assert "p#7" in assert_problem(back(api, 7, 1), 404, "not-found")["detail"]
    assert paths_of(assert_problem(back(api, 0, 1), 422)) == ["to"]
    assert_problem(api.post("/v1/pools/q/rollback", {"to": 1}, headers={"If-Match": '"1"'}), 404, "not-found")
    assert api.get("/v1/pools/p").json()["revision"] == 1


def test_a_rollback_names_the_revision_that_it_is_a_change_of(api: Api) -> None:
    api.make_pool("p")
    change(api, {"name": "other"})
    assert_problem(api.post("/v1/pools/p/rollback", {"to": 1}), 428, "if-match-missing")
    assert assert_problem(back(api, 1, 1), 412, "revision-stale")["current"]["revision"] == 2


def test_revisions_differ_in_values_and_in_conditions(api: Api) -> None:
    api.make_pool("p", {"all": [PHONES, CHEAP]}, name="P", ordering={"weights": {"match": 1, "quality": 1}})
    cheaper = CHEAP | {"value": 100}
    change(api, {"rule": {"all": [cheaper, PHONES]}, "settings": {"seen_size": 300}, "ordering": {"weights": {"match": 2}}})
    content = api.get("/v1/pools/p/revisions/2/diff").json()
    assert content == {
        "pool_id": "p",
        "revision": 2,
        "against": 1,
        "fields": [
            {"field": "settings.seen_size", "before": 200, "after": 300},
            {"field": "ordering.weights.match", "before": 1.0, "after": 2.0},
            {"field": "ordering.weights.quality", "before": 1.0, "after": None},
        ],
        "rule": [{"change": "changed", "path": "$.all[0]", "before": CHEAP, "after": cheaper}],
    }
    turned = api.get("/v1/pools/p/revisions/1/diff?against=2").json()
    assert [(one["before"], one["after"]) for one in turned["rule"]] == [(cheaper, CHEAP)]


def test_the_first_revision_differs_from_nothing(api: Api) -> None:
    api.make_pool("p", PHONES, name="P")
    content = api.get("/v1/pools/p/revisions/1/diff").json()
    assert (content["against"], content["fields"]) == (0, [{"field": "name", "before": "p", "after": "P"}])
    assert content["rule"] == [{"change": "added", "path": "$", "before": None, "after": PHONES}]


def test_a_revision_that_never_was_differs_from_none(api: Api) -> None:
    api.make_pool("p")
    for path in ("p/revisions/2/diff", "p/revisions/1/diff?against=2", "q/revisions/1/diff"):
        assert_problem(api.get(f"/v1/pools/{path}"), 404, "not-found")
    for path in ("p/revisions/0/diff", "p/revisions/one/diff", "p/revisions/1/diff?against=-1"):
        assert_problem(api.get(f"/v1/pools/{path}"), 422, "refused")


def audit(api: Api, query: str = "", key: str = "") -> list[tuple[str, int]]:
    content = api.get(f"/v1/audit{query}", key=key).json()
    return [(one["pool"]["pool_id"], one["pool"]["revision"]) for one in content["revisions"]]


def test_the_audit_has_the_changes_of_all_pools_a_page_at_a_time(api: Api) -> None:
    api.make_pool("p", reason="spring")
    api.make_pool("q")
    api.clock.advance(1_000)
    change(api, {"name": "P"})
    first = api.get("/v1/audit?limit=2").json()
    assert [(one["pool"]["pool_id"], one["reason"], one["at"]) for one in first["revisions"]] == [
        ("p", "", api.clock.now),
        ("q", "", api.clock.now - 1_000),
    ]
    rest = api.get(f"/v1/audit?limit=2&before={first['next']}").json()
    assert ([one["reason"] for one in rest["revisions"]], rest["next"]) == (["spring"], None)
    author = first["revisions"][0]["author"]
    assert audit(api, f"?pool_id=p&since={api.clock.now}") == [("p", 2)]
    assert (len(audit(api, f"?author={author}")), audit(api, "?author=nobody")) == (3, [])
    for query in ("?limit=0", "?limit=501", "?since=-1", "?before=x", "?author="):
        assert_problem(api.get(f"/v1/audit{query}"), 422, "refused")


def test_a_limited_key_sees_the_history_of_its_pools_alone(api: Api) -> None:
    for pool_id in ("p", "q"):
        api.make_pool(pool_id)
    key = api.key("operator", pools=("p",))
    assert audit(api, key=key) == [("p", 1)]
    for reply in (
        api.get("/v1/audit?pool_id=q", key=key),
        api.get("/v1/pools/q/revisions/1/diff", key=key),
        api.post("/v1/pools/q/rollback", {"to": 1}, headers={"If-Match": '"1"'}, key=key),
    ):
        assert_problem(reply, 404, "not-found")


def test_viewers_read_the_history_and_operators_alone_go_back(api: Api) -> None:
    api.make_pool("p")
    viewer = api.key("viewer")
    assert audit(api, key=viewer) == [("p", 1)]
    assert api.get("/v1/pools/p/revisions/1/diff", key=viewer).status_code == 200
    assert_problem(api.post("/v1/pools/p/rollback", {"to": 1}, headers={"If-Match": '"1"'}, key=viewer), 403, "wrong-role")
    assert_problem(api.get("/v1/audit", key=api.key("recall")), 403, "wrong-role")
