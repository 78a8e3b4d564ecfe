"""What the pages say: lists, figures, the lab, items, dead letters, keys, and what is refused."""

import re

import pytest

from builders import HOUR, NOW
from console_rig import Desk
from http_rig import click, shelf
from smallpool_core.alerts import Alert
from smallpool_core.errors import Refused
from smallpool_core.pool_counts import PoolCounter
from smallpool_core.pools import DIMENSIONS
from smallpool_service.alerts.figures import LastHour
from smallpool_service.console import figures
from smallpool_service.console.csv_file import harmless
from smallpool_service.console.dry import read_triggers
from smallpool_service.console.lab import read_weights
from smallpool_service.console.pools_page import PAGE

BROKEN = b'{"type": "published", "item_id": "late", "version": 1, "at": 1, "item": {"title": ""}}'


def names(text: str) -> list[str]:
    return re.findall(r'class="name" href="/console/pools/([^"]+)"', text)


def cells(text: str) -> list[str]:
    return re.findall(r'<td class="num[^"]*">([^<]*)</td>', text)


def test_the_list_is_searched_by_name_and_id_filtered_sorted_and_paged(desk: Desk) -> None:
    for place in range(PAGE + 2):
        desk.api.make_pool(f"p{place:02}", name=f"池 {place:02}", state="draft" if place % 2 else "live")
    desk.log_in()
    assert names(desk.get("/console/pools?sort=id&order=asc").text) == [f"p{place:02}" for place in range(PAGE)]
    assert names(desk.get("/console/pools?sort=id&order=asc&page=2").text) == [f"p{place:02}" for place in range(PAGE, PAGE + 2)]
    assert names(desk.get("/console/pools").text)[0] == f"p{PAGE + 1}"
    assert names(desk.get("/console/pools?q=P07").text) == ["p07"]
    assert names(desk.get("/console/pools?q=池 07").text) == ["p07"]
    assert set(names(desk.get("/console/pools?state=draft&sort=id&order=asc").text)) == {f"p{place:02}" for place in range(1, PAGE + 2, 2)}
    assert names(desk.get("/console/pools?page=9").text)


def test_the_figures_of_a_row_are_counted(desk: Desk) -> None:
    listed = [{"published_at": NOW - 10}, {"published_at": NOW - 2 * HOUR}, {"published_at": NOW - 2 * HOUR, "expires_at": NOW + HOUR // 2}]
    desk.api.publish(*({"item_id": f"i{place}"} | item for place, item in enumerate(listed)))
    desk.api.make_pool()
    desk.log_in()
    reply = desk.get("/console/pools/p/figures")
    assert cells(reply.text) == ["1"]
    assert "0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1" in reply.text


def test_of_a_pool_with_more_items_than_are_looked_at_no_figure_is_made_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "LOOKED_AT", 2)
    desk.api.publish({"item_id": "a", "published_at": NOW - 10}, {"item_id": "b", "published_at": NOW - 20}, {"item_id": "c"})
    desk.api.make_pool()
    desk.log_in()
    text = desk.get("/console/pools/p/figures").text
    assert cells(text) == []
    assert "<svg" not in text


def given(page_fill: float | None, recalled: float | None, listed: int) -> LastHour:
    return LastHour(5, 40, page_fill, recalled, listed)


@pytest.fixture
def watched(desk: Desk) -> Desk:
    """Three pools as whoever looks at pools last found them."""
    for pool_id in ("a", "b", "c"):
        desk.api.make_pool(pool_id, name=f"池 {pool_id}")
    alerts = [Alert("b", "page_fill_low", NOW, raised_at=NOW), Alert("c", "empty", NOW, raised_at=NOW), Alert("a", "empty", NOW)]
    desk.api.parts.board.put({"a": given(0.98, 61.5, 12), "b": given(0.3, 4.0, 90)}, alerts, NOW)
    desk.log_in()
    return desk


def test_the_list_shows_what_pools_gave_in_the_last_hour_and_their_alerts(watched: Desk) -> None:
    text = watched.get("/console/pools?sort=id&order=asc").text
    a, b, c = text.split("<tr>")[2:]
    assert ("98%" in a, "61.5" in a, "chip bad" in a) == (True, True, False)
    assert ("30%" in b, "页填充率低" in b, "池为空" in c) == (True, True, True)
    assert re.findall(r'class="raised" href="([^"]+)">([^<]+)<', text) == [
        ("/console/pools?alert=empty", "池为空 1"),
        ("/console/pools?alert=page_fill_low", "页填充率低 1"),
    ]
    assert "页填充率低" in watched.get("/console/pools/b").text
    assert "页填充率低" not in watched.get("/console/pools/a/history").text


@pytest.mark.parametrize(("sort", "first"), [("page_fill", "a"), ("recalled", "a"), ("listed", "b")])
def test_the_list_is_sorted_by_figures_and_what_is_not_known_comes_last(watched: Desk, sort: str, first: str) -> None:
    found = names(watched.get(f"/console/pools?sort={sort}&order=desc").text)
    assert (found[0], found[-1]) == (first, "c")
    assert names(watched.get(f"/console/pools?sort={sort}&order=asc").text)[0] == "c"


def test_the_list_is_filtered_by_alert_also_as_a_table_to_take_along(watched: Desk) -> None:
    assert set(names(watched.get("/console/pools?alert=any").text)) == {"b", "c"}
    assert names(watched.get("/console/pools?alert=empty").text) == ["c"]
    assert names(watched.get("/console/pools?alert=inflow_stopped").text) == []
    lines = watched.get("/console/pools.csv?alert=page_fill_low").text.splitlines()
    assert len(lines) == 2
    assert lines[1].split(",")[4:9] == ["0", "0.3", "4.0", "90", "页填充率低"]


def test_a_key_that_is_limited_to_pools_is_told_of_no_other_pools_alerts(watched: Desk) -> None:
    watched.log_in(watched.api.key("viewer", pools=("a",)))
    assert 'class="raised"' not in watched.get("/console/pools").text


def test_whoever_goes_back_in_the_browser_gets_a_whole_page(desk: Desk) -> None:
    desk.log_in()
    part, whole = {"HX-Request": "true"}, {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" not in desk.get("/console/pools", headers=part).text
    assert "<html" in desk.get("/console/pools", headers=whole).text


def test_the_preview_tells_what_would_come_in_and_what_would_go_out(desk: Desk) -> None:
    desk.api.publish({"item_id": "a", "price_cents": 100}, {"item_id": "b", "price_cents": 300}, {"item_id": "c", "price_cents": 500})
    desk.api.make_pool(rule={"field": "price_cents", "op": "lte", "value": 300})
    desk.log_in()
    text = desk.form("/console/rule/preview", {"of": "p", "r:mode": "all", "r-0:field": "price_cents", "r-0:op": "gte", "r-0:v": "3"}).text
    assert 'id="tally">2<' in text
    assert re.findall(r'chip (?:good|bad)">([^<]+)<', text) == ["+ 1", "− 1"]


PRICES = [{"item_id": "a", "price_cents": 100}, {"item_id": "b", "price_cents": 300}, {"item_id": "c", "price_cents": 500}]
BETWEEN = {
    "r:mode": "all",
    "r-0:field": "price_cents",
    "r-0:op": "gte",
    "r-0:v": "3",
    "r-1:field": "price_cents",
    "r-1:op": "lte",
    "r-1:v": "4",
}


def test_the_preview_says_of_each_card_why_it_is_there_and_what_each_condition_keeps_out(desk: Desk) -> None:
    desk.api.publish(*PRICES)
    desk.api.make_pool(rule={"all": []})
    desk.log_in()
    text = desk.form("/console/rule/preview", {"of": "p"} | BETWEEN).text
    reasons = dict(re.findall(r'card-title">.*?</a>.*?<p class="reasons">(<b>[^<]+</b>) ([^<]+)</p>', text, re.DOTALL))
    assert set(reasons) == {"<b>命中</b>", "<b>不满足</b>"}
    gone = re.findall(r'class="card minus">.*?items/(\w+)".*?<b>不满足</b> ([^<]+)</p>', text, re.DOTALL)
    assert gone == [("a", "价格 不低于 ¥3"), ("c", "价格 不超过 ¥4")]
    kept = re.findall(r'class="card ">.*?items/(\w+)".*?<b>命中</b> ([^<]+)</p>', text, re.DOTALL)
    assert kept == [("b", "价格 不低于 ¥3 · 价格 不超过 ¥4")]
    excluded = re.findall(r'share-name">(价格[^<]+)</span>.*?<span class="num">(\d+)<small>仅此条 (\d+)</small>', text)
    assert excluded == [("价格 不低于 ¥3", "1", "1"), ("价格 不超过 ¥4", "1", "1")]


def test_the_preview_breaks_down_what_it_holds_and_estimates_the_inflow(desk: Desk) -> None:
    desk.api.publish(
        *(item | {"published_at": NOW - HOUR} for item in PRICES), {"item_id": "d", "price_cents": 2_000_000, "seller_id": "s77"}
    )
    desk.log_in()
    text = desk.form("/console/rule/preview", {"of": "", "r:mode": "all"}).text
    assert 'id="inflow">0.17<' in text
    prices = re.findall(r'share-name">([^<]*¥[^<]*)</span>.*?<span class="num">(\d+)<', text)
    assert prices == [("&lt; ¥10", "3"), ("≥ ¥10,000", "1")]
    assert "<code>s77</code>" in text


def test_the_effect_on_people_compares_the_rule_as_it_stands_with_the_one_that_is_edited(desk: Desk) -> None:
    desk.api.publish(*shelf(12))
    desk.api.make_pool()
    desk.api.post("/v1/user-events", {"events": [click("i003")]})
    desk.api.settle()
    desk.api.post("/v1/pools/p/recall", {"user_id": "u1", "size": 2})
    desk.log_in()
    fields = {"of": "p", "r:mode": "all", "r-0:field": "item_id", "r-0:op": "in", "r-0:v": "i001"}
    text = desk.form("/console/rule/people", fields).text
    fill = re.findall(r'<td class="num[^"]*">([^<]+)</td>', text)
    assert fill == ["100%", "10%"]
    alone = desk.form("/console/rule/people", fields | {"of": ""}).text
    assert re.findall(r'<td class="num[^"]*">([^<]+)</td>', alone) == ["10%"]
    viewer = desk.log_in(desk.api.key("viewer"))
    assert viewer.status_code == 303
    as_it_stands = desk.form("/console/rule/people", {"of": "p"}).text
    assert re.findall(r'<td class="num[^"]*">([^<]+)</td>', as_it_stands) == ["100%", "100%"]


def test_without_anybody_to_try_a_rule_with_the_effect_on_people_says_so(desk: Desk) -> None:
    desk.log_in()
    assert "nobody is known to try it with" in desk.form("/console/rule/people", {"of": "", "r:mode": "all"}).text


def test_a_save_that_lost_the_race_writes_nothing_until_it_is_applied_again(desk: Desk) -> None:
    desk.api.publish({"item_id": "a"})
    desk.api.make_pool()
    desk.log_in()
    fields = {"revision": "1", "state": "live", "reason": "x", "r:mode": "all", "confirm": "matches_everything"}
    assert desk.form("/console/pools/p", fields | {"name": "one"}).status_code == 303
    collided = desk.form("/console/pools/p", fields | {"name": "two"})
    assert collided.status_code == 409
    assert '<input type="hidden" name="revision" value="2">' in collided.text
    assert desk.api.get("/v1/pools/p").json()["name"] == "one"
    assert desk.form("/console/pools/p", fields | {"name": "two", "revision": "2"}).status_code == 303
    assert desk.api.get("/v1/pools/p").json()["name"] == "two"


def test_settings_and_weights_are_saved_and_bad_ones_refused_beside_their_field(desk: Desk) -> None:
    desk.api.make_pool()
    desk.log_in()
    sound = {f"weight-{name}": "0.5" for name in ("match", "vector", "rank", "quality", "freshness", "seller", "price_fit", "popularity")}
    sound |= {"revision": "1", "reason": "x", "max_per_category": "5", "seen_size": "100", "spread_level": "", "when_exhausted": "stop"}
    refused = desk.form("/console/pools/p/page", sound | {"weight-match": "11", "seen_size": "5"})
    assert refused.status_code == 422
    assert 'id="e-ordering-weights-match"' in refused.text
    assert desk.form("/console/pools/p/page", sound).status_code == 303
    stored = desk.api.get("/v1/pools/p").json()
    assert (stored["settings"]["max_per_category"], stored["ordering"]["weights"]["match"]) == (5, 0.5)


def test_each_dimension_of_the_score_has_a_weight_of_its_own_and_a_nought_that_nobody_had_said_stays_unsaid(desk: Desk) -> None:
    desk.api.make_pool()
    desk.log_in()
    shown = desk.get("/console/pools/p/page").text
    assert [name for name in DIMENSIONS if f'name="weight-{name}"' not in shown] == []
    form = {f"weight-{name}": "1" for name in DIMENSIONS} | {"weight-vector": "0", "revision": "1", "reason": "x"}
    form |= {"max_per_category": "3", "seen_size": "100", "spread_level": "", "when_exhausted": "stop"}
    assert desk.form("/console/pools/p/page", form).status_code == 303
    weights = desk.api.get("/v1/pools/p").json()["ordering"]["weights"]
    assert weights == dict.fromkeys((name for name in DIMENSIONS if name != "vector"), 1.0)
    assert desk.form("/console/pools/p/page", form | {"weight-vector": "0.5", "revision": "2"}).status_code == 303
    assert desk.api.get("/v1/pools/p").json()["ordering"]["weights"] == weights | {"vector": 0.5}


def test_a_rollback_brings_the_old_rule_back_and_leaves_the_state(desk: Desk) -> None:
    desk.api.make_pool(rule={"field": "price_cents", "op": "lte", "value": 300})
    desk.api.put("/v1/pools/p", {"rule": {"all": []}, "state": "draft"}, headers={"If-Match": '"1"'})
    desk.log_in()
    assert desk.form("/console/pools/p/history", {"revision": "2", "to": "1", "reason": "back"}).status_code == 303
    stored = desk.api.get("/v1/pools/p").json()
    assert (stored["revision"], stored["state"], stored["rule"]) == (3, "draft", {"field": "price_cents", "op": "lte", "value": 300})
    assert desk.form("/console/pools/p/history", {"revision": "3", "to": "9", "reason": "back"}).status_code == 404


def test_the_lab_follows_a_person_or_triggers_made_up_by_hand_and_claims_nothing(desk: Desk) -> None:
    desk.api.publish(*shelf(12))
    desk.api.make_pool()
    desk.api.post("/v1/user-events", {"events": [click("i003")]})
    desk.api.settle()
    desk.log_in()
    assert "item:" not in desk.get("/console/lab?pool=p&user=u1").text
    by_hand = desk.get("/console/lab", params={"pool": "p", "triggers": "category:数码 > 类007 2", "size": "3"}).text
    first = re.findall(r'class="what"><a href="/console/items/(\w+)', by_hand)[0]
    assert first == "i007"
    assert desk.api.post("/v1/pools/p/recall", {"user_id": "u1", "size": 12}).json()["items"].__len__() == 12


def test_the_lab_takes_a_query_and_a_city_and_shows_how_far_each_source_came(desk: Desk) -> None:
    desk.api.publish(*shelf(12))
    desk.api.make_pool()
    desk.log_in()
    text = desk.get("/console/lab", params={"pool": "p", "city": "杭州"}).text
    assert "city:杭州" not in text
    assert re.search(r"杭州 <small>\S+ 1024</small>", text), "it is a trigger"
    assert text.count("<code>newest</code>") == 1
    assert desk.get("/console/lab", params={"pool": "p", "query": "字" * 201}).status_code == 422


def test_a_pools_page_shows_what_each_source_gave_in_the_last_hour(desk: Desk) -> None:
    desk.api.make_pool()
    desk.log_in()
    assert "最近一小时没有人请求过这个池" in desk.get("/console/pools/p/health").text
    counter = PoolCounter()
    counter.page("p", desk.api.clock.now_ms(), asked=10, given=4, recalled=9, sources={"asked:terms": 100, "in_pool:terms": 9})
    desk.api.parts.figures.add(counter.take())
    text = desk.get("/console/pools/p/health").text
    assert "填充率 40%" in text
    assert "<code>terms</code>" in text
    assert desk.get("/console/pools/nowhere/health").status_code == 404
    assert 'hx-get="/console/pools/p/health"' in desk.get("/console/pools/p/page").text


def test_two_sides_of_the_lab_show_where_each_item_stands_on_the_other(desk: Desk) -> None:
    desk.api.publish(*shelf(6))
    desk.api.make_pool()
    desk.api.make_pool("q", {"field": "item_id", "op": "in", "value": ["i001"]})
    desk.log_in()
    text = desk.get("/console/lab?pool=p&pool_b=q&size=6").text
    assert text.count('class="side-by"') == 2
    assert text.count('class="move new"') == 5


@pytest.mark.parametrize("text", ["brand", "colour:red 1", "brand: 2", ":x"])
def test_a_trigger_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_triggers(text)


def test_triggers_and_weights_are_read_as_they_are_written() -> None:
    assert read_triggers("brand:Apple 3\ncategory:数码 › 手机\n\n") == {"brand:apple": 3.0, "category:数码›手机": 1.0}
    assert read_weights("match=1, quality=0.5") == {"match": 1.0, "quality": 0.5}
    with pytest.raises(Refused):
        read_weights("match=11 colour=1 quality")


def test_an_item_says_why_it_is_not_shown(desk: Desk) -> None:
    desk.api.publish({"item_id": "a", "price_cents": 900})
    desk.api.make_pool(rule={"field": "price_cents", "op": "lte", "value": 300})
    desk.log_in()
    text = desk.get("/console/items/a?pool=p&user=u1").text
    assert "不会展示" in text
    assert "price_cents lte 300" in text
    assert "<li>$: wants price_cents lte 300, the item has 900</li>" in text
    assert desk.get("/console/items?item_id=nothing").status_code == 404


def test_an_item_shows_what_was_understood_and_by_what(desk: Desk) -> None:
    desk.api.publish({"item_id": "a", "price_cents": 900})
    desk.log_in()
    item, text = desk.api.rig.wide.get(["a"])["a"], desk.get("/console/items/a").text
    for name, version in item.versions.items():
        assert f"{name} {version}" in text
    for part, value in item.quality_parts.items():
        assert f"{value:.2f}" in text, part
    assert f"可信度 {item.category_confidence:.2f}" in text


def test_a_dead_letter_is_shown_with_its_reason_and_sent_again(desk: Desk) -> None:
    log = desk.api.rig.log
    log.append_now("item-events", [("late", BROKEN)], NOW)
    desk.api.settle()
    desk.log_in()
    assert "item.title" in desk.get("/console/ingest").text
    end = log.end("item-events")[0]
    assert desk.post("/console/ingest/replay").headers["location"] == "/console/ingest?sent=1&cut=0"
    assert log.end("item-events")[0] == end + 1
    assert desk.post("/console/ingest/replay").headers["location"] == "/console/ingest?sent=0&cut=0"
    assert desk.post("/console/ingest/replay", offset="0").headers["location"] == "/console/ingest?sent=1&cut=0"
    desk.api.settle()
    assert len(log.dead_letters(-1, 10)) == 3


def test_a_key_that_is_limited_to_pools_neither_sees_dead_letters_nor_sends_them(desk: Desk) -> None:
    desk.api.rig.log.append_now("item-events", [("late", BROKEN)], NOW)
    desk.api.settle()
    desk.log_in(desk.api.key("operator", pools=("p",)))
    assert "item.title" not in desk.get("/console/ingest").text
    assert desk.post("/console/ingest/replay").status_code == 403


def test_the_secret_of_a_new_key_is_shown_once_and_works(desk: Desk) -> None:
    desk.log_in()
    made = desk.post("/console/keys", name="shop", role="viewer")
    secret = re.findall(r'class="secret" readonly value="([^"]+)"', made.text)[0]
    assert desk.api.get("/v1/pools", key=secret).status_code == 200
    assert secret not in desk.get("/console/keys").text
    assert desk.post("/console/keys", name="", role="viewer").status_code == 422
    assert desk.post("/console/keys", name="shop").status_code == 422


@pytest.mark.parametrize(("cell", "shown"), [(-3, "-3"), ("-3", "-3"), ("- 3", "'- 3"), ("\t=1", "'\t=1"), ("池", "池"), ("", "")])
def test_a_number_below_nought_is_no_formula(cell: object, shown: str) -> None:
    assert harmless(cell) == shown


def test_a_page_that_is_not_there_says_so_in_words(desk: Desk) -> None:
    desk.log_in()
    for path in ("/console/nowhere", "/console/pools/none", "/console/items/none", "/console/static/none.css"):
        reply = desk.get(path)
        assert reply.status_code == 404
        assert "没有找到" in reply.text
