"""Who may do what."""

import asyncio
import re
from typing import Any

import pytest

from http_rig import EVERYTHING, Api, assert_problem, paths_of, shelf
from smallpool_core.access import ROLES, Role
from smallpool_service.keys import ensure_admin_key

ROUTES: dict[tuple[str, str], set[str]] = {
    ("POST", "/v1/pools/p/recall"): {"recall"},
    ("POST", "/v1/feeds/home/recall"): {"recall"},
    ("POST", "/v1/item-events"): {"ingest"},
    ("POST", "/v1/user-events"): {"ingest"},
    ("POST", "/v1/seller-events"): {"ingest"},
    ("GET", "/v1/items/i1"): {"viewer", "operator", "recall"},
    ("POST", "/v1/items/get"): {"viewer", "operator", "recall"},
    ("GET", "/v1/items/i1/similar?pool_id=p"): {"recall"},
    ("POST", "/v1/items/i1/related"): {"recall"},
    ("GET", "/v1/keywords/related"): {"recall"},
    ("GET", "/v1/items/i1/why?pool_id=p"): {"viewer", "operator"},
    ("GET", "/v1/users/u1"): {"viewer", "operator", "ingest"},
    ("PUT", "/v1/users/u1"): {"ingest"},
    ("DELETE", "/v1/users/u1"): {"ingest"},
    ("DELETE", "/v1/users/u1/seen"): {"ingest"},
    ("DELETE", "/v1/devices/d1"): {"ingest"},
    ("GET", "/v1/pools"): {"viewer", "operator"},
    ("GET", "/v1/pools/p"): {"viewer", "operator"},
    ("GET", "/v1/pools/p/health"): {"viewer", "operator"},
    ("GET", "/v1/pools/p/revisions"): {"viewer", "operator"},
    ("GET", "/v1/pools/p/revisions/1/diff"): {"viewer", "operator"},
    ("GET", "/v1/alerts"): {"viewer", "operator"},
    ("GET", "/v1/audit"): {"viewer", "operator"},
    ("POST", "/v1/pools/preview"): {"viewer", "operator"},
    ("POST", "/v1/pools/p/preview"): {"viewer", "operator"},
    ("POST", "/v1/pools/p/replay"): {"operator"},
    ("POST", "/v1/pools"): {"operator"},
    ("PUT", "/v1/pools/p"): {"operator"},
    ("POST", "/v1/pools/p/archive"): {"operator"},
    ("POST", "/v1/pools/p/rollback"): {"operator"},
    ("POST", "/v1/pools/p/pins"): {"operator"},
    ("POST", "/v1/pools/p/includes"): {"operator"},
    ("POST", "/v1/pools/p/bans"): {"operator"},
    ("GET", "/v1/experiments"): {"viewer", "operator"},
    ("POST", "/v1/experiments"): {"operator"},
    ("GET", "/v1/experiments/e"): {"viewer", "operator"},
    ("PUT", "/v1/experiments/e"): {"operator"},
    ("POST", "/v1/experiments/e/end"): {"operator"},
    ("GET", "/v1/experiments/e/report"): {"viewer", "operator"},
    ("GET", "/v1/experiments/e/revisions"): {"viewer", "operator"},
    ("GET", "/v1/keys"): set(),
    ("POST", "/v1/keys"): set(),
    ("DELETE", "/v1/keys/k"): set(),
}


@pytest.mark.parametrize("role", ROLES)
def test_each_route_takes_the_keys_of_its_roles_and_no_others(api: Api, role: Role) -> None:
    key = api.key(role)
    for (method, path), roles in ROUTES.items():
        reply = api.call(method, path, key=key)
        if role == "admin" or role in roles:
            assert reply.status_code not in {401, 403}, (method, path, reply.text)
        else:
            assert_problem(reply, 403, "wrong-role")


def test_every_route_of_the_contract_is_in_this_table_or_open(api: Api) -> None:
    paths: dict[str, Any] = api.app.openapi()["paths"]
    told = {(method.upper(), path) for path, methods in paths.items() for method, one in methods.items() if "x-roles" in one}
    tested = {
        (method, template)
        for method, path in ROUTES
        for known, template in told
        if known == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path.partition("?")[0])
    }
    assert told == tested


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic YTpi", "nonsense"])
def test_without_a_known_key_nothing_is_answered(api: Api, header: str | None) -> None:
    for method, path in ROUTES:
        reply = api.call(method, path, key=None, headers={} if header is None else {"Authorization": header})
        assert_problem(reply, 401, "unauthorised")
        assert reply.headers["www-authenticate"].startswith("Bearer")


def test_a_key_is_asked_for_before_its_body_is_looked_at(api: Api) -> None:
    assert_problem(api.post("/v1/pools", {"nonsense": 1}, key=None), 401)
    assert_problem(api.post("/v1/pools", {"nonsense": 1}, key=api.key("viewer")), 403)


def made(api: Api, **body: Any) -> dict[str, Any]:
    reply = api.post("/v1/keys", {"name": "app", "roles": ["recall"]} | body)
    assert reply.status_code == 201, reply.text
    content: dict[str, Any] = reply.json()
    return content


def test_a_new_key_works_and_its_secret_is_shown_once(api: Api) -> None:
    key = made(api)
    assert api.post("/v1/feeds/home/recall", {}, key=key["secret"]).status_code == 200
    listed = api.get("/v1/keys")
    assert key["secret"] not in listed.text
    assert "digest" not in listed.text
    shown = {name: value for name, value in key.items() if name != "secret"}
    assert shown in listed.json()["keys"]


def test_secrets_are_256_bits_and_never_the_same(api: Api) -> None:
    secrets = {made(api)["secret"] for _ in range(20)}
    assert len(secrets) == 20
    assert all(len(secret.removeprefix("sp_")) == 43 for secret in secrets)


def test_a_revoked_key_is_known_no_more_and_stays_listed(api: Api) -> None:
    key = made(api)
    api.post("/v1/feeds/home/recall", {}, key=key["secret"])
    assert api.delete(f"/v1/keys/{key['key_id']}").status_code == 204
    problem = assert_problem(api.post("/v1/feeds/home/recall", {}, key=key["secret"]), 401, "unauthorised")
    assert "revoked" in problem["detail"]
    assert api.delete(f"/v1/keys/{key['key_id']}").status_code == 204
    listed = {one["key_id"]: one for one in api.get("/v1/keys").json()["keys"]}
    assert listed[key["key_id"]]["revoked_at"] == api.clock.now


def test_a_key_that_was_revoked_elsewhere_is_known_for_a_second_at_most(api: Api) -> None:
    key = made(api)
    assert api.post("/v1/feeds/home/recall", {}, key=key["secret"]).status_code == 200
    asyncio.run(api.key_store.revoke(key["key_id"], api.clock.now))
    api.clock.advance(1_000)
    assert_problem(api.post("/v1/feeds/home/recall", {}, key=key["secret"]), 401)


def test_a_key_that_was_asked_for_too_early_works_within_a_second(api: Api) -> None:
    secret = "s" * 32
    assert_problem(api.get("/v1/keys", key=secret), 401)
    asyncio.run(ensure_admin_key(api.key_store, secret, api.clock.now))
    api.clock.advance(1_000)
    assert api.get("/v1/keys", key=secret).status_code == 200


def test_with_the_store_down_known_keys_hold_on_and_unknown_ones_are_not_let_in(api: Api) -> None:
    known, unknown = api.key("viewer"), api.key("viewer")
    assert api.get("/v1/pools", key=known).status_code == 200
    api.clock.advance(5_000)
    api.rig.database.close()
    assert api.get("/v1/pools", key=known).status_code == 200
    assert_problem(api.get("/v1/pools", key=unknown), 503, "store-unavailable")


def test_revoking_an_unknown_key_is_not_found(api: Api) -> None:
    assert_problem(api.delete("/v1/keys/k_none"), 404, "not-found")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "a\nb"}),
        ("roles", {"roles": []}),
        ("roles[0]", {"roles": ["root"]}),
        ("roles", {"roles": "admin"}),
        ("pools[0]", {"pools": [""]}),
        ("role", {"role": "admin"}),
        ("digest", {"digest": "0" * 64}),
        ("key_id", {"key_id": "k"}),
        ("revoked_at", {"revoked_at": None}),
    ],
)
def test_a_key_beyond_its_limits_is_refused(api: Api, path: str, body: dict[str, Any]) -> None:
    problem = assert_problem(api.post("/v1/keys", {"name": "app", "roles": ["recall"]} | body), 422, "refused")
    assert paths_of(problem) == [path]


def test_a_pool_outside_a_keys_set_is_as_if_it_were_not_there(api: Api) -> None:
    api.publish(*shelf(3))
    api.make_pool("mine")
    api.make_pool("theirs")
    key = api.key("recall", "operator", pools=("mine",))
    if_match = {"If-Match": '"1"'}
    assert api.post("/v1/pools/mine/recall", {}, key=key).status_code == 200
    assert [pool["pool_id"] for pool in api.get("/v1/pools", key=key).json()["pools"]] == ["mine"]
    for name in ("theirs", "nowhere"):
        for method, path in (
            ("POST", f"/v1/pools/{name}/recall"),
            ("GET", f"/v1/pools/{name}"),
            ("PUT", f"/v1/pools/{name}"),
            ("POST", f"/v1/pools/{name}/archive"),
            ("POST", f"/v1/pools/{name}/preview"),
            ("GET", f"/v1/pools/{name}/revisions"),
            ("GET", f"/v1/pools/{name}/health"),
            ("GET", f"/v1/items/i000/similar?pool_id={name}"),
            ("GET", f"/v1/items/i000/why?pool_id={name}"),
        ):
            body: dict[str, Any] = {"json": {}} if method != "GET" else {}
            problem = assert_problem(api.call(method, path, key=key, headers=if_match, **body), 404, "not-found")
            assert problem["detail"] == f"no pool is named {name!r}"
    assert_problem(api.post("/v1/feeds/home/recall", {}, key=key), 404, "not-found")
    assert_problem(api.post("/v1/pools", {"pool_id": "new", "rule": EVERYTHING}, key=key), 403, "limited-key")


def test_a_key_limited_to_pools_erases_nobody_altogether(api: Api) -> None:
    api.make_pool("p")
    key = api.key("ingest", pools=("p",))
    assert_problem(api.delete("/v1/users/u1", key=key), 403, "limited-key")
    assert_problem(api.delete("/v1/devices/d1", key=key), 403, "limited-key")
    assert_problem(api.delete("/v1/users/u1/seen", key=key), 403, "limited-key")
    assert_problem(api.delete("/v1/users/u1/seen?pool_id=q", key=key), 404, "not-found")
    assert api.delete("/v1/users/u1/seen?pool_id=p", key=key).status_code == 204
