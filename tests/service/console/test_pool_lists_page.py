"""The page of a pool's lists, windows and priority."""

import re

from console_rig import Desk
from http_rig import PHONES

FORM = {
    "include": "a\r\nb\r\n\r\na",
    "ban_items": "c",
    "ban_sellers": "",
    "ban_words": "手机",
    "pins": "b\na",
    "timezone": "Asia/Shanghai",
    "windows": "2025-06-16T00:00 2025-06-17T00:00",
    "priority": "2",
    "reason": "the week's best",
    "revision": "1",
}


def area(text: str, name: str) -> str:
    found = re.search(rf'<textarea id="{name}"[^>]*>([^<]*)</textarea>', text)
    assert found is not None
    return found.group(1)


def test_what_is_typed_into_the_lists_is_what_the_pool_says_and_is_shown_again(desk: Desk) -> None:
    desk.api.make_pool("p", PHONES)
    desk.log_in()
    assert desk.form("/console/pools/p/lists", FORM).status_code == 303
    pool = desk.api.get("/v1/pools/p").json()
    assert pool["selection"] == {"include": ["a", "b"], "ban_items": ["c"], "ban_sellers": [], "ban_words": ["手机"]}
    assert (pool["ordering"]["pins"], pool["priority"], pool["rule"]) == (["b", "a"], 2, PHONES)
    assert pool["schedule"]["windows"] == [{"from": "2025-06-16T00:00", "until": "2025-06-17T00:00"}]
    text = desk.get("/console/pools/p/lists").text
    assert area(text, "include").split() == ["a", "b"]
    assert area(text, "windows").strip() == FORM["windows"]


def test_every_mistake_is_told_with_its_path_and_what_was_typed_stays(desk: Desk) -> None:
    desk.api.make_pool("p")
    desk.log_in()
    wrong = FORM | {"ban_words": "two words", "timezone": "Asia/Nowhere", "pins": "\n".join(map(str, range(51)))}
    reply = desk.form("/console/pools/p/lists", wrong)
    assert reply.status_code == 422
    for path in ("selection.ban_words[0]", "schedule.timezone", "ordering.pins"):
        assert f"<code>{path}</code>" in reply.text
    assert area(reply.text, "ban_words") == "two words"
    assert "<code>priority</code>" in desk.form("/console/pools/p/lists", FORM | {"priority": "soon"}).text
    assert desk.api.get("/v1/pools/p").json()["revision"] == 1


def test_the_history_shows_what_went_into_a_list_and_a_rollback_takes_it_out(desk: Desk) -> None:
    desk.api.make_pool("p")
    desk.log_in()
    desk.form("/console/pools/p/lists", FORM)
    text = desk.get("/console/pools/p/history", headers={"Accept-Language": "en"}).text
    for line in ("Include list: a", "Banned items: c", "Pinned items: b", "Priority: 2"):
        assert f"<ins>{line}</ins>" in text
    assert desk.form("/console/pools/p/history", {"to": "1", "revision": "2", "reason": "back"}).status_code == 303
    assert desk.api.get("/v1/pools/p").json()["selection"]["include"] == []


def test_what_is_banned_everywhere_has_lists_and_neither_pins_nor_windows(desk: Desk) -> None:
    desk.api.make_pool("banned", {"any": []})
    desk.log_in()
    text = desk.get("/console/pools/banned/lists").text
    assert 'textarea id="include"' in text
    assert 'textarea id="pins"' not in text
    assert desk.form("/console/pools/banned/lists", FORM | {"pins": "", "windows": ""}).status_code == 303


def test_the_order_of_a_page_is_changed_without_losing_its_pins(desk: Desk) -> None:
    desk.api.make_pool("p", ordering={"pins": ["a"]})
    desk.log_in()
    weights = {f"weight-{name}": "1" for name in ("match", "vector", "rank", "quality", "freshness", "seller", "price_fit", "popularity")}
    page = {"max_per_category": "3", "seen_size": "200", "spread_level": "", "when_exhausted": "stop", "reason": "x", "revision": "1"}
    assert desk.form("/console/pools/p/page", weights | page).status_code == 303
    assert desk.api.get("/v1/pools/p").json()["ordering"]["pins"] == ["a"]
