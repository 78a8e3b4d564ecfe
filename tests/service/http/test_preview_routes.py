"""What a rule would do, over HTTP and real embedded stores."""

from typing import Any

import pytest

from http_rig import PHONES, Api, assert_problem, click, paths_of, shelf

CHEAP: dict[str, Any] = {"field": "price_cents", "op": "lte", "value": 500}
RULE: dict[str, Any] = {"all": [PHONES, CHEAP]}


def market(api: Api) -> None:
    """Five phones, two of them cheap, the pool `p` of the cheap ones, and u1, who clicked one and was shown a page."""
    cheap = [{"item_id": f"c{place}", "category": ["数码", f"类{place}"], "price_cents": 100} for place in range(2)]
    api.publish(*shelf(3), *cheap)
    api.make_pool("p", RULE)
    api.post("/v1/user-events", {"events": [click("c0"), click("i000")]})
    api.settle()
    assert api.post("/v1/pools/p/recall", {"user_id": "u1", "size": 1}).json()["items"]


def test_an_unsaved_rule_is_compared_with_the_one_that_stands_and_tried_by_real_people(api: Api) -> None:
    market(api)
    content = api.post("/v1/pools/preview", {"rule": PHONES, "against": "p", "sample": 1}).json()
    assert (content["count"], content["plus"]["count"], content["minus"]["count"], content["left_out"]) == (5, 3, 0, [])
    assert [item["item_id"] for item in content["plus"]["items"]] == ["i000"]
    assert content["excluded_by"] == [{"path": "$", "condition": PHONES, "alone": 0, "excluded": 0}]
    assert content["breakdown"]["top_categories"] == [{"category": ["数码"], "count": 5}]
    assert content["breakdown"]["sellers"] == [{"seller_id": "s1", "count": 5}]
    assert [band["count"] for band in content["breakdown"]["prices"]] == [2, 0, 0, 0, 0, 3, 0, 0, 0]
    assert content["inflow_per_hour"] == round(5 / 24, 2)
    people = content["people"]
    assert (people["people"], people["before"]["inside"], people["after"]["inside"]) == (1, 2, 5)
    # One of the two was on the page that was served, so one is left, and of all five four are.
    assert (people["before"]["page_fill"], people["after"]["page_fill"]) == (0.1, 0.4)


def test_a_saved_rule_is_shown_with_all_parts_and_differs_from_itself_in_nothing(api: Api) -> None:
    market(api)
    content = api.post("/v1/pools/p/preview", {"users": ["u1"]}).json()
    assert (content["count"], content["plus"], content["minus"]) == (2, {"count": 0, "items": []}, {"count": 0, "items": []})
    assert [(one["path"], one["alone"], one["excluded"]) for one in content["excluded_by"]] == [("$.all[0]", 0, 0), ("$.all[1]", 3, 3)]
    assert content["people"]["before"] == content["people"]["after"]


def test_people_that_are_not_wanted_are_not_asked(api: Api) -> None:
    market(api)
    content = api.post("/v1/pools/preview", {"rule": CHEAP, "people": 0}).json()
    assert (content["people"], content["plus"], content["left_out"]) == (None, None, [])


def test_trying_a_rule_moves_no_figure_of_pages(api: Api) -> None:
    market(api)

    def figures() -> list[str]:
        names = ("smallpool_stage", "smallpool_counts", "smallpool_page", "smallpool_degraded")
        return [line for line in api.get("/metrics").text.splitlines() if line.startswith(names)]

    before = figures()
    assert before
    assert api.post("/v1/pools/preview", {"rule": PHONES, "against": "p"}).json()["people"]["people"] == 1
    assert figures() == before


def test_with_no_time_the_count_alone_is_there_and_every_other_part_is_named(api: Api) -> None:
    market(api)
    reply = api.post("/v1/pools/preview", {"rule": CHEAP, "against": "p"}, headers={"X-Smallpool-Timeout-Ms": "1"})
    content = reply.json()
    assert (reply.status_code, content["count"], content["breakdown"], content["people"]) == (200, 2, None, None)
    assert [one["part"] for one in content["left_out"]] == ["breakdown", "against", "excluded_by", "inflow", "people"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("people", {"people": -1}),
        ("people", {"people": 51}),
        ("users", {"users": ["u"] * 51}),
        ("users[0]", {"users": [""]}),
        ("against", {"against": ""}),
    ],
)
def test_a_preview_beyond_its_limits_is_refused(api: Api, path: str, body: dict[str, Any]) -> None:
    assert paths_of(assert_problem(api.post("/v1/pools/preview", {"rule": CHEAP} | body), 422)) == [path]


def test_a_rule_is_compared_with_pools_that_are_there_and_that_the_key_may_see(api: Api) -> None:
    api.make_pool("p")
    body = {"rule": CHEAP, "against": "p"}
    assert_problem(api.post("/v1/pools/preview", body | {"against": "q"}), 404, "not-found")
    assert_problem(api.post("/v1/pools/preview", body, key=api.key("viewer", pools=("q",))), 404, "not-found")
    assert api.post("/v1/pools/preview", body, key=api.key("viewer", pools=("p",))).status_code == 200
