"""Boost, bury and the largest size in the console: edited beside the weights, told in the history."""

from typing import Any

from console_rig import Desk

DEAR = '{"field": "price_cents", "op": "gte", "value": 300}'


def form(**changes: Any) -> dict[str, Any]:
    fields = {
        "revision": "1",
        "reason": "再调一次",
        "max_per_category": "100",
        "seen_size": "200",
        "when_exhausted": "stop",
        "cut_by": "-quality",
    }
    weights = {f"weight-{name}": "1" for name in ("match", "vector", "rank", "quality", "freshness", "seller", "price_fit", "popularity")}
    return fields | weights | {"max_size": ""} | changes


def test_what_is_typed_is_saved_and_stands_there_again_with_an_empty_row_below(desk: Desk) -> None:
    desk.api.publish(*({"item_id": f"i{n}", "price_cents": 100 * n + 100} for n in range(5)))
    desk.api.make_pool()
    desk.log_in()
    sent = form(max_size="3", cut_by="price_cents") | {"boost-condition": [DEAR, " "], "boost-factor": ["2.5", "2"]}
    assert desk.form("/console/pools/p/page", sent).status_code == 303
    pool = desk.api.get("/v1/pools/p").json()
    assert (pool["settings"]["max_size"], pool["settings"]["cut_by"]) == (3, "price_cents")
    assert pool["ordering"]["boost"] == [{"condition": {"field": "price_cents", "op": "gte", "value": 300}, "factor": 2.5}]
    text = desk.get("/console/pools/p/page").text
    assert text.count('name="boost-condition"') == 2
    assert text.count('name="bury-condition"') == 1
    assert "×2.5" in text
    told = desk.get("/console/pools/p/history").text
    assert "最多商品数: 3" in told
    assert "最多商品数: 不限" in told
    assert "提权 ×2.5" in told


def test_an_example_follows_what_is_typed_and_a_mistake_stays_where_it_was_typed(desk: Desk) -> None:
    desk.api.publish(*({"item_id": f"i{n}", "price_cents": 100 * n + 100} for n in range(5)))
    desk.api.make_pool()
    desk.log_in()
    typed = {"boost-condition": DEAR, "boost-factor": "4"}
    assert "×4" in desk.form("/console/pools/p/example", form() | typed).text
    wrong = desk.form("/console/pools/p/page", form() | {"bury-condition": "{not json", "bury-factor": "0.5"})
    assert wrong.status_code == 422
    assert "{not json" in wrong.text
    assert desk.api.get("/v1/pools/p").json()["revision"] == 1


def test_weights_that_are_saved_leave_pins_and_what_is_boosted_alone(desk: Desk) -> None:
    desk.api.make_pool(ordering={"pins": ["i1"], "bury": [{"condition": {"all": []}, "factor": 0.5}]})
    desk.log_in()
    kept = {"bury-condition": '{"all":[]}', "bury-factor": "0.5"}
    assert desk.form("/console/pools/p/page", form() | kept).status_code == 303
    ordering = desk.api.get("/v1/pools/p").json()["ordering"]
    assert (ordering["pins"], ordering["bury"]) == (["i1"], [{"condition": {"all": []}, "factor": 0.5}])


AUCTION = '{"field": "sale", "op": "eq", "value": "auction"}'


def test_quotas_seller_spread_and_diversity_are_saved_stand_there_again_and_are_told_in_the_history(desk: Desk) -> None:
    desk.api.make_pool()
    desk.log_in()
    rows = {"quota-condition": [AUCTION, ""], "quota-at_most": ["4", ""], "quota-at_least": ["1", ""]}
    assert desk.form("/console/pools/p/page", form(max_per_seller="2", diversity="0.3") | rows).status_code == 303
    pool = desk.api.get("/v1/pools/p").json()
    assert pool["settings"]["max_per_seller"] == 2
    assert pool["ordering"]["diversity"] == 0.3
    assert pool["ordering"]["quotas"] == [{"condition": {"field": "sale", "op": "eq", "value": "auction"}, "at_most": 4, "at_least": 1}]
    page = desk.get("/console/pools/p/page").text
    assert page.count('name="quota-condition"') == 2
    assert 'name="quota-at_most" type="number" min="0" max="100" value="4"' in page
    assert "同一卖家最多" in page
    assert "配额: 最多 4, 至少 1" in desk.get("/console/pools/p/history").text


def test_mistakes_in_quotas_stand_beside_them(desk: Desk) -> None:
    desk.api.make_pool()
    desk.log_in()
    rows = {"quota-condition": ["{", AUCTION, AUCTION], "quota-at_most": ["1", "", "1"], "quota-at_least": ["", "", "2"]}
    reply = desk.form("/console/pools/p/page", form(diversity="2") | rows)
    assert reply.status_code == 422
    rows["quota-condition"][0] = AUCTION
    told = desk.form("/console/pools/p/page", form(diversity="2") | rows)
    assert (told.status_code, "配额须写明" in told.text, "不能大于" in told.text, "不含 1" in told.text) == (422, True, True, True)
