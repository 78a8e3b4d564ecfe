"""What operators do in the console, in a real browser before a real server."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, expect
from playwright.sync_api import TimeoutError as TooLate

from browser_rig import Served, Visitor

PHONES: dict[str, Any] = {"all": [{"field": "category", "op": "prefix", "value": ["数码"]}]}
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script> 手机"


@pytest.fixture
def second(browser: Browser, server: Served) -> Iterator[Visitor]:
    """Another operator, at a browser of their own."""
    with Visitor(browser, server) as visitor:
        yield visitor.log_in()
        visitor.assert_quiet()


def edit(page: Page, act: Callable[[], object]) -> None:
    """Acts until the builder comes back: what is done in the instant in which a part of it is swapped is done to the old part."""
    for patience_ms in (5_000, 5_000, 30_000):
        try:
            with page.expect_response("**/console/rule/edit", timeout=patience_ms):
                act()
            break
        except TooLate:
            if patience_ms == 30_000:
                raise
    page.wait_for_load_state("networkidle")


def choose(page: Page, node: str, part: str, value: str) -> None:
    """Chooses from a list of the builder, and waits for the builder that comes back."""
    edit(page, lambda: page.select_option(f"[name='{node}:{part}']", value))


def press(page: Page, act: str) -> None:
    """Presses a button of the builder, and waits for the builder that comes back."""
    edit(page, lambda: page.click(f"button[value='{act}']"))


def type_in(page: Page, name: str, text: str) -> None:
    """Types into an input of the builder, and waits for the preview."""
    with page.expect_response(lambda reply: (name, text) in sent(reply.request)):
        page.locator(f"[name='{name}']").last.fill(text)
    page.wait_for_load_state("networkidle")


def sent(request: Request) -> list[tuple[str, str]]:
    """The fields of the form that a request carries to the preview."""
    return parse_qsl(request.post_data or "") if request.url.endswith("/rule/preview") else []


def save(page: Page, reason: str) -> None:
    page.fill("#reason", reason)
    page.click("#save")
    page.wait_for_load_state("networkidle")


def is_in_rule(item: dict[str, Any]) -> bool:
    return item["category"][0] == "数码" and (item["price_cents"] <= 50_000 or item["quality"] >= 0.9)


def test_an_operator_builds_a_nested_rule_sees_it_move_is_refused_a_bad_value_saves_and_rolls_back(
    operator: Visitor, server: Served
) -> None:
    page = operator.open("/console/new-pool")
    type_in(page, "r-0:v", "数码")
    digital = operator.previewed()
    assert digital > 0

    press(page, "add-group:r")
    choose(page, "r-1-0", "field", "price_cents")
    type_in(page, "r-1-0:v", "abc")
    error = page.locator("#r-1-0-errors .error")
    expect(error).to_contain_text("rule.all[1].any[0].value")
    expect(page.locator("[name='r-1-0:v']")).to_have_attribute("aria-invalid", "true")
    type_in(page, "r-1-0:v", "500")
    expect(error).to_have_count(0)
    cheap = operator.previewed()
    assert 0 < cheap < digital

    press(page, "add-leaf:r-1")
    choose(page, "r-1-1", "field", "quality")
    type_in(page, "r-1-1:v", "0.9")
    assert cheap < operator.previewed() < digital

    page.fill("#pool_id", "nested")
    page.fill("#name", "捡漏")
    save(page, "autumn")
    expect(page.locator("h1")).to_contain_text("捡漏")
    stored = server.call("GET", "/v1/pools/nested").json()
    assert stored["rule"] == {
        "all": [
            {"field": "category", "op": "prefix", "value": ["数码"]},
            {"any": [{"field": "price_cents", "op": "lte", "value": 50_000}, {"field": "quality", "op": "gte", "value": 0.9}]},
        ]
    }
    first = server.channel_page("nested")
    assert first
    assert all(is_in_rule(item) for item in first)

    page = operator.open("/console/pools/nested")
    press(page, "remove:r-1")
    type_in(page, "r-0:v", "文玩")
    assert page.locator(".moves .chip").count() == 2
    save(page, "other things")
    assert {item["category"][0] for item in server.channel_page("nested")} == {"文玩"}

    page = operator.open("/console/pools/nested/history")
    page.click("text=回滚到第 1 版")
    page.locator(".back button").first.click()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".notice.good")).to_contain_text("3")
    assert server.call("GET", "/v1/pools/nested").json()["rule"] == stored["rule"]
    assert all(is_in_rule(item) for item in server.channel_page("nested"))


def test_the_second_of_two_operators_is_shown_the_difference_and_may_apply_their_change_on_top(
    operator: Visitor, second: Visitor, server: Served
) -> None:
    server.make_pool("shared", PHONES)
    ours, theirs = operator.open("/console/pools/shared"), second.open("/console/pools/shared")
    ours.fill("#name", "先到")
    save(ours, "first")
    type_in(theirs, "r-0:v", "文玩")
    save(theirs, "second")
    expect(theirs.locator("[role=alert]")).to_contain_text("第 2 版")
    shown = theirs.locator("section", has=theirs.locator("#theirs"))
    expect(shown.locator("ins")).to_contain_text(["先到"])
    mine = theirs.locator("section", has=theirs.locator("#mine"))
    expect(mine.locator("ins").filter(has_text="文玩")).to_have_count(1)
    assert server.call("GET", "/v1/pools/shared").json()["revision"] == 2
    theirs.click("button.primary")
    theirs.wait_for_load_state("networkidle")
    stored = server.call("GET", "/v1/pools/shared").json()
    assert stored["revision"] == 3
    assert stored["rule"] == {"all": [{"field": "category", "op": "prefix", "value": ["文玩"]}]}


def test_a_rule_that_matches_nothing_is_saved_only_after_the_operator_says_so(operator: Visitor, server: Served) -> None:
    server.make_pool("asked", PHONES)
    page = operator.open("/console/pools/asked")
    type_in(page, "r-0:v", "没有这个类目")
    assert operator.previewed() == 0
    save(page, "closing down")
    expect(page.locator("[role=alert]")).to_contain_text("不命中任何商品")
    assert server.call("GET", "/v1/pools/asked").json()["revision"] == 1
    page.click("button[name=confirm]")
    page.wait_for_load_state("networkidle")
    assert server.call("GET", "/v1/pools/asked").json()["revision"] == 2


def test_a_title_with_markup_in_it_is_shown_as_text(operator: Visitor, server: Served) -> None:
    dialogs: list[Dialog] = []
    operator.page.on("dialog", lambda dialog: dialogs.append(dialog))  # noqa: PLW0108, the driver wants a function of Python
    server.publish("evil", MARKUP, category=["数码", "手机"], price_cents=100)
    server.make_pool("markup", {"field": "item_id", "op": "eq", "value": "evil"}, name=MARKUP)
    page = operator.open("/console/pools/markup")
    expect(page.locator(".card-title")).to_have_text(MARKUP)
    expect(page.locator("h1")).to_contain_text(MARKUP)
    for path in ("/console/pools", "/console/items/evil", "/console/lab?pool=markup", "/console/pools/markup/history", "/console/audit"):
        expect(operator.open(path).locator("main")).to_contain_text("<script>alert(2)</script>")
    assert page.locator("main img, main script").count() == 0
    assert dialogs == []


def test_weights_that_are_not_saved_yet_move_the_example_page(operator: Visitor) -> None:
    page = operator.open("/console/pools/closing-auctions/page")
    assert page.locator("#example .move").count() == 0
    with page.expect_response("**/example"):
        page.fill("#weight-match", "0")
    page.wait_for_load_state("networkidle")
    with page.expect_response("**/example"):
        page.fill("#weight-rank", "0")
    expect(page.locator("#example .move").first).to_be_visible()


def test_the_rule_builder_is_used_by_keyboard_alone(operator: Visitor) -> None:
    page = operator.open("/console/new-pool")
    page.focus("#r-add")
    with page.expect_response("**/console/rule/edit"):
        page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    expect(page.locator("#r-1-first")).to_be_focused()


def test_an_alert_shows_in_the_list_which_is_filtered_by_it_until_it_is_over(operator: Visitor, server: Served) -> None:
    server.make_pool("moon-rocks", {"field": "title_words", "op": "contains_any", "value": ["月岩"]}, name="月岩")
    server.await_alerts(("moon-rocks", "empty"))
    page = operator.open("/console/pools")
    with page.expect_response("**/console/pools?*alert=empty*"):
        page.select_option("#alert", "empty")
    row = page.locator("tr", has_text="moon-rocks")
    expect(row.locator(".chip.alert")).to_have_text("池为空")
    expect(page.locator("tr", has_text="digital-bargains")).to_have_count(0)
    server.publish("rock-1", "月岩 标本", category=["文玩"], price_cents=9_900)
    while any(one["pool_id"] == "moon-rocks" for one in server.call("GET", "/v1/alerts").json()["alerts"]):
        page.wait_for_timeout(200)
    operator.open("/console/pools?alert=empty")
    expect(page.locator("tr", has_text="moon-rocks")).to_have_count(0)


def test_while_a_rule_is_edited_the_preview_tells_why_what_is_kept_out_and_what_people_would_get(operator: Visitor, server: Served) -> None:
    server.make_pool("all-digital", PHONES, name="数码")
    server.show_pages("all-digital", people=3)
    page = operator.open("/console/pools/all-digital")
    press(page, "add-leaf:r")
    choose(page, "r-1", "field", "price_cents")
    choose(page, "r-1", "op", "lte")
    type_in(page, "r-1:v", "500")
    preview = page.locator("#preview")
    expect(preview.locator(".card.minus .reasons").first).to_contain_text("价格")
    expect(preview.locator(".card:not(.minus) .reasons").first).to_contain_text("数码")
    assert preview.locator(".shares").count() >= 3
    rows = preview.locator("#people tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first.locator("td")).to_have_count(2)
    expect(preview.locator("#people .hint")).to_contain_text("位真实用户")


def test_the_list_is_searched_while_typing(operator: Visitor) -> None:
    page = operator.open("/console/pools")
    with page.expect_response("**/console/pools?*"):
        page.fill("#q", "银元")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("old-money")


def test_an_experiment_is_made_started_and_read_in_the_browser(operator: Visitor, server: Served) -> None:
    page = operator.open("/console/new-experiment")
    page.fill("#experiment_id", "in-the-browser")
    page.fill("#name", "浏览器里的实验")
    page.fill("#layer", "in-the-browser")
    for row, (name, overrides) in enumerate((("control", ""), ("wide", '{"settings": {"max_per_category": 6}}'))):
        page.fill(f"#bucket-{row}-name", name)
        page.fill(f"#bucket-{row}-share", "0.5")
        page.fill(f"#bucket-{row}-overrides", overrides)
    page.fill("#reason", "试一试")
    page.click("text=保存")
    expect(page.locator("h1")).to_contain_text("草稿")
    page.fill("#why", "开始")
    page.click("button:has-text('启动实验')")
    expect(page.locator("h1")).to_contain_text("运行中")
    asked = {"user_id": "u-in-the-browser", "size": 5}
    bucket = server.call("POST", "/v1/feeds/home/recall", json=asked).json()["bucket"]["in-the-browser"]
    assert bucket.startswith("in-the-browser:")
    page.click("text=报告")
    expect(page.locator(".tile")).to_have_count(2)
    expect(page.locator("h2").first).to_contain_text("整页")
