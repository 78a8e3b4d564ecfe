"""The console's pages of experiments: made, started, reported on and ended by forms, in two languages."""

from typing import Any

import pytest

from builders import MINUTE
from console_rig import Desk
from http_rig import click, shelf

FORM: dict[str, Any] = {
    "experiment_id": "caps",
    "name": "九个一类",
    "layer": "main",
    "pools": "p，q",
    "traffic_from": "0",
    "traffic_until": "1",
    "bucket-0-name": "control",
    "bucket-0-share": "0.5",
    "bucket-0-overrides": "",
    "bucket-1-name": "wide",
    "bucket-1-share": "0.5",
    "bucket-1-overrides": '{"settings": {"max_per_category": 9}}',
    "bucket-2-name": "",
    "bucket-2-share": "",
    "reason": "autumn",
}


@pytest.fixture
def made(desk: Desk) -> Desk:
    desk.log_in()
    reply = desk.form("/console/new-experiment", FORM)
    assert (reply.status_code, reply.headers["location"]) == (303, "/console/experiments/caps?saved=1")
    return desk


def stored(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = desk.api.get("/v1/experiments/caps").json()
    return found


def test_what_is_typed_is_what_is_stored_and_is_shown_again(made: Desk) -> None:
    one = stored(made)
    assert one["pools"] == ["p", "q"]
    assert one["buckets"] == [{"name": "control", "share": 0.5}, {"name": "wide", "share": 0.5, "settings": {"max_per_category": 9}}]
    text = made.get("/console/experiments/caps").text
    assert "{&#34;settings&#34;:{&#34;max_per_category&#34;:9}}" in text
    assert "草稿" in text
    assert "autumn" in text
    assert "九个一类" in made.get("/console/experiments").text


def test_a_form_with_mistakes_comes_back_as_it_was_with_each_of_them(desk: Desk) -> None:
    desk.log_in()
    wrong = FORM | {"bucket-1-overrides": "{", "bucket-0-share": "half", "traffic_until": "all"}
    reply = desk.form("/console/new-experiment", wrong)
    assert reply.status_code == 422
    for path in ("buckets[1]", "bucket-0-share", "traffic_until"):
        assert f"<code>{path}</code>" in reply.text
    assert 'value="half"' in reply.text
    uneven = desk.form("/console/new-experiment", FORM | {"bucket-1-share": "0.6", "bucket-1-overrides": '{"read": {"luck": 1}}'})
    assert "分桶在这里可以改的设置" in uneven.text
    assert desk.api.get("/v1/experiments").json() == {"experiments": []}


@pytest.mark.parametrize("name", ["a/b", "50%", "a%2Fb"])
def test_an_id_with_a_slash_or_a_percent_sign_has_its_pages(desk: Desk, name: str) -> None:
    desk.log_in()
    address = desk.form("/console/new-experiment", FORM | {"experiment_id": name}).headers["location"].partition("?")[0]
    assert "九个一类" in desk.get(address).text
    assert desk.form(f"{address}/state", {"state": "running", "revision": "1", "reason": "go"}).status_code == 303
    assert desk.get(f"{address}/report").status_code == 200


def test_it_is_started_changed_in_its_traffic_alone_and_ended(made: Desk) -> None:
    made.form("/console/experiments/caps/state", {"state": "running", "revision": "1", "reason": "go"})
    assert stored(made)["state"] == "running"
    text = made.get("/console/experiments/caps").text
    assert "实验运行后，层、池和分桶不能再改" in text
    narrower = {"name": "九个一类", "traffic_from": "0", "traffic_until": "0.5", "reason": "less", "revision": "2"}
    assert made.form("/console/experiments/caps", narrower).status_code == 303
    assert (stored(made)["traffic_until"], len(stored(made)["buckets"])) == (0.5, 2)
    made.form("/console/experiments/caps/state", {"state": "ended", "revision": "3", "reason": "enough"})
    assert stored(made)["state"] == "ended"
    assert made.form("/console/experiments/caps/state", {"state": "running", "revision": "4", "reason": "again"}).status_code == 422


def test_who_was_slower_is_told_and_an_id_is_taken_once(made: Desk) -> None:
    made.form("/console/experiments/caps/state", {"state": "running", "revision": "1", "reason": "go"})
    late = made.form("/console/experiments/caps/state", {"state": "ended", "revision": "1", "reason": "stop"})
    assert (late.status_code, "第 2 版" in late.text) == (409, True)
    again = made.form("/console/new-experiment", FORM)
    assert (again.status_code, "已有这个编号的实验" in again.text) == (422, True)


def test_the_report_shows_people_figures_and_intervals_in_both_languages(made: Desk) -> None:
    api = made.api
    api.publish(*shelf(12))
    api.make_pool()
    made.form("/console/experiments/caps/state", {"state": "running", "revision": "1", "reason": "go"})
    assert "还没有人" in made.get("/console/experiments/caps/report").text
    for number in range(30):
        page = api.post("/v1/pools/p/recall", {"user_id": f"u{number}", "size": 4}).json()
        event = click(page["items"][number % 4]["item_id"], f"u{number}", request_id=page["request_id"])
        api.post("/v1/user-events", {"events": [event] if number % 3 else []})
    api.clock.advance(MINUTE)
    text = made.get("/console/experiments/caps/report").text
    for word in ("人均点击", "人均成交笔数", "点击人数占比", "卡方检验", 'class="lift', "最新"):
        assert word in text, word
    english = made.get("/console/experiments/caps/report?days=1", headers={"Accept-Language": "en"}).text
    assert "Clicks a person" in english
    assert "experiments." not in english, "every word is translated"


def test_a_viewer_looks_and_changes_nothing(made: Desk) -> None:
    made.log_in(made.api.key("viewer"))
    text = made.get("/console/experiments/caps").text
    assert "启动实验" not in text
    assert "/console/new-experiment" not in made.get("/console/experiments").text
    assert made.get("/console/new-experiment").status_code == 403
    assert made.form("/console/experiments/caps/state", {"state": "running", "revision": "1", "reason": "go"}).status_code == 403
    assert stored(made)["state"] == "draft"


def test_one_that_is_not_there_or_not_the_keys_business_is_not_found(made: Desk) -> None:
    assert made.get("/console/experiments/nothing").status_code == 404
    made.log_in(made.api.key("operator", pools=("p",)))
    assert made.get("/console/experiments/caps").status_code == 404
    assert "九个一类" not in made.get("/console/experiments").text
