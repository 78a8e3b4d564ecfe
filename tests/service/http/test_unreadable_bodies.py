"""Bodies that are no JSON, or more of it than is read, on every route that takes one: a problem, never a 500."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from http_rig import Api, assert_problem, chunks, paths_of, with_limits
from smallpool_service.http.limits import EVENT_PATHS

ROUTES = (
    ("POST", "/v1/pools/p/recall"),
    ("POST", "/v1/feeds/home/recall"),
    ("POST", "/v1/items/get"),
    ("POST", "/v1/pools"),
    ("PUT", "/v1/pools/p"),
    ("POST", "/v1/pools/p/archive"),
    ("POST", "/v1/pools/p/preview"),
    ("POST", "/v1/pools/preview"),
    ("POST", "/v1/keys"),
    ("PUT", "/v1/users/u1"),
    ("POST", "/v1/item-events"),
    ("POST", "/v1/user-events"),
)
UNREADABLE = (
    b"{",
    b"nonsense",
    b"\xff\xfe",
    b'{"a": "\xff"}',
    b'{"a": \x00}',
    b"[" * 20_000,
    b'{"a":' * 20_000,
    b'{"rule":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    b"9" * 5_000,
    b'{"size": 01}',
    b"{'size': 1}",
)
IF_MATCH = {"If-Match": '"1"'}


@pytest.fixture
def pool(api: Api) -> Api:
    api.make_pool("p")
    return api


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_body_that_is_no_json_is_answered_with_400(pool: Api, method: str, path: str) -> None:
    for body in UNREADABLE:
        problem = assert_problem(pool.call(method, path, content=body, headers=IF_MATCH), 400, "unreadable-body")
        assert paths_of(problem) == ["(body)"]


@pytest.mark.parametrize("body", [b"[]", b"null", b"3", b'"text"', b"NaN", b"true"])
def test_a_body_that_is_no_object_is_refused(pool: Api, body: bytes) -> None:
    for method, path in ROUTES:
        if path not in EVENT_PATHS:
            problem = assert_problem(pool.call(method, path, content=body, headers=IF_MATCH), 422, "refused")
            assert paths_of(problem) == ["(body)"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_body_that_is_too_large_is_refused_by_its_length(pool: Api, method: str, path: str) -> None:
    most = 8 * 2**20 if path in EVENT_PATHS else 256 * 2**10
    assert_problem(pool.call(method, path, content=b" " * (most + 1), headers=IF_MATCH), 413, "body-too-large")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_body_that_is_too_large_is_refused_without_a_length_too(pool: Api, method: str, path: str) -> None:
    most = 8 * 2**20 if path in EVENT_PATHS else 256 * 2**10
    reply = pool.call(method, path, content=chunks(b" " * most, b" "), headers=IF_MATCH)
    assert_problem(reply, 413, "body-too-large")


def test_a_length_beyond_the_limit_is_refused_before_anything_is_read(pool: Api) -> None:
    reply = pool.call("POST", "/v1/pools/p/recall", content=b"{}", headers={"Content-Length": str(10**9)})
    assert_problem(reply, 413, "body-too-large")


def test_a_body_of_exactly_the_limit_is_read(pool: Api) -> None:
    body = b"{}" + b" " * (256 * 2**10 - 2)
    assert pool.call("POST", "/v1/pools/p/recall", content=chunks(body)).status_code == 200


@pytest.mark.parametrize("text", ["many", "-1", "1.0", "9" * 30])
def test_a_length_that_is_no_number_of_bytes_is_refused(pool: Api, text: str) -> None:
    assert_problem(pool.call("POST", "/v1/pools/p/recall", content=b"{}", headers={"Content-Length": text}), 400, "content-length")


def test_a_compressed_body_is_refused_rather_than_misread(pool: Api) -> None:
    reply = pool.call("POST", "/v1/pools/p/recall", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert_problem(reply, 415, "content-encoding")


def test_a_body_that_does_not_come_to_its_end_is_given_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    api = Api(tmp_path_factory.mktemp("slow"), with_limits(body_timeout_ms=1))

    async def never_ends() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    assert_problem(api.call("POST", "/v1/pools/p/recall", content=never_ends()), 408, "body-late")


def test_a_body_that_is_not_there_by_the_callers_deadline_is_not_waited_for(pool: Api) -> None:
    async def never_ends() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    for path in ("/v1/pools/p/recall", "/v1/user-events"):
        reply = pool.call("POST", path, content=never_ends(), headers={"X-Smallpool-Timeout-Ms": "20"})
        assert_problem(reply, 504, "deadline-passed")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/pools/p/recall", '{"user_id": "a", "size": 1, "user_id": "b"}', "user_id"),
        ("/v1/pools", '{"pool_id": "q", "rule": {"all": [{"any": []}], "all": []}}', "all"),
        ("/v1/keys", r'{"name": "n", "roles": ["viewer"], "\u0072oles": ["admin"]}', "roles"),
    ],
)
def test_a_field_that_comes_twice_is_refused_rather_than_half_read(pool: Api, path: str, body: str, field: str) -> None:
    assert paths_of(assert_problem(pool.call("POST", path, content=body.encode()), 422, "refused")) == [field]


def test_a_body_in_another_encoding_than_utf_8_is_refused(pool: Api) -> None:
    for encoding in ("utf-16", "utf-32", "utf-16-le"):
        assert_problem(pool.call("POST", "/v1/pools/p/recall", content='{"size": 1}'.encode(encoding)), 400, "unreadable-body")
    assert pool.call("POST", "/v1/pools/p/recall", content='{"size": 1}'.encode("utf-8-sig")).status_code == 200


NUMBERS = (
    ("/v1/pools/p/recall", '{"size": %s}'),
    ("/v1/pools/preview", '{"rule": {"field": "price_cents", "op": "in", "value": [%s, "x"]}}'),
    ("/v1/pools", '{"pool_id": "q", "rule": {"all": []}, "ordering": {"weights": {"match": [%s]}}}'),
)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "1e308", "-0", "9223372036854775808", "1" + "0" * 400])
def test_a_number_that_is_none_or_too_large_is_refused_where_it_stands(pool: Api, number: str) -> None:
    for path, body in NUMBERS:
        assert_problem(pool.call("POST", path, content=(body % number).encode()), 422, "refused")


def dumped(value: object) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["user_id", "size", "context", "rule", "pool_id", "sample", "settings", "ordering", "name", "roles", "item_ids", "events", "tags"]
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60) | st.dictionaries(NAMES | st.text(max_size=6), JSON, max_size=5).map(dumped))
def test_no_body_whatever_is_answered_with_a_500(pool: Api, body: bytes) -> None:
    for method, path in ROUTES:
        reply = pool.call(method, path, content=body, headers={"If-Match": '"999"'})
        assert reply.status_code < 500, (method, path, body, reply.text)
        if reply.status_code >= 400:
            assert_problem(reply, reply.status_code)
