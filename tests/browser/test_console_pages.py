"""Every page of the console, light and dark: usable by all, asking nothing of any other machine, and as its pictures show."""

import os
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect

from browser_rig import PICTURES, Served, Visitor

POOL = "autumn-night"
RULE: dict[str, Any] = {
    "all": [
        {"field": "category", "op": "prefix", "value": ["文玩"]},
        {"any": [{"field": "price_cents", "op": "between", "value": [2_000, 30_000]}, {"field": "quality", "op": "gte", "value": 0.95}]},
        {"not": {"field": "points", "op": "has_any", "value": ["绿松石", "葫芦"]}},
        {"field": "expires_at", "op": "within", "value": "+6h"},
    ]
}
USER = "u-0003"
ITEM = "it-000001"
PICKED = [f"it-{place:06}" for place in range(1, 5)]
PAGES = {
    "pools": "/console/pools",
    "pool-rule": f"/console/pools/{POOL}",
    "pool-page": f"/console/pools/{POOL}/page?user={USER}",
    "pool-lists": f"/console/pools/{POOL}/lists",
    "pool-history": f"/console/pools/{POOL}/history",
    "new-pool": "/console/new-pool",
    "lab": f"/console/lab?pool={POOL}&user={USER}&size=4&weights_b=match%3D0.2%20freshness%3D2",
    "lab-replay": f"/console/lab/replay?pool={POOL}&sample=20&weights=match%3D0.2%20freshness%3D2%20quality%3D1",
    "item": f"/console/items/{ITEM}?pool=old-money&user={USER}",
    "items": "/console/items",
    "ingest": "/console/ingest",
    "experiments": "/console/experiments",
    "experiment": "/console/experiments/fresh-home",
    "experiment-report": "/console/experiments/fresh-home/report",
    "new-experiment": "/console/new-experiment",
    "audit": "/console/audit",
    "keys": "/console/keys",
}
UPPER_PART: FloatRect = {"x": 0, "y": 0, "width": 1440, "height": 660}
SCHEMES = ("light", "dark")
FARTHER_DOWN = {
    "lab": ("lab-items", "section[aria-labelledby=page-0]"),
    "lab-replay": ("lab-replay-pages", "section[aria-labelledby=page-0]"),
    "pool-rule": ("pool-preview", "#preview .shares"),
}
"""Pages of which a second picture shows what stands below: its name, and where it begins."""


@pytest.fixture(scope="module", autouse=True)
def dressed(server: Served) -> None:
    """Pools with something to show: a nested rule with a history; pages that people were shown; one without items, and one with too few."""
    server.make_pool(POOL, RULE["all"][0], name="秋夜文玩场", reason="开新场")
    server.change_pool(POOL, "只要今晚截拍的，挑性价比", rule=RULE)
    weights = {"match": 1.0, "quality": 0.3, "freshness": 0.6, "seller": 0.15, "popularity": 0.2}
    fine = {"condition": {"field": "quality", "op": "gte", "value": 0.9}, "factor": 1.5}
    auctions = {"condition": {"field": "sale", "op": "eq", "value": "auction"}, "factor": 0.8}
    server.change_pool(
        POOL, "新上的往前排，精品提权", ordering={"weights": weights, "boost": [fine], "bury": [auctions], "pins": PICKED[2:]}
    )
    server.change_pool(
        POOL,
        "上名单，最多五百件",
        selection={"include": PICKED[:2], "ban_items": ["it-000099"], "ban_sellers": ["seller-007"], "ban_words": ["盗版"]},
        settings={"max_size": 500},
    )
    server.make_pool("under-one-yuan", {"field": "price_cents", "op": "between", "value": [1, 99]}, name="一元清仓", reason="试试看")
    server.make_pool("editors-choice", {"field": "item_id", "op": "in", "value": PICKED}, name="编辑精选", reason="首页露出")
    server.hold_experiment("fresh-home", "首页上新优先")
    server.hold_experiment("later", "下一轮", state="draft")
    for pool in server.call("GET", "/v1/pools?state=live").json()["pools"]:
        server.show_pages(pool["pool_id"])
    server.await_alerts(("under-one-yuan", "empty"), ("editors-choice", "page_fill_low"))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_page_is_without_a_serious_violation_of_accessibility(browser: Browser, server: Served, language: str, scheme: str) -> None:
    with Visitor(browser, server, language=language, scheme=scheme) as visitor:
        visitor.open("/console/login")
        found = {"login": visitor.violations()}
        _picture(visitor, "login", language, scheme)
        visitor.log_in()
        for name, path in PAGES.items():
            visitor.open(path)
            found[name] = visitor.violations()
            _picture(visitor, name, language, scheme)
        visitor.assert_quiet()
    assert {name: violations for name, violations in found.items() if violations} == {}


def _picture(visitor: Visitor, name: str, language: str, scheme: str) -> None:
    """Of the pages in Chinese, where the run is to make pictures."""
    if os.environ.get("SMALLPOOL_PICTURES") and language == "zh-CN":
        visitor.page.evaluate("document.activeElement && document.activeElement.blur()")
        visitor.page.screenshot(path=PICTURES / f"{name}-{scheme}.png")
        if name in FARTHER_DOWN:
            farther, begins = FARTHER_DOWN[name]
            visitor.page.evaluate("where => document.querySelector(where).scrollIntoView()", begins)
            visitor.page.screenshot(path=PICTURES / f"{farther}-{scheme}.png", clip=UPPER_PART)


def test_a_violation_is_found_where_there_is_one(browser: Browser, server: Served) -> None:
    with Visitor(browser, server) as visitor:
        visitor.open("/console/login").evaluate("document.querySelector('img').removeAttribute('alt')")
        assert [one.partition(":")[0] for one in visitor.violations()] == ["image-alt"]
