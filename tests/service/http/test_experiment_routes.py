"""Experiments over HTTP: made, changed under If-Match, ended, reported on; and the header of testers."""

from typing import Any

import pytest

from builders import MINUTE, NOW
from http_rig import Api, assert_problem, click, paths_of, shelf

BUCKETS = [{"name": "control", "share": 0.5}, {"name": "wide", "share": 0.5, "settings": {"max_per_category": 9}}]
BODY: dict[str, Any] = {"experiment_id": "caps", "name": "九个一类", "buckets": BUCKETS}


def make(api: Api, **changes: Any) -> dict[str, Any]:
    reply = api.post("/v1/experiments", BODY | changes)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


def change(api: Api, revision: int, **changes: Any) -> Any:
    return api.put("/v1/experiments/caps", changes, headers={"If-Match": f'"{revision}"'})


def test_an_experiment_is_made_read_changed_and_ended_with_its_history(api: Api) -> None:
    reply = api.post("/v1/experiments", BODY | {"reason": "autumn page"})
    assert (reply.status_code, reply.headers["etag"], reply.headers["location"]) == (201, '"1"', "/v1/experiments/caps")
    assert reply.json()["state"] == "draft"
    read = api.get("/v1/experiments/caps")
    assert (read.json(), read.headers["etag"]) == (reply.json(), '"1"')
    back = api.put("/v1/experiments/caps", read.json() | {"state": "running"}, headers={"If-Match": '"1"'})
    assert (back.status_code, back.json()["started_at"]) == (200, NOW), back.text
    assert [one["experiment_id"] for one in api.get("/v1/experiments?state=running").json()["experiments"]] == ["caps"]
    ended = api.post("/v1/experiments/caps/end", {"reason": "enough"}, headers={"If-Match": '"2"'})
    assert ended.json()["state"] == "ended"
    history = api.get("/v1/experiments/caps/revisions").json()["revisions"]
    assert [(one["experiment"]["revision"], one["reason"]) for one in history] == [(3, "enough"), (2, ""), (1, "autumn page")]
    assert history[0]["author"].startswith("tester (k_")
    assert api.get("/v1/experiments?state=running").json() == {"experiments": []}


def test_a_stale_change_is_told_what_is_stored(api: Api) -> None:
    make(api)
    change(api, 1, name="second")
    problem = assert_problem(change(api, 1, name="third"), 412, "revision-stale")
    assert problem["current"]["name"] == "second"
    assert_problem(api.put("/v1/experiments/caps", {"name": "x"}), 428, "if-match-missing")
    assert_problem(api.post("/v1/experiments", BODY), 409, "experiment-exists")
    assert_problem(api.get("/v1/experiments/nothing"), 404, "not-found")


def test_every_mistake_is_told_and_nothing_is_saved(api: Api) -> None:
    wrong = [{"name": "a", "share": 0.5, "read": {"timeout_ms": 1}}, {"name": "b", "share": 0.5, "read": {"luck": 1}}]
    problem = assert_problem(api.post("/v1/experiments", BODY | {"buckets": wrong}), 422, "refused")
    assert paths_of(problem) == ["buckets[0].read.timeout_ms", "buckets[1].read.luck"]
    uneven = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.6}]
    assert paths_of(assert_problem(api.post("/v1/experiments", BODY | {"buckets": uneven}), 422)) == ["buckets"]
    assert "colour" in api.post("/v1/experiments", BODY | {"colour": 1}).text
    assert api.get("/v1/experiments").json() == {"experiments": []}


def test_people_whom_another_experiment_of_the_layer_has_are_refused(api: Api) -> None:
    make(api, state="running")
    problem = assert_problem(api.post("/v1/experiments", BODY | {"experiment_id": "other", "state": "running"}), 422)
    assert problem["errors"][0]["code"] == "experiment.taken"


def test_a_key_that_is_limited_to_pools_experiments_in_these_alone(api: Api) -> None:
    key = api.key("operator", pools=("p",))
    make(api)
    assert_problem(api.get("/v1/experiments/caps", key=key), 404)
    assert api.get("/v1/experiments", key=key).json() == {"experiments": []}
    own = BODY | {"experiment_id": "own", "layer": "own"}
    assert_problem(api.post("/v1/experiments", own, key=key), 403, "limited-key")
    assert_problem(api.post("/v1/experiments", own | {"pools": ["p", "q"]}, key=key), 403)
    assert api.post("/v1/experiments", own | {"pools": ["p"]}, key=key).status_code == 201
    assert api.get("/v1/experiments/own/report?since=1", key=key).status_code == 200


def test_only_an_operator_may_ask_for_a_bucket(api: Api) -> None:
    api.publish(*shelf(3))
    api.make_pool()
    make(api)
    asked = {"headers": {"X-Smallpool-Bucket": "caps:wide"}}
    assert api.post("/v1/pools/p/recall", {"user_id": "u"}, **asked).json()["bucket"] == {"main": "caps:wide"}
    assert_problem(api.post("/v1/pools/p/recall", {"user_id": "u"}, key=api.key("recall"), **asked), 403, "wrong-role")
    both = api.key("recall", "operator")
    assert api.post("/v1/feeds/home/recall", {"user_id": "u"}, key=both, **asked).json()["bucket"] == {"main": "caps:wide"}
    nothing = api.post("/v1/pools/p/recall", {"user_id": "u"}, headers={"X-Smallpool-Bucket": "caps:nothing"})
    assert paths_of(assert_problem(nothing, 422)) == ["bucket"]


@pytest.fixture
def lived(api: Api) -> Api:
    """An experiment with forty people, of whom those of the wide bucket clicked what was first on their page."""
    api.publish(*shelf(12))
    api.make_pool()
    make(api, state="running")
    for number in range(40):
        page = api.post("/v1/pools/p/recall", {"user_id": f"u{number}", "size": 4}).json()
        if page["bucket"]["main"] == "caps:wide":
            first = page["items"][0]["item_id"]
            event = click(first, f"u{number}", at=api.clock.now_ms() + MINUTE, request_id=page["request_id"])
            assert api.post("/v1/user-events", {"events": [event]}).json()["rejected"] == []
    api.clock.advance(2 * MINUTE)
    return api


def test_a_report_counts_people_and_what_they_did(lived: Api) -> None:
    report = lived.get("/v1/experiments/caps/report").json()
    people = report["people"]
    assert sum(people.values()) == 40
    clicks = next(one for one in report["figures"] if one["figure"] == "clicks_per_user")
    assert [(one["bucket"], one["value"], one["count"]) for one in clicks["buckets"]] == [
        ("control", 0.0, 0),
        ("wide", 1.0, people["wide"]),
    ]
    assert report["is_whole"] is True
    assert {one["source"] for one in report["by_source"]} >= {"newest"}
    rate = next(one for one in report["figures"] if one["figure"] == "click_rate")
    assert rate["buckets"][1]["value"] == 0.25


def test_a_report_of_a_span_counts_that_span_alone(lived: Api) -> None:
    later = lived.get(f"/v1/experiments/caps/report?since={lived.clock.now_ms()}").json()
    assert sum(later["people"].values()) == 0
    assert (later["ratio_p"], later["is_whole"]) == (None, True)
    assert_problem(lived.get("/v1/experiments/caps/report?since=10&until=5"), 422)


def test_an_experiment_that_never_ran_has_no_report_unless_a_time_is_named(api: Api) -> None:
    make(api)
    assert paths_of(assert_problem(api.get("/v1/experiments/caps/report"), 422)) == ["since"]
