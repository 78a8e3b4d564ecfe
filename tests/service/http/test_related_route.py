"""What goes with an item, over HTTP."""

from typing import Any

import pytest

from builders import NOW
from http_rig import Api, assert_problem, paths_of, removal
from smallpool_core.relations import Counted, Counts, Generation, Key, RelationList
from smallpool_stores.sqlite.relations import SqliteRelations


@pytest.fixture
def shop(api: Api) -> Api:
    """Five phones, a radio and a sofa; the pool `p` holds the phones."""
    phones = [{"item_id": f"i{place}", "category": ["数码", "手机"], "title": f"手机 i{place}"} for place in range(5)]
    radio = {"item_id": "radio", "category": ["数码", "收音机"], "title": "收音机"}
    sofa = {"item_id": "sofa", "category": ["家具", "沙发"], "title": "沙发", "seller_id": "s2", "price_cents": None}
    api.publish(*phones, radio, sofa)
    api.make_pool("p", {"field": "category", "op": "eq", "value": ["数码", "手机"]})
    return api


def relate(shop: Api, key: str, *item_ids: str, kind: Counts = "view", pool_id: str = "") -> None:
    relations = SqliteRelations(shop.rig.database)
    serving = relations.current() or Generation(relations.begin(NOW), NOW, 0, NOW - 60_000)
    entries = tuple(Counted(item_id, 1 / place, 1.0, 1.0) for place, item_id in enumerate(item_ids, start=1))
    relations.merge({Key(kind, key, pool_id): RelationList(NOW, 1.0, entries)}, serving)


def lines(shop: Api, item_id: str = "i0", **body: Any) -> list[tuple[str, str]]:
    content = shop.post(f"/v1/items/{item_id}/related", body).json()
    return [(line["item_id"], *line["sources"]) for line in content["items"]]


def test_what_people_look_at_comes_first_and_what_is_alike_fills_up(shop: Api) -> None:
    relate(shop, "i0", "sofa", "i3")
    found = lines(shop, size=4)
    assert found[:2] == [("sofa", "x2i"), ("i3", "x2i")]
    assert {source for _, source in found[2:]} == {"terms"}
    assert len({item_id for item_id, _ in found} | {"i0"}) == 5


def test_views_and_purchases_are_told_apart(shop: Api) -> None:
    relate(shop, "i0", "i1")
    relate(shop, "i0", "i2", kind="purchase")
    assert lines(shop, size=1) == [("i1", "x2i")]
    assert lines(shop, size=1, by="purchase") == [("i2", "x2i")]


def test_an_item_that_sold_still_has_what_goes_with_it_and_is_shown_beside_none(shop: Api) -> None:
    relate(shop, "i0", "i1")
    relate(shop, "i1", "i0", "i2")
    shop.post("/v1/item-events", {"events": [removal("i0")]})
    shop.settle()
    assert lines(shop, size=1) == [("i1", "x2i")]
    assert "i0" not in dict(lines(shop, "i1"))


def test_a_pool_keeps_what_is_outside_of_it_away(shop: Api) -> None:
    relate(shop, "i0", "sofa", "i3")
    assert "sofa" not in dict(lines(shop, pool_id="p"))
    assert lines(shop, pool_id="p")[0] == ("i3", "x2i")


def test_a_pool_with_lists_of_its_own_is_asked_for_them(shop: Api) -> None:
    relate(shop, "i0", "i4", pool_id="p")
    assert lines(shop, pool_id="p", size=1) != [("i4", "x2i")]
    pool = shop.get("/v1/pools/p").json()
    changed = shop.put("/v1/pools/p", {"settings": {"own_relations": True}, "reason": "r"}, headers={"If-Match": f'"{pool["revision"]}"'})
    assert changed.json()["settings"]["own_relations"] is True
    shop.settle()
    assert lines(shop, pool_id="p", size=1) == [("i4", "x2i")]


def test_nothing_is_claimed_and_a_short_answer_says_so(shop: Api) -> None:
    first, again = (shop.post("/v1/items/i0/related", {"size": 50}).json() for _ in range(2))
    assert first["items"] == again["items"]
    assert (first["short"], first["degraded"], first["pool_id"]) == ("exhausted", [], "home")
    assert "sofa" not in {line["item_id"] for line in first["items"]}, "nobody looked at it, and it is nothing alike"


def test_the_age_of_the_lists_is_told(shop: Api) -> None:
    relate(shop, "i0", "i1")
    assert shop.post("/v1/items/i0/related").json()["ages_ms"] == {"relations": 60_000}
    assert "smallpool_relations_age_ms 60000.0" in shop.get("/metrics").text


def test_an_item_or_a_pool_that_is_not_there_is_not_found(shop: Api) -> None:
    assert_problem(shop.post("/v1/items/nothing/related"), 404, "not-found")
    assert_problem(shop.post("/v1/items/i0/related", {"pool_id": "nowhere"}), 404, "not-found")


@pytest.mark.parametrize(("body", "path"), [({"size": 0}, "size"), ({"by": "smell"}, "by"), ({"user_id": "u"}, "user_id")])
def test_what_is_not_allowed_is_named(shop: Api, body: dict[str, Any], path: str) -> None:
    assert paths_of(assert_problem(shop.post("/v1/items/i0/related", body), 422)) == [path]


def test_a_key_for_some_pools_needs_home_among_them_for_the_whole_marketplace(shop: Api) -> None:
    key = shop.key("recall", pools=("p",))
    assert shop.post("/v1/items/i0/related", {"pool_id": "p"}, key=key).status_code == 200
    assert shop.post("/v1/items/i0/related", key=key).status_code == 404
