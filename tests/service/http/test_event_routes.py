"""Events over HTTP: batches in, rejected rows named, neighbours untouched."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from builders import MINUTE, NOW
from http_rig import EVERYTHING, Api, assert_problem, click, listing, paths_of, removal, with_limits
from smallpool_core.items import ItemEvent
from smallpool_core.pools import PoolDraft
from smallpool_core.versions import MAX_VERSION

NDJSON = {"Content-Type": "application/x-ndjson"}


def send(api: Api, *rows: Any, path: str = "/v1/item-events", **more: Any) -> dict[str, Any]:
    reply = api.post(path, {"events": list(rows)}, **more)
    assert reply.status_code == 202, reply.text
    content: dict[str, Any] = reply.json()
    return content


def rejected(content: dict[str, Any]) -> list[tuple[int, str]]:
    return [(one["row"], one["field"]) for one in content["rejected"]]


def test_a_batch_is_on_the_log_before_it_is_acknowledged(api: Api) -> None:
    content = send(api, listing("i1"), listing("i2"))
    assert content == {"accepted": 2, "rejected": [], "applied": False, "offsets": {"0": 1}}
    assert [record.key for record in api.rig.log.poll("item-events", "test", 10)] == ["i1", "i2"]


def test_one_event_a_line_is_a_batch_too(api: Api) -> None:
    body = b"\n".join(msgspec.json.encode(row) for row in (listing("i1"), removal("i2"))) + b"\n\n"
    content = api.call("POST", "/v1/item-events", content=body, headers=NDJSON).json()
    assert content["accepted"] == 2


def test_a_line_that_is_no_json_costs_only_itself(api: Api) -> None:
    body = b"\n".join((msgspec.json.encode(listing("i1")), b"{nonsense", b"\xff", b"[" * 20_000, msgspec.json.encode(listing("i2"))))
    content = api.call("POST", "/v1/item-events", content=body, headers=NDJSON).json()
    assert content["accepted"] == 2
    assert [row for row, _ in rejected(content)] == [1, 2, 3]


BAD_ROWS: list[tuple[str, Any]] = [
    ("type", listing(type="enrich")),
    ("type", listing(type="sweep")),
    ("type", {"type": "vanished", "item_id": "i1", "version": 1, "at": NOW}),
    ("version", listing(version=-1)),
    ("version", listing(version=MAX_VERSION + 1)),
    ("version", listing() | {"version": 1.5}),
    ("version", listing() | {"version": "1"}),
    ("version", listing() | {"version": True}),
    ("at", listing(at=NOW + 5 * MINUTE + 1)),
    ("at", listing() | {"at": None}),
    ("item_id", listing("")),
    ("item_id", listing("x" * 129)),
    ("item_id", listing("a\x00b")),
    ("item.title", listing(title="")),
    ("item.title", listing(title=" \u200b ")),
    ("item.title", listing(title=7)),
    ("item.price_cents", listing(price_cents=-1)),
    ("item.price_cents", listing(price_cents=2**63)),
    ("item.expires_at", listing(expires_at=NOW - 2000)),
    ("item.category[0]", listing(category=["数码›手机"])),
    ("item", listing() | {"item": []}),
    ("(event)", []),
    ("(event)", "text"),
]


@pytest.mark.parametrize(("field", "row"), BAD_ROWS)
def test_a_bad_row_is_named_and_its_neighbours_are_taken_in(api: Api, field: str, row: Any) -> None:
    content = send(api, listing("before"), row, listing("after"))
    assert content["accepted"] == 2
    assert rejected(content) == [(1, field)]
    assert content["rejected"][0]["reason"].startswith(f"{field}: found ")


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e400", b"1e308", b"-0.5"])
def test_a_price_that_is_no_number_costs_only_its_row(api: Api, number: bytes) -> None:
    bad = msgspec.json.encode(listing("bad", price_cents=123_454_321)).replace(b"123454321", number)
    body = b'{"events": [' + b", ".join((msgspec.json.encode(listing("i1")), bad, msgspec.json.encode(listing("i2")))) + b"]}"
    content = api.call("POST", "/v1/item-events", content=body).json()
    assert content["accepted"] == 2
    assert rejected(content) == [(1, "item.price_cents")]


def test_a_row_nested_20000_deep_costs_only_itself(api: Api) -> None:
    deep = b"[" * 20_000 + b"]" * 20_000
    body = b'{"events": [' + b", ".join((msgspec.json.encode(listing("i1")), deep, msgspec.json.encode(listing("i2")))) + b"]}"
    content = api.call("POST", "/v1/item-events", content=body).json()
    assert content["accepted"] == 2
    assert rejected(content) == [(1, "(event)")]


def test_rejected_rows_are_no_dead_letters(api: Api) -> None:
    send(api, listing(version=-1))
    api.settle()
    assert api.rig.dead_letters() == []


def test_a_title_of_10000_characters_is_cut_and_counted(api: Api) -> None:
    api.publish({"item_id": "i1", "title": "手" * 10_000})
    assert len(api.get("/v1/items/i1").json()["given"]["title"]) == 1_000
    assert 'smallpool_counts_total{name="title_cut"} 1.0' in api.get("/metrics").text


def test_unknown_fields_of_events_are_ignored_and_counted(api: Api) -> None:
    assert send(api, listing() | {"colour": "red"}, listing("i2", shape="round"))["accepted"] == 2
    assert 'smallpool_counts_total{name="unknown_field"} 2.0' in api.get("/metrics").text


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"events": {}}', b'{"events": 3}', b'{"event": []}', b"null", b""])
def test_a_body_that_is_no_batch_is_answered_with_400(api: Api, body: bytes) -> None:
    problem = assert_problem(api.call("POST", "/v1/item-events", content=body), 400, "unreadable-body")
    assert paths_of(problem) == ["(body)"]
    assert "events" in problem["detail"]


def test_an_empty_batch_is_taken_in(api: Api) -> None:
    assert send(api) == {"accepted": 0, "rejected": [], "applied": False, "offsets": {}}


def test_waiting_for_items_ends_when_they_are_recallable(tmp_path: Path) -> None:
    api = Api(tmp_path, with_limits(item_wait_ms=60_000))
    api.make_pool("p")
    body = {"events": [listing("i1"), listing("i1", version=3), listing("i1", version=2), removal("i9")]}
    reply = asyncio.run(api.beside_write_path("POST", "/v1/item-events?wait=applied", json=body))
    assert reply.json()["applied"] is True
    assert [item["item_id"] for item in api.post("/v1/pools/p/recall", {}).json()["items"]] == ["i1"]
    assert api.get("/v1/items/i1").json()["version"] == 3


def test_waiting_for_user_events_ends_when_the_next_page_knows_of_them(tmp_path: Path) -> None:
    api = Api(tmp_path, with_limits(user_wait_ms=60_000))
    api.publish({"item_id": "i1"})
    reply = asyncio.run(api.beside_write_path("POST", "/v1/user-events", json={"events": [click("i1")]}))
    assert reply.json()["applied"] is True
    assert api.get("/v1/users/u1").json()["recent"][0]["item_id"] == "i1"


def test_a_deadline_ends_the_waiting_earlier(tmp_path: Path) -> None:
    api = Api(tmp_path, with_limits(item_wait_ms=3_600_000))
    reply = api.post("/v1/item-events?wait=applied", {"events": [listing()]}, headers={"X-Smallpool-Timeout-Ms": "1"})
    assert reply.json()["applied"] is False


def test_waiting_for_items_that_nobody_takes_in_says_so(api: Api) -> None:
    assert send(api, listing("i1"), path="/v1/item-events?wait=applied")["applied"] is False


@pytest.mark.parametrize("versions", [[2], [2, 1], [1, 2]])
def test_an_item_that_is_recallable_in_an_older_version_is_waited_for(api: Api, versions: list[int]) -> None:
    api.publish({"item_id": "i1"})
    rows = [listing("i1", version=version) for version in versions]
    assert send(api, *rows, path="/v1/item-events?wait=applied")["applied"] is False
    api.settle()
    assert send(api, *rows, path="/v1/item-events?wait=applied")["applied"] is True


def test_user_events_wait_for_the_consumer_unless_told_otherwise(api: Api) -> None:
    assert send(api, click(), path="/v1/user-events")["applied"] is False
    assert send(api, click(), path="/v1/user-events?wait=none")["applied"] is False
    api.settle()
    assert send(api, path="/v1/user-events")["applied"] is True


def test_how_sellers_dealt_comes_in_by_seller_and_a_row_that_says_nothing_is_named(api: Api) -> None:
    rows = [
        {"type": "completed", "seller_id": "s1", "at": NOW},
        {"type": "rated", "seller_id": "s1", "at": NOW, "stars": 9},
        {"type": "answered", "seller_id": "s2", "at": NOW, "answer_s": 60},
        {"type": "liked", "seller_id": "s1", "at": NOW},
    ]
    content = send(api, *rows, path="/v1/seller-events")
    assert content["accepted"] == 2
    assert rejected(content) == [(1, "stars"), (3, "type")]
    assert [record.key for record in api.rig.log.poll("seller-events", "test", 10)] == ["s1", "s2"]


def test_what_is_known_of_a_seller_shows_on_their_listing(api: Api) -> None:
    send(api, *[{"type": "completed", "seller_id": "s1", "at": NOW}] * 60, path="/v1/seller-events")
    api.settle()
    send(api, listing("i1", seller_id="s1"))
    api.settle()
    item = api.get("/v1/items/i1").json()
    assert item["seller_score"] > 0.7
    assert item["seller_parts"] == {"orders": item["seller_parts"]["orders"], "rating": 0.5, "answers": 0.5}
    assert item["seller_parts"]["orders"] > 0.9


def test_an_unknown_way_of_waiting_is_refused(api: Api) -> None:
    assert_problem(api.post("/v1/user-events?wait=forever", {"events": []}), 422, "refused")


@pytest.mark.parametrize(
    ("field", "row"),
    [
        ("type", click(type="stare")),
        ("user_id", {"type": "click", "item_id": "i1", "at": NOW}),
        ("item_id", {"type": "click", "user_id": "u1", "at": NOW}),
        ("seller_id", {"type": "follow", "user_id": "u1", "at": NOW}),
        ("query", {"type": "search", "user_id": "u1", "at": NOW}),
        ("at", click(at=NOW + 5 * MINUTE + 1)),
        ("at", click(at=-1)),
        ("user_id", click(user_id="x" * 129)),
    ],
)
def test_a_bad_user_event_is_named_and_its_neighbours_are_taken_in(api: Api, field: str, row: dict[str, Any]) -> None:
    content = send(api, click(), row, click(), path="/v1/user-events")
    assert content["accepted"] == 2
    assert rejected(content) == [(1, field)]


def test_a_key_limited_to_pools_moves_nothing_in_others(api: Api) -> None:
    for pool_id in ("p", "q"):
        api.make_pool(pool_id)
    key = api.key("ingest", pools=("p",))
    content = send(api, click(pool_id="p"), click(pool_id="q"), click(), path="/v1/user-events", key=key)
    assert content["accepted"] == 2
    assert rejected(content) == [(1, "pool_id")]


def test_a_user_event_that_names_no_pool_is_rejected_and_a_pool_that_was_just_made_is_known(api: Api) -> None:
    rows = [click(pool_id=pool_id) for pool_id in ("p", "home", "nowhere", None)]
    assert rejected(send(api, *rows, path="/v1/user-events")) == [(0, "pool_id"), (2, "pool_id")]
    asyncio.run(api.rig.pools.put("p", PoolDraft(rule=EVERYTHING, state="draft"), None, "somebody", "elsewhere", NOW))
    assert rejected(send(api, *rows, path="/v1/user-events")) == [(2, "pool_id")]


def test_a_batch_with_its_events_twice_is_refused_as_a_whole(api: Api) -> None:
    body = b'{"events": [' + msgspec.json.encode(listing()) + b'], "events": []}'
    assert_problem(api.call("POST", "/v1/item-events", content=body), 400, "unreadable-body")


def test_a_batch_of_more_rows_than_any_sound_one_has_is_refused_as_a_whole(api: Api) -> None:
    body = b"{}\n" * 100_001
    assert_problem(api.call("POST", "/v1/user-events", content=body, headers=NDJSON), 413, "too-many-rows")
    assert api.call("POST", "/v1/user-events", content=body[: 3 * 300], headers=NDJSON).status_code == 202


def test_a_large_batch_that_is_hard_to_take_apart_lets_others_be_answered_meanwhile(api: Api) -> None:
    hard = b'{"events": [NaN, ' + b"[" * 300_000 + b"]" * 300_000 + b", " + msgspec.json.encode(listing()) + b"]}"

    async def scenario() -> None:
        batch = asyncio.create_task(api.send("POST", "/v1/item-events", content=hard))
        others = 0
        while not batch.done():
            assert (await api.send("GET", "/healthz")).status_code == 200
            others += 1
            await asyncio.sleep(0)
        assert rejected(batch.result().json()) == [(0, "(event)"), (1, "(event)")]
        assert others > 5

    asyncio.run(scenario())


def test_a_full_store_is_told_apart_from_one_that_is_away(api: Api) -> None:
    api.rig.database.close()
    problem = api.post("/v1/item-events", {"events": [listing()]})
    assert_problem(problem, 503, "store-unavailable")
    assert problem.headers["retry-after"] == "1"


def test_what_goes_on_the_log_is_the_checked_event(api: Api) -> None:
    send(api, listing() | {"colour": "red"})
    value = api.rig.log.poll("item-events", "test", 1)[0].value
    assert b"colour" not in value
    assert msgspec.json.decode(value)["type"] in ItemEvent.__annotations__["type"].__args__
