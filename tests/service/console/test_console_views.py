"""What the pages say: lists, figures, the lab, items, dead letters, keys, and what is refused."""

import re

import pytest

from builders import HOUR, NOW
from console_rig import Desk
from http_rig import click, shelf
from smallpool_core.errors import Refused
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
    assert cells(reply.text) == ["1", "1"]
    assert "0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1" in reply.text


def test_of_a_pool_with_more_items_than_are_looked_at_no_figure_is_made_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "LOOKED_AT", 2)
    desk.api.publish({"item_id": "a", "published_at": NOW - 10}, {"item_id": "b", "published_at": NOW - 20}, {"item_id": "c"})
    desk.api.make_pool()
    desk.log_in()
    text = desk.get("/console/pools/p/figures").text
    assert cells(text) == ["2+"]
    assert "<svg" not in text


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
    sound = {f"weight-{name}": "0.5" for name in ("match", "quality", "freshness", "seller", "price_fit", "popularity")}
    sound |= {"revision": "1", "reason": "x", "max_per_category": "5", "seen_size": "100", "spread_level": "", "when_exhausted": "stop"}
    refused = desk.form("/console/pools/p/page", sound | {"weight-match": "11", "seen_size": "5"})
    assert refused.status_code == 422
    assert 'id="e-ordering-weights-match"' in refused.text
    assert desk.form("/console/pools/p/page", sound).status_code == 303
    stored = desk.api.get("/v1/pools/p").json()
    assert (stored["settings"]["max_per_category"], stored["ordering"]["weights"]["match"]) == (5, 0.5)


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
    assert desk.get("/console/items?item_id=nothing").status_code == 404


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
