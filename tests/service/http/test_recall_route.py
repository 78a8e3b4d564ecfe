"""Pages over HTTP."""

from typing import Any

import pytest

from http_rig import Api, assert_problem, click, paths_of, removal, shelf
from smallpool_core.pages import PAGE_KEPT_MS


@pytest.fixture
def shop(api: Api) -> Api:
    api.publish(*shelf(40))
    api.make_pool("p")
    return api


def page(api: Api, path: str = "/v1/pools/p/recall", **body: Any) -> dict[str, Any]:
    reply = api.post(path, {"user_id": "u1", **body})
    assert reply.status_code == 200, reply.text
    content: dict[str, Any] = reply.json()
    return content


def ids(content: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in content["items"]]


def test_a_page_has_the_items_asked_for_and_says_how_it_came_about(shop: Api) -> None:
    content = page(shop, size=5)
    assert len(ids(content)) == 5
    assert content["pool_id"] == "p"
    assert content["short"] is None
    assert content["degraded"] == []
    assert "replayed" not in content
    assert {"recall", "claim"} <= {stage["stage"] for stage in content["trace"]["stages"]}
    assert set(content["items"][0]) == {"item_id", "category", "score", "sources"}


def test_twenty_pages_never_repeat_an_item_and_then_say_that_the_pool_is_exhausted(shop: Api) -> None:
    pages = [page(shop, size=10) for _ in range(5)]
    served = [item_id for content in pages for item_id in ids(content)]
    assert len(served) == len(set(served)) == 40
    assert pages[-1]["items"] == []
    assert pages[-1]["short"] == "exhausted"


def test_the_same_request_id_gives_the_same_page_again(shop: Api) -> None:
    first = page(shop, request_id="r1")
    shop.post("/v1/item-events", {"events": [removal(ids(first)[0])]})
    shop.settle()
    again = page(shop, request_id="r1")
    assert again["replayed"] is True
    assert again["items"] == first["items"]


def test_a_request_id_with_another_body_is_refused(shop: Api) -> None:
    page(shop, request_id="r1", size=5)
    assert_problem(shop.post("/v1/pools/p/recall", {"user_id": "u1", "request_id": "r1", "size": 6}), 422, "request-id-reused")


def test_a_request_id_is_free_again_once_its_page_is_forgotten(shop: Api) -> None:
    first = page(shop, request_id="r1", size=5)
    shop.clock.advance(PAGE_KEPT_MS + 1)
    assert set(ids(page(shop, request_id="r1", size=6))).isdisjoint(ids(first))


def test_a_dry_run_claims_nothing(shop: Api) -> None:
    assert ids(page(shop, dry_run=True)) == ids(page(shop, dry_run=True)) == ids(page(shop))


def test_an_explained_page_tells_of_each_item_and_of_each_drop(shop: Api) -> None:
    page(shop)
    content = page(shop, explain=True)
    assert set(content["items"][0]["explain"]) == {"sources", "triggers", "score", "factor", "via"}
    assert isinstance(content["trace"]["drops"], list)


def test_nobody_is_served_without_being_remembered(shop: Api) -> None:
    reply = shop.post("/v1/pools/p/recall")
    assert reply.status_code == 200
    assert reply.json()["degraded"] == ["anonymous"]


def test_home_is_the_whole_marketplace_with_a_seen_list_of_its_own(shop: Api) -> None:
    in_pool = ids(page(shop))
    assert set(ids(page(shop, "/v1/feeds/home/recall"))) & set(in_pool)


def test_a_click_moves_the_next_page(shop: Api) -> None:
    shop.post("/v1/user-events", {"events": [click("i030")] * 3})
    shop.settle()
    first = page(shop, size=1, explain=True, dry_run=True)
    assert ids(first) == ["i030"]
    assert "category:数码›类030" in first["items"][0]["explain"]["triggers"]


def test_a_sold_item_leaves_at_once(shop: Api) -> None:
    first = ids(page(shop, dry_run=True))[0]
    shop.post("/v1/item-events", {"events": [removal(first)]})
    shop.settle()
    assert first not in ids(page(shop, size=40))


@pytest.mark.parametrize("size", [0, -1, 101, 1_000_000_000, 2**63, "ten", "5", 1.5, 5.0, True, None, [], {}])
def test_a_size_that_is_no_whole_number_from_1_to_100_is_refused(shop: Api, size: object) -> None:
    assert paths_of(assert_problem(shop.post("/v1/pools/p/recall", {"size": size}), 422)) == ["size"]


@pytest.mark.parametrize("name", ["user_id", "device_id", "request_id"])
@pytest.mark.parametrize("text", ["", " ", "a" * 129, "a\x00b", "a\nb", "a\x7f", 7, [], True])
def test_an_id_that_is_no_plain_text_of_1_to_128_characters_is_refused(shop: Api, name: str, text: object) -> None:
    assert paths_of(assert_problem(shop.post("/v1/pools/p/recall", {name: text}), 422)) == [name]


@pytest.mark.parametrize("user_id", ["a\u3000b", "a\u200bb", "\ufeff", "a\u202eb", "👩‍👩‍👧", "ＡＢ"])
def test_whoever_may_click_may_ask_for_a_page(shop: Api, user_id: str) -> None:
    assert shop.post("/v1/user-events", {"events": [click(user_id=user_id)]}).json()["accepted"] == 1
    assert shop.post("/v1/pools/p/recall", {"user_id": user_id}).status_code == 200


def test_half_of_a_surrogate_pair_in_an_id_is_refused_by_name(shop: Api) -> None:
    problem = assert_problem(shop.call("POST", "/v1/pools/p/recall", content=rb'{"user_id": "a\ud800"}'), 422)
    assert paths_of(problem) == ["user_id"]


def test_every_mistake_of_a_body_is_named_at_once(shop: Api) -> None:
    body = {"user_id": "", "size": "ten", "explain": 1, "context": {"hour": 24, "place": "x"}, "role": "admin"}
    problem = assert_problem(shop.post("/v1/pools/p/recall", body), 422, "refused")
    assert set(paths_of(problem)) == {"user_id", "size", "explain", "context.hour", "context.place", "role"}
    assert all(one["found"] and one["message"] for one in problem["errors"])


def test_an_unknown_field_is_answered_with_the_known_ones(shop: Api) -> None:
    problem = assert_problem(shop.post("/v1/pools/p/recall", {"sise": 3}), 422)
    assert "size" in problem["errors"][0]["message"]


def test_an_unknown_pool_is_not_found(shop: Api) -> None:
    assert_problem(shop.post("/v1/pools/nowhere/recall", {}), 404, "not-found")


@pytest.mark.parametrize("state", ["draft", "archived"])
def test_a_pool_that_is_not_live_is_not_recalled_from(shop: Api, state: str) -> None:
    shop.make_pool("q", state=state)
    assert_problem(shop.post("/v1/pools/q/recall", {}), 409, "pool-not-live")


@pytest.mark.parametrize("text", ["0", "-5", " -1 "])
def test_a_deadline_that_has_passed_is_answered_without_asking_anything(shop: Api, text: str) -> None:
    shop.rig.database.close()
    reply = shop.post("/v1/pools/p/recall", {"user_id": "u1"}, headers={"X-Smallpool-Timeout-Ms": text})
    assert_problem(reply, 504, "deadline-passed")


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/pools"), ("POST", "/v1/item-events"), ("POST", "/v1/feeds/home/recall")])
def test_a_deadline_that_has_passed_comes_before_everything_else(shop: Api, method: str, path: str) -> None:
    assert_problem(shop.call(method, path, key=None, headers={"X-Smallpool-Timeout-Ms": "0"}), 504, "deadline-passed")


@pytest.mark.parametrize("text", ["soon", "1.5", "", "1e3", "9" * 5_000, "٣"])
def test_a_timeout_that_is_no_whole_number_is_refused(shop: Api, text: str) -> None:
    reply = shop.post("/v1/pools/p/recall", {}, headers={"X-Smallpool-Timeout-Ms": text.encode()})
    assert paths_of(assert_problem(reply, 422)) == ["X-Smallpool-Timeout-Ms"]


def test_a_timeout_may_be_as_long_as_it_likes(shop: Api) -> None:
    reply = shop.post("/v1/pools/p/recall", {"user_id": "u1"}, headers={"X-Smallpool-Timeout-Ms": "999999999"})
    assert reply.status_code == 200
