"""A day of a pool replayed over HTTP: for operators alone, bounded, with every mistake told."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from http_rig import Api


@pytest.fixture
def day(api: Api) -> str:
    """A pool of twelve items of which two people were served a page of three, and the day on which they were."""
    api.publish(*({"item_id": f"i{n:02}", "category": ["数码", f"类{n}"], "price_cents": 100 * n + 100} for n in range(12)))
    api.make_pool()
    for user in ("u1", "u2"):
        assert len(api.post("/v1/pools/p/recall", {"user_id": user, "size": 3}).json()["items"]) == 3
    return datetime.fromtimestamp(api.clock.now_ms() / 1000, ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d")


def test_a_narrower_rule_is_told_by_what_falls_out(api: Api, day: str) -> None:
    reply = api.post("/v1/pools/p/replay", {"day": day, "rule": {"field": "price_cents", "op": "lte", "value": 600}})
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert (found["served"], found["replayed"], found["size"], found["revision"]) == (2, 2, 3, 1)
    assert found["totals"]["now_fill"] == 1.0
    for page in found["pages"]:
        assert len(page["then"]) == 3
        assert all(line["item_id"] <= "i05" for line in page["draft"])
    assert api.get("/v1/pools/p").json()["revision"] == 1


def test_a_sample_bounds_the_work(api: Api, day: str) -> None:
    assert api.post("/v1/pools/p/replay", {"day": day, "sample": 1}).json()["replayed"] == 1
    assert api.post("/v1/pools/p/replay", {"day": day, "sample": 201}).status_code == 422


def test_mistakes_are_told_with_their_paths(api: Api, day: str) -> None:
    refused = api.post("/v1/pools/p/replay", {"day": day, "ordering": {"boost": [{"condition": {"all": []}, "factor": 11}]}})
    assert refused.status_code == 422
    assert "ordering.boost[0].factor" in refused.text
    for no_day in ("today", "9999-12-31"):
        assert api.post("/v1/pools/p/replay", {"day": no_day}).status_code == 422
    assert api.post("/v1/pools/q/replay", {"day": day}).status_code == 404
    assert api.post("/v1/pools/home/replay", {"day": day}).status_code == 422


def test_only_operators_of_the_pool_may_replay_it(api: Api, day: str) -> None:
    assert api.post("/v1/pools/p/replay", {"day": day}, key=api.key("viewer")).status_code == 403
    assert api.post("/v1/pools/p/replay", {"day": day}, key=api.key("operator", pools=("q",))).status_code == 404
    assert api.post("/v1/pools/p/replay", {"day": day}, key=api.key("operator", pools=("p",))).status_code == 200
