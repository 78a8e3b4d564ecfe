"""Alerts and figures of pools over HTTP, as whoever looks at the pools last put them."""

import pytest

from builders import NOW
from http_rig import Api
from smallpool_core.alerts import Alert
from smallpool_core.pool_counts import PoolCounter
from smallpool_service.alerts.figures import LastHour

FIGURES = LastHour(7, 30, 0.41, 61.5, 3)
EMPTY = Alert("p", "empty", NOW - 9, raised_at=NOW - 5, told=True)
LOW = Alert("q", "page_fill_low", NOW - 9, figure=0.41, raised_at=NOW - 2)


@pytest.fixture
def watched(api: Api) -> Api:
    api.make_pool("p")
    api.make_pool("q")
    first_sign = Alert("q", "empty", NOW)
    over = Alert("q", "inflow_stopped", NOW - 9, raised_at=NOW - 8, cleared_at=NOW - 1)
    api.parts.board.put({"q": FIGURES}, [EMPTY, LOW, first_sign, over], NOW)
    return api


def ids(api: Api, query: str = "", key: str = "") -> list[str]:
    reply = api.get(f"/v1/alerts{query}", key=key)
    assert reply.status_code == 200, reply.text
    return [f"{one['pool_id']} {one['kind']}" for one in reply.json()["alerts"]]


def test_alerts_that_stand_are_listed_raised_last_first(watched: Api) -> None:
    assert ids(watched) == ["q page_fill_low", "p empty"]
    reply = watched.get("/v1/alerts?pool_id=q").json()
    assert reply["looked_at"] == NOW
    assert reply["alerts"] == [
        {
            "alert_id": f"page_fill_low.{NOW - 2}.q",
            "pool_id": "q",
            "kind": "page_fill_low",
            "since": NOW - 9,
            "raised_at": NOW - 2,
            "figure": 0.41,
        }
    ]


def test_alerts_are_narrowed_by_pool_and_kind(watched: Api) -> None:
    assert ids(watched, "?kind=empty") == ["p empty"]
    assert ids(watched, "?pool_id=p&kind=page_fill_low") == []
    assert watched.get("/v1/alerts?kind=bored").status_code == 422


def test_a_limited_key_sees_alerts_of_its_own_pools_alone(watched: Api) -> None:
    assert ids(watched, key=watched.key("viewer", pools=("p",))) == ["p empty"]
    assert watched.get("/v1/alerts", key=watched.key("recall")).status_code == 403


def test_before_the_first_look_there_are_none_and_nobody_claims_that_all_is_well(api: Api) -> None:
    assert api.get("/v1/alerts").json() == {"alerts": [], "looked_at": None}


def test_the_list_of_pools_has_their_figures_and_alerts(watched: Api) -> None:
    p, q = watched.get("/v1/pools").json()["pools"]
    assert (p["figures"], p["alerts"]) == (None, ["empty"])
    assert q["figures"] == {"size": 7, "pages": 30, "page_fill": 0.41, "recalled": 61.5, "listed": 3}
    assert q["alerts"] == ["page_fill_low"]


def test_a_pool_says_how_it_does_by_source(api: Api) -> None:
    api.publish({"item_id": "i1"}, {"item_id": "i2"})
    api.make_pool("p")
    counter = PoolCounter()
    counter.page("p", NOW, asked=10, given=2, recalled=2, sources={"asked:terms": 100, "in_pool:terms": 2, "page:terms": 2})
    api.parts.figures.add(counter.take())
    health = api.get("/v1/pools/p/health").json()
    assert (health["size"], health["pages"], health["page_fill"]) == (2, 1, 0.2)
    assert health["sources"] == [{"source": "terms", "asked": 100.0, "returned": 0.0, "in_pool": 2.0, "filtered": 0.0, "page": 2.0}]
    assert api.get("/v1/pools/home/health").json()["pool_id"] == "home"


def test_the_health_of_a_pool_is_for_those_who_may_see_it(api: Api) -> None:
    api.make_pool("p")
    assert api.get("/v1/pools/p/health", key=api.key("recall")).status_code == 403
    assert api.get("/v1/pools/p/health", key=api.key("viewer", pools=("q",))).status_code == 404
    assert api.get("/v1/pools/nowhere/health").status_code == 404
