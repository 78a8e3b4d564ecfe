"""Item and user events: what is taken in, and the message for what is not."""

import json
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from builders import DAY, NOW, given, item_event, user_event
from smallpool_core.events import encode_item_event, encode_user_event, parse_item_event, parse_user_event
from smallpool_core.items import ItemEvent
from smallpool_core.row_reader import Rejection
from smallpool_core.users import UserEvent

AHEAD = NOW + 300_001


def item_json(item: dict[str, Any] | None = None, /, **changes: Any) -> bytes:
    """A published event as JSON; `item` changes fields of the item, a change to ... leaves a field out."""
    listing = {"title": "苹果手机 九成新", **(item or {})}
    event = {"type": "published", "item_id": "i1", "version": 1, "at": NOW, "item": listing, **changes}
    return json.dumps({name: value for name, value in event.items() if value is not ...}).encode()


def user_json(**changes: Any) -> bytes:
    event = {"type": "click", "user_id": "u1", "item_id": "i1", "at": NOW, **changes}
    return json.dumps({name: value for name, value in event.items() if value is not ...}).encode()


def rejected(raw: bytes) -> Rejection:
    found = parse_item_event(raw, NOW, internal=False)
    assert isinstance(found, Rejection)
    return found


def accepted(raw: bytes, **options: Any) -> ItemEvent:
    found = parse_item_event(raw, NOW, internal=False, **options)
    assert isinstance(found, ItemEvent), found
    return found


def test_an_item_event_comes_back_from_its_bytes() -> None:
    whole = given(
        description="自用", city="上海", images=("https://a/1.jpg",), sale="auction", starts_at=NOW, expires_at=NOW + DAY,
        attributes={"storage_gb": 128, "成色": "九成"},
    )  # fmt: skip
    for event in (item_event(given=whole), item_event(type="sold"), item_event(type="withdrawn", version=2**43 - 1)):
        assert parse_item_event(encode_item_event(event), NOW, internal=False) == event


def test_a_user_event_comes_back_from_its_bytes() -> None:
    for event in (
        user_event(pool_id="p", request_id="r"),
        user_event("follow", seller_id="s1"),
        user_event("search", query="苹果 手机"),
        user_event("expose", user_id=None, device_id="d1"),
    ):
        assert parse_user_event(encode_user_event(event), NOW) == event


def test_internal_events_are_taken_from_the_log_alone() -> None:
    for event in (
        item_event(type="enrich", version=0, reason="retag"),
        item_event(type="enrich", version=3, reason="rescore", popularity=0),
        item_event(type="sweep", version=3, reason="strip"),
    ):
        assert parse_item_event(encode_item_event(event), NOW, internal=True) == event
        assert rejected(encode_item_event(event)).field == "type"


@pytest.mark.parametrize(("kind", "reason"), [("enrich", "expired"), ("enrich", None), ("sweep", "retag"), ("sweep", 1)])
def test_an_internal_event_needs_a_reason_of_its_kind(kind: str, reason: Any) -> None:
    raw = json.dumps({"type": kind, "item_id": "i1", "reason": reason}).encode()
    found = parse_item_event(raw, NOW, internal=True)
    assert isinstance(found, Rejection)
    assert found.field == "reason"


@pytest.mark.parametrize("popularity", [None, -1, 1001, 0.5, True])
def test_a_rescore_brings_a_popularity_in_thousandths(popularity: Any) -> None:
    raw = json.dumps({"type": "enrich", "item_id": "i1", "version": 1, "reason": "rescore", "popularity": popularity}).encode()
    found = parse_item_event(raw, NOW, internal=True)
    assert isinstance(found, Rejection)
    assert found.field == "popularity"


def test_null_counts_as_missing() -> None:
    listing = dict.fromkeys(("description", "category", "price_cents", "seller_id", "city", "images", "sale", "attributes"))
    event = accepted(item_json({**listing, "expires_at": None}))
    assert event.given == given(title="苹果手机 九成新", category=(), price_cents=None, seller_id=None, image_count=None, published_at=None)


@pytest.mark.parametrize(
    ("changes", "field", "found"),
    [
        ({"type": "renewed"}, "type", "'renewed'"),
        ({"type": ...}, "type", "nothing"),
        ({"type": ["published"]}, "type", "an array of 1"),
        ({"item_id": ""}, "item_id", "''"),
        ({"item_id": ...}, "item_id", "nothing"),
        ({"item_id": 7}, "item_id", "7"),
        ({"item_id": "a\x00b"}, "item_id", "'a\\x00b'"),
        ({"item_id": "i\ud800"}, "item_id", "'i\\ud800'"),
        ({"version": -1}, "version", "-1"),
        ({"version": 2**43}, "version", "8796093022208"),
        ({"version": 2**70}, "version", "an integer of 71 bits"),
        ({"version": True}, "version", "true"),
        ({"version": 1.0}, "version", "1.0"),
        ({"version": "1"}, "version", "'1'"),
        ({"version": ...}, "version", "nothing"),
        ({"at": ...}, "at", "nothing"),
        ({"at": -1}, "at", "-1"),
        ({"at": AHEAD}, "at", str(AHEAD)),
        ({"item": ...}, "item", "nothing"),
        ({"item": []}, "item", "an array of 0"),
    ],
)
def test_a_bad_field_of_an_event_is_named_with_what_was_found(changes: dict[str, Any], field: str, found: str) -> None:
    rejection = rejected(item_json(**changes))
    assert (rejection.field, rejection.found) == (field, found)
    assert rejection.reason


@pytest.mark.parametrize(
    ("item", "field", "found"),
    [
        ({"title": ""}, "item.title", "''"),
        ({"title": " \u200b\n"}, "item.title", "' \\u200b\\n'"),
        ({"title": None}, "item.title", "nothing"),
        ({"title": 5}, "item.title", "5"),
        ({"title": "半\udc00"}, "item.title", "'\\u534a\\udc00'"),
        ({"description": ["a"]}, "item.description", "an array of 1"),
        ({"category": "数码"}, "item.category", "'数码'"),
        ({"category": ["数码", ""]}, "item.category[1]", "''"),
        ({"category": ["数码›手机"]}, "item.category[0]", "'数码›手机'"),
        ({"category": ["a"] * 9}, "item.category", "an array of 9"),
        ({"category": [{}]}, "item.category[0]", "an object with 0 fields"),
        ({"price_cents": -1}, "item.price_cents", "-1"),
        ({"price_cents": 10**12 + 1}, "item.price_cents", "1000000000001"),
        ({"price_cents": 9.5}, "item.price_cents", "9.5"),
        ({"price_cents": float("nan")}, "item.price_cents", "nan"),
        ({"price_cents": float("inf")}, "item.price_cents", "inf"),
        ({"image_count": 1_001}, "item.image_count", "1001"),
        ({"images": ["u"] * 101}, "item.images", "an array of 101"),
        ({"images": ["u" * 2_049]}, "item.images[0]", "'" + "u" * 59 + "… (2051 characters)"),
        ({"sale": "barter"}, "item.sale", "'barter'"),
        ({"seller_id": "s" * 129}, "item.seller_id", "'" + "s" * 59 + "… (131 characters)"),
        ({"city": "上\n海"}, "item.city", "'上\\n海'"),
        ({"published_at": "today"}, "item.published_at", "'today'"),
        ({"published_at": NOW, "expires_at": NOW - 1}, "item.expires_at", str(NOW - 1)),
        ({"starts_at": NOW, "expires_at": NOW - 1}, "item.expires_at", str(NOW - 1)),
        ({"attributes": {f"a{n}": 1 for n in range(65)}}, "item.attributes", "an object with 65 fields"),
        ({"attributes": {"a": float("nan")}}, "item.attributes.a", "nan"),
        ({"attributes": {"a": True}}, "item.attributes.a", "true"),
        ({"attributes": {"a": 2**63}}, "item.attributes.a", "an integer of 64 bits"),
        ({"attributes": {"": 1}}, "item.attributes", "''"),
    ],
)
def test_a_bad_field_of_an_item_is_named_with_what_was_found(item: dict[str, Any], field: str, found: str) -> None:
    rejection = rejected(item_json(item))
    assert (rejection.field, rejection.found) == (field, found)
    assert rejection.reason


@pytest.mark.parametrize("raw", [b"", b"{", b"{'a': 1}", b"\xff\xfe", b"null", b"[]", b'"x"', b"1" * 5_000, b'{"a": 1} {"b": 2}'])
def test_what_is_no_json_object_is_rejected_as_a_whole(raw: bytes) -> None:
    assert rejected(raw).field == "(event)"
    assert isinstance(parse_user_event(raw, NOW), Rejection)


@pytest.mark.parametrize("raw", [b"[" * 20_000 + b"]" * 20_000, b'{"item":' * 20_000 + b"1" + b"}" * 20_000])
def test_json_nested_20_000_deep_is_rejected(raw: bytes) -> None:
    assert rejected(raw).found == "JSON nested too deep"
    assert isinstance(parse_user_event(raw, NOW), Rejection)


def test_an_event_of_5_mb_is_rejected_by_its_size() -> None:
    rejection = rejected(item_json({"title": "长" * 1_700_000}))
    assert rejection.field == "(event)"
    assert "1048576 bytes" in rejection.reason


def test_a_title_of_10_kb_is_cut_to_1_000_characters_and_counted() -> None:
    counts: dict[str, int] = {}
    event = accepted(item_json({"title": "长" * 3_413, "description": "b" * 10_001}), counts=counts)
    assert event.given is not None
    assert event.given.title == "长" * 1_000
    assert len(event.given.description) == 10_000
    assert counts == {"title_cut": 1, "description_cut": 1}


def test_a_query_is_cut_to_200_characters_and_counted() -> None:
    counts: dict[str, int] = {}
    event = parse_user_event(user_json(type="search", query="q" * 201), NOW, counts=counts)
    assert isinstance(event, UserEvent)
    assert event.query == "q" * 200
    assert counts == {"query_cut": 1}


def test_unknown_fields_are_ignored_and_counted() -> None:
    counts: dict[str, int] = {}
    assert accepted(item_json({"colour": "red"}, schema=2, trace=None), counts=counts) == accepted(item_json())
    assert counts == {"unknown_field": 3}
    assert parse_user_event(user_json(extra=1), NOW, counts=counts) == parse_user_event(user_json(), NOW)
    assert counts == {"unknown_field": 4}


def test_a_removal_is_taken_whatever_its_item_looks_like() -> None:
    assert accepted(item_json(type="sold", item=[1])) == item_event(type="sold", at=NOW)


def test_five_minutes_ahead_is_the_most_a_clock_may_be() -> None:
    assert accepted(item_json(at=NOW + 300_000)).at == NOW + 300_000
    ahead = parse_user_event(user_json(at=AHEAD), NOW)
    assert isinstance(ahead, Rejection)
    assert ahead.field == "at"


def test_publication_and_expiry_may_lie_ahead() -> None:
    event = accepted(item_json({"published_at": NOW + DAY, "expires_at": NOW + 2 * DAY}))
    assert event.given is not None
    assert event.given.published_at == NOW + DAY


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"user_id": ...}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"item_id": ...}, "item_id"),
        ({"type": "follow"}, "seller_id"),
        ({"type": "search"}, "query"),
        ({"type": "search", "query": "  "}, "query"),
        ({"type": "search", "query": "半\ud83d"}, "query"),
        ({"type": "like"}, "type"),
        ({"pool_id": 3}, "pool_id"),
        ({"request_id": "r\u0007"}, "request_id"),
        ({"at": None}, "at"),
    ],
)
def test_a_user_event_that_lacks_what_its_type_needs_is_rejected(changes: dict[str, Any], field: str) -> None:
    found = parse_user_event(user_json(**changes), NOW)
    assert isinstance(found, Rejection)
    assert found.field == field


def test_a_message_is_one_short_line_whatever_was_found() -> None:
    message = rejected(item_json({"price_cents": "x\n" * 4_000})).message
    assert "\n" not in message
    assert len(message) < 300
    assert message.startswith("item.price_cents: found 'x\\n")
    assert message.endswith("a whole number (cents) from 0 to 1000000000000 is allowed")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["type", "item_id", "version", "at", "item", "user_id", "seller_id", "query", "reason"])
types = st.sampled_from(["published", "sold", "enrich", "sweep", "click", "search", "follow"])


@for_all(
    event=st.dictionaries(names, anything)
    | st.fixed_dictionaries({"type": types, "item_id": anything, "version": st.just(1), "item": anything})
)
def test_no_json_object_makes_a_parser_raise(event: dict[str, Any]) -> None:
    raw = json.dumps(event).encode()
    assert isinstance(parse_item_event(raw, NOW, internal=True), ItemEvent | Rejection)
    assert isinstance(parse_user_event(raw, NOW), UserEvent | Rejection)


@for_all(raw=st.binary(max_size=64))
def test_no_bytes_make_a_parser_raise(raw: bytes) -> None:
    assert isinstance(parse_item_event(raw, NOW, internal=True), ItemEvent | Rejection)


@pytest.mark.parametrize(("kind", "is_taken"), [("published", False), ("updated", True)])
def test_a_listing_does_not_begin_after_its_end_but_may_be_changed_to_have_ended(kind: str, *, is_taken: bool) -> None:
    raw = json.dumps({"type": kind, "item_id": "a", "version": 1, "at": NOW, "item": {"title": "x", "expires_at": NOW - 1}}).encode()
    event = parse_item_event(raw, NOW, internal=False)
    assert isinstance(event, ItemEvent) is is_taken
    assert is_taken or (isinstance(event, Rejection) and event.field == "item.expires_at")
