"""Pins, bans, include lists, schedule and priority over HTTP."""

from typing import Any

import httpx
import pytest

from builders import NOW
from http_rig import EVERYTHING, PHONES, Api, assert_problem, listing, paths_of, shelf

TOMORROW = {"timezone": "Asia/Shanghai", "windows": [{"from": "2025-06-16T00:00", "until": "2025-06-17T00:00"}]}
OPENS = 1_750_003_200_000
"""2025-06-16 00:00 in Shanghai, in ms."""


def edit(api: Api, which: str, body: dict[str, Any], revision: int = 1, pool_id: str = "p") -> httpx.Response:
    return api.post(f"/v1/pools/{pool_id}/{which}", body, headers={"If-Match": f'"{revision}"'})


def page(api: Api, path: str = "/v1/pools/p/recall") -> list[str]:
    return [item["item_id"] for item in api.post(path, {}).json()["items"]]


def test_each_list_is_changed_by_a_revision_of_its_own(api: Api) -> None:
    api.make_pool("p", PHONES)
    assert edit(api, "pins", {"add": ["b", "a"], "reason": "best"}).json()["ordering"]["pins"] == ["b", "a"]
    assert edit(api, "pins", {"add": ["c", "a"], "remove": ["b", "z"]}, 2).json()["ordering"]["pins"] == ["a", "c"]
    assert edit(api, "includes", {"add": ["d"]}, 3).json()["selection"]["include"] == ["d"]
    assert edit(api, "bans", {"add": ["e"]}, 4).json()["selection"]["ban_items"] == ["e"]
    assert edit(api, "bans", {"of": "sellers", "add": ["s"]}, 5).json()["selection"]["ban_sellers"] == ["s"]
    last = edit(api, "bans", {"of": "words", "add": ["手机"]}, 6)
    assert last.headers["etag"] == '"7"'
    assert last.json()["selection"] == {"include": ["d"], "ban_items": ["e"], "ban_sellers": ["s"], "ban_words": ["手机"]}
    assert last.json()["rule"] == PHONES
    revisions = api.get("/v1/pools/p/revisions").json()["revisions"]
    assert (len(revisions), revisions[-2]["reason"]) == (7, "best")


def test_a_list_is_in_force_with_the_next_page(api: Api) -> None:
    api.publish(*shelf(3), listing("dear"))
    api.make_pool("p", {"field": "item_id", "op": "in", "value": ["i000", "i001", "i002"]})
    assert "dear" not in page(api)
    assert "dear" in page_after(api, "includes", {"add": ["dear"]}, 1)
    assert "dear" not in page_after(api, "bans", {"add": ["dear"]}, 2)


def page_after(api: Api, which: str, body: dict[str, Any], revision: int) -> list[str]:
    assert edit(api, which, body, revision).status_code == 200
    return page(api)


def test_an_edit_says_which_revision_it_is_of_and_what_it_changes(api: Api) -> None:
    api.make_pool("p")
    assert_problem(api.post("/v1/pools/p/pins", {"add": ["a"]}), 428, "if-match-missing")
    assert edit(api, "pins", {"add": ["a"]}).status_code == 200
    stale = assert_problem(edit(api, "pins", {"add": ["b"]}), 412, "revision-stale")
    assert stale["current"]["ordering"]["pins"] == ["a"]
    assert paths_of(assert_problem(edit(api, "pins", {}, 2), 422)) == ["add"]
    assert_problem(edit(api, "pins", {"add": ["a"]}, pool_id="nobody"), 404)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"selection": {"include": [str(number) for number in range(1_001)]}}, "selection.include"),
        ({"selection": {"ban_items": [""]}}, "selection.ban_items[0]"),
        ({"selection": {"ban_items": [5]}}, "selection.ban_items[0]"),
        ({"selection": {"ban_words": ["手机", "苹果 手机"]}}, "selection.ban_words[1]"),
        ({"selection": {"banned": []}}, "selection.banned"),
        ({"ordering": {"pins": [str(number) for number in range(51)]}}, "ordering.pins"),
        ({"ordering": {"pins": ["a", "a"]}}, "ordering.pins"),
        ({"schedule": {"timezone": "Asia/Nowhere"}}, "schedule.timezone"),
        ({"schedule": {"windows": [{"from": "2026-01-02T00:00", "until": "2026-01-01T00:00"}]}}, "schedule.windows[0].until"),
        ({"schedule": {"windows": [{"from": "2026-01-02T00:00"}]}}, "schedule.windows[0].until"),
        ({"schedule": {"windows": [{"from": 5, "until": "2026-01-01T00:00"}]}}, "schedule.windows[0].from"),
        ({"priority": 10}, "priority"),
        ({"priority": "5"}, "priority"),
    ],
)
def test_bad_lists_schedules_and_priorities_are_refused_with_the_path(api: Api, body: dict[str, Any], path: str) -> None:
    api.make_pool("p")
    reply = assert_problem(api.put("/v1/pools/p", body, headers={"If-Match": '"1"'}), 422)
    assert paths_of(reply) == [path]
    assert api.get("/v1/pools/p").json()["revision"] == 1


def test_a_pool_outside_of_its_schedule_answers_as_a_draft_does_and_says_when_it_opens(api: Api) -> None:
    api.make_pool("p", schedule=TOMORROW)
    problem = assert_problem(api.post("/v1/pools/p/recall", {}), 409, "pool-closed")
    assert "2025-06-16T00:00 (Asia/Shanghai)" in problem["detail"]
    stored = api.get("/v1/pools/p").json()
    assert (stored["schedule"], stored["open"], stored["opens_at"]) == (TOMORROW, False, OPENS)
    [line] = api.get("/v1/pools").json()["pools"]
    assert (line["open"], line["opens_at"]) == (False, OPENS)
    assert OPENS > NOW


def test_pools_are_listed_by_priority_a_page_at_a_time(api: Api) -> None:
    for pool_id, priority in (("a", 9), ("b", 0), ("c", 5), ("d", 5)):
        api.make_pool(pool_id, priority=priority)
    first = api.get("/v1/pools?limit=3").json()
    assert [line["pool_id"] for line in first["pools"]] == ["b", "c", "d"]
    assert [line["pool_id"] for line in api.get(f"/v1/pools?after={first['next']}").json()["pools"]] == ["a"]


def test_a_rollback_brings_lists_schedule_and_priority_back(api: Api) -> None:
    api.make_pool("p", schedule=TOMORROW, priority=2, selection={"ban_items": ["a", "b"]}, ordering={"pins": ["c"]})
    changed = {"schedule": {}, "priority": 5, "selection": {"ban_items": ["b", "d"]}, "ordering": {}}
    assert api.put("/v1/pools/p", changed, headers={"If-Match": '"1"'}).status_code == 200
    told = {one["field"]: (one["before"], one["after"]) for one in api.get("/v1/pools/p/revisions/2/diff").json()["fields"]}
    assert told["selection.ban_items"] == (["a"], ["d"])
    assert told["ordering.pins"] == (["c"], [])
    assert told["priority"] == (2, 5)
    back = api.post("/v1/pools/p/rollback", {"to": 1}, headers={"If-Match": '"2"'}).json()
    assert (back["schedule"], back["priority"], back["ordering"]["pins"]) == (TOMORROW, 2, ["c"])
    assert back["selection"]["ban_items"] == ["a", "b"]


def test_a_pool_is_sent_back_as_it_was_read(api: Api) -> None:
    api.make_pool("p", schedule=TOMORROW, selection={"include": ["a"]}, ordering={"pins": ["a"]}, priority=1)
    read = api.get("/v1/pools/p").json()
    again = api.put("/v1/pools/p", read, headers={"If-Match": '"1"'}).json()
    parts = ("rule", "settings", "ordering", "selection", "schedule", "priority")
    assert {name: again[name] for name in parts} == {name: read[name] for name in parts}


def test_what_is_banned_is_in_no_page_and_can_be_let_back_in(api: Api) -> None:
    api.publish(*shelf(3))
    api.make_pool("p", EVERYTHING)
    api.make_pool("banned", {"any": []}, selection={"include": ["i000"]})
    for _ in range(2):
        assert "i000" not in {*page(api), *page(api, "/v1/feeds/home/recall")}
        api.settle()
    assert api.get("/v1/items/i000/why?pool_id=p").json()["reason"] == "banned"
    assert_problem(api.post("/v1/pools/banned/recall", {}), 422)
    assert edit(api, "includes", {"remove": ["i000"]}, pool_id="banned").status_code == 200
    api.settle()
    assert "i000" in page(api)


def test_an_item_that_is_banned_counts_as_applied(api: Api) -> None:
    api.make_pool("banned", {"any": []}, selection={"include": ["i9"]})
    api.publish(listing("i9"))
    assert api.get("/v1/items/i9").json()["pools"] == ["banned"]


def test_a_preview_is_of_rule_and_lists_together(api: Api) -> None:
    api.publish(*shelf(3))
    api.make_pool("p", EVERYTHING, selection={"ban_items": ["i000"]})
    body: dict[str, Any] = {"rule": EVERYTHING, "people": 0}
    assert api.post("/v1/pools/preview", body).json()["count"] == 3
    assert api.post("/v1/pools/preview", body | {"against": "p"}).json()["count"] == 2
    compared = api.post("/v1/pools/preview", body | {"against": "p", "selection": {"ban_items": ["i001", "i002"]}}).json()
    assert (compared["count"], compared["plus"]["count"], compared["minus"]["count"]) == (1, 1, 2)
    assert api.post("/v1/pools/p/preview", {"people": 0}).json()["count"] == 2
