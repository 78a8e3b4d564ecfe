"""The gate before the routes and the wrapper round them: sizes, load, failures, figures."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from http_rig import Api, assert_problem, click, listing, paths_of, shelf, with_limits
from smallpool_core.errors import DirectoryLocked, StoreFull
from smallpool_service.http.limits import note_arrival


def test_headers_beyond_their_limit_are_refused(api: Api) -> None:
    assert_problem(api.get("/v1/pools", headers={"X-Long": "a" * 17_000}), 431, "headers-too-large")


def test_an_address_beyond_its_limit_is_refused(api: Api) -> None:
    assert_problem(api.get("/v1/pools?after=" + "a" * 9_000), 414, "address-too-long")


def test_what_is_nowhere_is_a_problem_too(api: Api) -> None:
    for path in ("/", "/v1", "/v1/pools/", "/v2/pools", "/v1/pools/p/nothing"):
        assert_problem(api.get(path), 404, "no-such-route")


def test_a_wrong_method_is_a_problem_that_tells_the_right_ones(api: Api) -> None:
    reply = api.call("PATCH", "/v1/pools/p/recall")
    assert_problem(reply, 405, "method-not-allowed")
    assert reply.headers["allow"] == "OPTIONS, POST"
    assert api.call("PATCH", "/v1/pools").headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/docs", "/v1/pools", "/v1/pools/p", "/v1/users/u1", "/v1/keys"])
def test_head_is_answered_as_get_without_its_body(api: Api, path: str) -> None:
    api.make_pool("p")
    whole, head = api.get(path), api.call("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == whole.headers


def test_head_takes_the_role_that_get_takes(api: Api) -> None:
    assert api.call("HEAD", "/v1/keys", key=None).status_code == 401
    assert api.call("HEAD", "/v1/keys", key=api.key("viewer")).status_code == 403
    assert api.call("HEAD", "/v1/pools/p/recall").status_code == 405


def test_options_tells_what_a_path_takes(api: Api) -> None:
    reply = api.call("OPTIONS", "/v1/users/u1", key=None)
    assert (reply.status_code, reply.headers["allow"], reply.content) == (204, "DELETE, GET, HEAD, OPTIONS, PUT", b"")
    assert_problem(api.call("OPTIONS", "/nowhere", key=None), 404, "no-such-route")


@pytest.mark.parametrize("name", ["a/b", "a/seen", "seen/seen", "50%", "%2F", "a%2fb", "碗 一", "?#&"])
def test_every_id_has_an_address_whatever_is_in_it(api: Api, name: str) -> None:
    path = quote(name, safe="")
    api.publish({"item_id": name})
    assert api.get(f"/v1/items/{path}").json()["item_id"] == name
    api.put(f"/v1/users/{path}", {"tags": ["x"]})
    assert api.get(f"/v1/users/{path}").json()["tags"] == ["x"]
    assert api.delete(f"/v1/users/{path}/seen").status_code == 204
    assert api.get(f"/v1/users/{path}").json()["tags"] == ["x"]
    assert api.delete(f"/v1/users/{path}").status_code == 204
    assert api.get(f"/v1/users/{path}").json()["tags"] == []
    made = api.make_pool(name)
    assert api.get(made.headers["location"]).json()["pool_id"] == name
    assert api.post(f"/v1/pools/{path}/recall", {}).json()["pool_id"] == name


def test_an_address_that_is_not_utf_8_is_refused(api: Api) -> None:
    problem = assert_problem(api.get("/v1/items/%ff"), 422, "refused")
    assert paths_of(problem) == ["path.item_id"]
    assert_problem(api.get("/v1/%ff"), 404, "no-such-route")


def test_beyond_what_is_under_way_callers_are_told_to_come_back_while_health_stays_open(tmp_path: Path) -> None:
    api = Api(tmp_path, with_limits(in_flight=2, reserve=1))
    release = asyncio.Event()

    async def scenario() -> None:
        waiting = [asyncio.create_task(api.send("POST", "/v1/feeds/home/recall", content=until(release))) for _ in range(2)]
        await settled()
        refused = await api.send("POST", "/v1/feeds/home/recall", json={})
        assert_problem(refused, 503, "overloaded")
        assert refused.headers["retry-after"] == "1"
        assert_problem(await api.send("POST", "/v1/pools/p/recall", json={}), 503, "overloaded")
        for path in ("/v1/pools", "/v1/experiments"):
            assert (await api.send("GET", path)).status_code == 200
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await api.send("GET", path, key=None)).status_code == 200
        waiting.append(asyncio.create_task(api.send("POST", "/v1/pools/preview", content=until(release))))
        await settled()
        assert_problem(await api.send("GET", "/v1/pools"), 503, "overloaded")
        release.set()
        assert [reply.status_code for reply in await asyncio.gather(*waiting)] == [200, 200, 422]
        assert (await api.send("POST", "/v1/feeds/home/recall", json={})).status_code == 200

    asyncio.run(scenario())


async def arrived(api: Api, path: str, ago_ms: int, timeout_ms: int | None = None) -> int:
    """The status of a request that came so long ago and has its turn now."""
    headers = [(b"authorization", f"Bearer {api.admin}".encode())]
    headers += [] if timeout_ms is None else [(b"x-smallpool-timeout-ms", str(timeout_ms).encode())]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers, "http_version": "1.1"}
    note_arrival(scope)
    scope["state"]["smallpool_arrived_s"] -= ago_ms / 1000  # type: ignore[index]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await api.app(scope, receive, send)  # type: ignore[arg-type]
    status: int = sent[0]["status"]
    return status


def test_case_20_what_has_waited_too_long_for_its_turn_is_refused_at_once(tmp_path: Path) -> None:
    api = Api(tmp_path, with_limits(queue_ms=300))

    async def scenario() -> None:
        assert await arrived(api, "/v1/items/i1", 100) == 404
        assert await arrived(api, "/v1/items/i1", 400) == 503
        assert await arrived(api, "/v1/pools/p/recall", 400) == 503
        assert await arrived(api, "/healthz", 4_000) == 200

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/v1/pools", "/v1/experiments", "/v1/keys"])
def test_operators_get_their_answer_however_long_they_have_waited(tmp_path: Path, path: str) -> None:
    api = Api(tmp_path, with_limits(queue_ms=300))
    assert asyncio.run(arrived(api, path, 4_000)) == 200


def test_the_time_that_a_request_has_waited_counts_towards_its_deadline(tmp_path: Path) -> None:
    api = Api(tmp_path, with_limits(queue_ms=10_000))

    async def scenario() -> None:
        assert await arrived(api, "/v1/pools", 400, timeout_ms=2_000) == 200
        assert await arrived(api, "/v1/pools", 400, timeout_ms=300) == 504

    asyncio.run(scenario())


async def until(release: asyncio.Event) -> AsyncIterator[bytes]:
    await release.wait()
    yield b"{}"


async def settled() -> None:
    """Lets everything that can go on go on."""
    for _ in range(50):
        await asyncio.sleep(0)


def test_a_fault_of_the_server_is_logged_and_not_shown(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    api.checks["write_path"] = broken
    with caplog.at_level(logging.ERROR, "smallpool.http"):
        problem = assert_problem(api.get("/readyz"), 500, "unexpected")
    assert problem["instance"] in problem["detail"]
    assert problem["instance"] in caplog.text
    assert "secret detail" in caplog.text
    assert "secret detail" not in str(problem)


def broken() -> None:
    raise RuntimeError("secret detail")


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [(StoreFull("could not write: the disk is full"), 507, "store-full"), (DirectoryLocked("another server"), 503, "directory-locked")],
)
def test_errors_of_stores_have_their_status(api: Api, error: Exception, status: int, slug: str) -> None:
    def fail() -> None:
        raise error

    api.checks["store"] = fail
    assert_problem(api.get("/readyz"), status, slug)


def test_answers_are_not_kept_by_caches_nor_guessed_at(api: Api) -> None:
    for reply in (api.get("/v1/pools"), api.get("/nothing")):
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"


def test_health_needs_no_key_and_no_store(api: Api) -> None:
    api.rig.database.close()
    assert api.get("/healthz", key=None).json() == {"status": "ok"}


def test_a_process_is_ready_while_its_store_answers_and_nothing_fails(api: Api) -> None:
    ready = api.get("/readyz", key=None)
    assert ready.status_code == 200
    assert ready.json()["ready"] is True
    api.checks["write_path"] = lambda: "the disk is full"
    unready = api.get("/readyz", key=None)
    assert unready.status_code == 503
    assert unready.json()["failing"] == {"write_path": "the disk is full"}


def test_a_process_that_never_read_the_pools_is_not_ready(api: Api) -> None:
    api.parts.recaller.ports.catalogue.is_read = False
    unready = api.get("/readyz", key=None)
    assert (unready.status_code, unready.json()["failing"]) == (503, {"pools": "the pools were not read yet"})


def test_a_process_without_its_store_is_not_ready(api: Api) -> None:
    api.rig.database.close()
    unready = api.get("/readyz", key=None)
    assert unready.status_code == 503
    assert "store" in unready.json()["failing"]
    assert unready.json()["item_events_lag"] is None


def test_readiness_tells_how_far_behind_the_data_is(api: Api) -> None:
    api.publish(*shelf(2))
    api.post("/v1/item-events", {"events": [listing("a"), listing("b")]})
    api.post("/v1/user-events?wait=none", {"events": [click()]})
    api.clock.advance(1_500)
    ready = api.get("/readyz").json()
    assert (ready["item_events_lag"], ready["user_events_lag"], ready["live_view_age_ms"]) == (2, 1, 1_500)
    assert "smallpool_item_events_lag 2.0" in api.get("/metrics").text
    api.settle()
    ready = api.get("/readyz").json()
    assert (ready["item_events_lag"], ready["user_events_lag"], ready["live_view_age_ms"]) == (0, 0, 0)


def test_figures_name_routes_by_their_template_and_never_a_path(api: Api) -> None:
    api.make_pool("p")
    for number in range(5):
        api.post(f"/v1/pools/p{number}/recall", {})
        api.get(f"/nowhere/{number}")
    text = api.get("/metrics", key=None).text
    assert 'smallpool_http_requests_total{route="/v1/pools/{pool_id}/recall",status="404"} 5.0' in text
    assert 'smallpool_http_requests_total{route="(none)",status="404"} 5.0' in text
    assert "nowhere" not in text


def test_figures_have_pages_stages_and_batches(api: Api) -> None:
    api.publish(*shelf(2))
    api.make_pool("p")
    api.post("/v1/pools/p/recall", {"user_id": "u1", "size": 4})
    text = api.get("/metrics").text
    assert 'smallpool_page_fill_bucket{le="0.5"} 1.0' in text
    assert 'smallpool_page_short_total{reason="exhausted"} 1.0' in text
    assert 'smallpool_events_total{outcome="accepted",topic="item-events"} 2.0' in text
    assert 'smallpool_stage_seconds_count{stage="recall"}' in text
