"""Single items and people over HTTP."""

from typing import Any

import pytest

from builders import NOW, wide_item
from http_rig import PHONES, Api, assert_problem, click, paths_of, removal, shelf
from smallpool_core.items import Span
from smallpool_core.users import TriggerState
from smallpool_service.http.item_view import SpanView, item_view


@pytest.fixture
def shop(api: Api) -> Api:
    api.publish(*shelf(12))
    api.make_pool("p")
    return api


def test_an_item_is_shown_as_it_was_understood(shop: Api) -> None:
    item = shop.get("/v1/items/i003").json()
    assert item["category"] == ["数码", "类003"]
    assert item["quality"] == 0.6
    assert item["pools"] == ["p"]
    assert item["given"]["title"] == "苹果 手机 i003"


def test_spans_are_shown_by_name() -> None:
    assert item_view(wide_item(spans=(Span(0, 2, "brand", "苹果"),)), lambda _: True).spans == [SpanView(0, 2, "brand", "苹果")]


def test_an_item_names_no_pool_that_the_key_may_not_see(shop: Api) -> None:
    shop.make_pool("fresh", {"field": "published_at", "op": "within", "value": "-1d"})
    many = {"item_ids": ["i003"]}
    whole = shop.get("/v1/items/i003").json()
    assert (set(whole["pools"]), set(whole["intervals"])) == ({"p", "fresh"}, {"fresh"})
    key = shop.key("recall", pools=("p",))
    for item in (shop.get("/v1/items/i003", key=key).json(), shop.post("/v1/items/get", many, key=key).json()["items"][0]):
        assert item == {name: value for name, value in whole.items() if name != "intervals"} | {"pools": ["p"]}


def test_a_sold_item_can_still_be_read(shop: Api) -> None:
    shop.post("/v1/item-events", {"events": [removal("i003")]})
    shop.settle()
    assert shop.get("/v1/items/i003").json()["state"] == "sold"


def test_an_unknown_item_is_not_found(shop: Api) -> None:
    assert_problem(shop.get("/v1/items/nothing"), 404, "not-found")


@pytest.mark.parametrize("item_id", ["x" * 129, "a%00b", "%20"])
def test_an_id_in_a_path_is_held_to_the_same_limits(shop: Api, item_id: str) -> None:
    assert paths_of(assert_problem(shop.get(f"/v1/items/{item_id}"), 422)) == ["path.item_id"]


def test_many_items_come_in_the_order_asked_for(shop: Api) -> None:
    content = shop.post("/v1/items/get", {"item_ids": ["i005", "no", "i001", "i005"]}).json()
    assert [item["item_id"] for item in content["items"]] == ["i005", "i001"]
    assert content["missing"] == ["no"]


@pytest.mark.parametrize("ids", [[], ["i1"] * 1_001, [""], [7], "i1", None])
def test_one_to_a_thousand_ids_are_asked_for(shop: Api, ids: object) -> None:
    problem = assert_problem(shop.post("/v1/items/get", {"item_ids": ids}), 422)
    assert paths_of(problem)[0].startswith("item_ids")


def similar_to(api: Api, item_id: str, **query: Any) -> dict[str, Any]:
    reply = api.call("GET", f"/v1/items/{item_id}/similar", params=query)
    assert reply.status_code == 200, reply.text
    content: dict[str, Any] = reply.json()
    return content


def test_items_like_one_that_is_sold_come_without_it_and_are_claimed_for_nobody(shop: Api) -> None:
    shop.post("/v1/item-events", {"events": [removal("i003")]})
    shop.settle()
    found = similar_to(shop, "i003", pool_id="p", size=20)
    assert sorted(item["item_id"] for item in found["items"]) == [f"i{place:03}" for place in range(12) if place != 3]
    assert (found["item_id"], found["pool_id"], found["short"]) == ("i003", "p", "exhausted")
    assert similar_to(shop, "i003", size=2)["items"] == similar_to(shop, "i003", size=2)["items"]
    assert all("explain" in item for item in similar_to(shop, "i003", explain="true")["items"])


def test_similar_items_are_asked_for_inside_pools_that_the_key_may_see(shop: Api) -> None:
    key = shop.key("recall", pools=("p",))
    assert shop.get("/v1/items/i003/similar?pool_id=p", key=key).status_code == 200
    assert_problem(shop.get("/v1/items/i003/similar", key=key), 404, "not-found")
    assert_problem(shop.get("/v1/items/i003/similar", key=shop.key("ingest")), 403)
    assert_problem(shop.get("/v1/items/nothing/similar"), 404, "not-found")
    assert paths_of(assert_problem(shop.get("/v1/items/i003/similar?size=0"), 422)) == ["query.size"]
    assert_problem(shop.get("/v1/items/i003/similar", headers={"X-Smallpool-Timeout-Ms": "0"}), 504)


def why(api: Api, item_id: str, **query: Any) -> dict[str, Any]:
    reply = api.call("GET", f"/v1/items/{item_id}/why", params={"pool_id": "p", "user_id": "u1"} | query)
    assert reply.status_code == 200, reply.text
    content: dict[str, Any] = reply.json()
    return content


def test_why_follows_an_item_to_its_place_or_to_what_stands_in_its_way(shop: Api) -> None:
    shop.make_pool("cheap", {"field": "price_cents", "op": "lt", "value": 10})
    shop.post("/v1/item-events", {"events": [removal("i007")]})
    shop.settle()
    assert why(shop, "i003")["served"] is True
    assert why(shop, "i007")["reason"] == "sold"
    assert why(shop, "never")["reason"] == "unknown_item"
    outside = why(shop, "i003", pool_id="cheap")
    assert (outside["served"], outside["stage"], outside["reason"]) == (False, "pool", "not_in_pool")
    assert "price_cents" in outside["detail"]


def test_why_needs_a_pool_that_is_there(shop: Api) -> None:
    assert paths_of(assert_problem(shop.get("/v1/items/i003/why"), 422)) == ["query.pool_id"]
    assert_problem(shop.get("/v1/items/i003/why?pool_id=nowhere"), 404, "not-found")


def test_a_profile_is_replaced_and_its_tags_are_normalised_once(shop: Api) -> None:
    body = {"tags": ["Camera", "ｃａｍｅｒａ", "复古"], "attributes": {"city": "杭州", "age": 31, "share": 0.5}}
    reply = shop.put("/v1/users/u1", body)
    assert reply.status_code == 200
    assert shop.get("/v1/users/u1").json() == reply.json()
    assert reply.json()["tags"] == ["camera", "复古"]
    assert reply.json()["attributes"] == {"city": "杭州", "age": 31, "share": 0.5}
    assert shop.put("/v1/users/u1", {}).json()["tags"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tags[0]", {"tags": [""]}),
        ("tags[0]", {"tags": ["x" * 129]}),
        ("tags[1]", {"tags": ["a", 7]}),
        ("tags", {"tags": ["a"] * 101}),
        ("tags", {"tags": "camera"}),
        ("attributes", {"attributes": {str(number): 1 for number in range(51)}}),
        ("role", {"role": "admin"}),
    ],
)
def test_a_profile_beyond_its_limits_is_refused(shop: Api, path: str, body: dict[str, Any]) -> None:
    assert path in paths_of(assert_problem(shop.put("/v1/users/u1", body), 422))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "9223372036854775809", "[]", "null", "true", r'"\ud800"'])
def test_an_attribute_is_a_text_or_a_number_that_can_be_kept(shop: Api, value: str) -> None:
    reply = shop.call("PUT", "/v1/users/u1", content=f'{{"attributes": {{"a": {value}}}}}'.encode())
    assert paths_of(assert_problem(reply, 422))[0].startswith("attributes.a")


def test_triggers_and_what_was_touched_are_shown(shop: Api) -> None:
    shop.post("/v1/user-events", {"events": [click("i003"), click("i004", type="purchase")]})
    shop.settle()
    user = shop.get("/v1/users/u1").json()
    assert "category:数码›类003" in {trigger["term"] for trigger in user["triggers"]}
    assert user["recent"] == [{"item_id": "i003", "type": "click", "at": NOW}]
    assert user["bought"] == [{"item_id": "i004", "type": "purchase", "at": NOW}]


def test_a_stranger_has_nothing(shop: Api) -> None:
    user = shop.get("/v1/users/nobody").json()
    assert user == {"user_id": "nobody", "tags": [], "attributes": {}, "triggers": [], "bought": [], "recent": [], "blocked_sellers": []}


def test_an_erased_person_is_a_stranger_who_may_see_everything_again(shop: Api) -> None:
    shop.put("/v1/users/u1", {"tags": ["复古"]})
    shop.post("/v1/user-events", {"events": [click("i003")]})
    shop.settle()
    first = shop.post("/v1/pools/p/recall", {"user_id": "u1", "size": 12, "request_id": "r1"}).json()
    assert shop.delete("/v1/users/u1").status_code == 204
    assert shop.get("/v1/users/u1").json()["triggers"] == shop.get("/v1/users/u1").json()["tags"] == []
    again = shop.post("/v1/pools/p/recall", {"user_id": "u1", "size": 12, "request_id": "r1"}).json()
    assert "replayed" not in again
    assert len(again["items"]) == len(first["items"]) == 12


def test_what_waited_for_the_consumer_when_a_person_was_erased_never_counts(shop: Api) -> None:
    shop.post("/v1/user-events?wait=none", {"events": [click("i001"), click("i002"), click("i001", user_id="u2")]})
    assert shop.delete("/v1/users/u1").status_code == 204
    shop.post("/v1/user-events?wait=none", {"events": [click("i003")]})
    shop.settle()
    assert shop.get("/v1/users/u1").json()["recent"] == [{"item_id": "i003", "type": "click", "at": NOW}]
    assert len(shop.get("/v1/users/u2").json()["recent"]) == 1
    assert shop.rig.figures.counts["erased"] == 2


def test_a_device_without_a_user_is_erased_by_its_own_id_and_the_user_of_that_name_stays(shop: Api) -> None:
    on_device = {"user_id": None, "device_id": "x"}
    shop.post("/v1/user-events", {"events": [click("i001", user_id="x"), click("i002", **on_device)]})
    shop.settle()
    served = shop.post("/v1/pools/p/recall", {"device_id": "x", "size": 12}).json()["items"]
    shop.post("/v1/user-events?wait=none", {"events": [click("i004", **on_device)]})
    assert shop.delete("/v1/devices/x").status_code == 204
    shop.settle()
    assert shop.rig.state_of("d:x") == TriggerState()
    assert shop.post("/v1/pools/p/recall", {"device_id": "x", "size": 12}).json()["items"] != []
    assert len(served) == 12
    assert [one["item_id"] for one in shop.get("/v1/users/x").json()["recent"]] == ["i001"]


def test_forgetting_what_was_served_may_be_limited_to_a_pool(shop: Api) -> None:
    shop.make_pool("q", PHONES)
    served = {pool: shop.post(f"/v1/pools/{pool}/recall", {"user_id": "u1", "size": 12}).json()["items"] for pool in ("p", "q")}
    assert len(served["p"]) == len(served["q"]) == 12
    assert shop.delete("/v1/users/u1/seen?pool_id=p").status_code == 204
    assert len(shop.post("/v1/pools/p/recall", {"user_id": "u1", "size": 12}).json()["items"]) == 12
    assert shop.post("/v1/pools/q/recall", {"user_id": "u1", "size": 12}).json()["items"] == []


def test_what_was_served_in_a_pool_that_is_not_there_cannot_be_forgotten(api: Api) -> None:
    assert_problem(api.delete("/v1/users/u1/seen?pool_id=nowhere"), 404, "not-found")
    api.make_pool("p")
    assert api.delete("/v1/users/u1/seen?pool_id=p").status_code == 204


def test_an_id_left_empty_in_an_address_is_none(api: Api) -> None:
    api.make_pool("p")
    api.publish(*shelf(1))
    item_id = api.post("/v1/pools/p/recall", {}).json()["items"][0]["item_id"]
    assert api.get(f"/v1/items/{item_id}/why?pool_id=p&user_id=u1&device_id=").json()["served"] is True
