"""Item and user events: bytes of one JSON object -> a checked event, or the rejection of its row; and back to bytes.

One parser serves the HTTP API, which rejects rows, and the indexer, which makes dead letters of them. Unknown fields
are ignored and counted. `docs/design.md` section 6 has the two shapes.
"""

import json
from collections.abc import Callable
from typing import Any, Final, TypeVar, get_args

import msgspec

from smallpool_core.batches import split_batch
from smallpool_core.items import THOUSAND, Given, ItemEvent, Sale
from smallpool_core.row_reader import Counts, Rejection, RowReader, Wrong, shown, wrong
from smallpool_core.sellers import MOST_ANSWER_S, MOST_STARS, SELLER_EVENT_TYPES, SellerEvent, SellerEventType
from smallpool_core.users import USER_EVENT_TYPES, UserEvent, UserEventType
from smallpool_core.versions import MAX_VERSION

__all__ = [
    "BEHAVIOUR_GROUP",
    "ENRICH_REASONS",
    "INDEXER_GROUP",
    "SELLER_GROUP",
    "SWEEP_REASONS",
    "Rejection",
    "encode_item_event",
    "encode_seller_event",
    "encode_user_event",
    "parse_item_event",
    "parse_seller_event",
    "parse_user_event",
    "split_batch",
]

INDEXER_GROUP: Final = "indexer"
"""Reads `item-events`."""
BEHAVIOUR_GROUP: Final = "behaviour"
"""Reads `user-events`."""
SELLER_GROUP: Final = "sellers"
"""Reads `seller-events`."""

MAX_EVENT_BYTES = 2**20
MAX_TITLE = 1_000
MAX_DESCRIPTION = 10_000
MAX_QUERY = 200
MAX_PRICE_CENTS = 10**12
MAX_IMAGE_COUNT = 1_000
MAX_AHEAD_MS = 300_000
"""How far a client's clock may run ahead of the server's."""

EXTERNAL_TYPES = ("published", "updated", "sold", "withdrawn")
LISTING_TYPES = ("published", "updated")
ENRICH_REASONS = ("retag", "understand", "rescore", "seller")
SWEEP_REASONS = ("expired", "strip")
_INTERNAL_REASONS = {"enrich": ENRICH_REASONS, "sweep": SWEEP_REASONS}
SALES: tuple[str, ...] = get_args(Sale)

_EVENT = "(event)"
_decoder = msgspec.json.Decoder()
_Event = TypeVar("_Event", ItemEvent, UserEvent, SellerEvent)


def parse_item_event(raw: bytes, now: int, *, internal: bool, counts: Counts | None = None) -> ItemEvent | Rejection:
    """One item event. `now` (ms) is when it arrived; `internal` allows `enrich` and `sweep`, which the indexer writes itself.

    Adds `unknown_field`, `title_cut` and `description_cut` to `counts`. Never raises, whatever the bytes.
    """

    def read(row: RowReader) -> ItemEvent:
        kind = row.choice("type", (*EXTERNAL_TYPES, *_INTERNAL_REASONS) if internal else EXTERNAL_TYPES)
        if kind is None:
            raise wrong("type", None, f"one of {', '.join(EXTERNAL_TYPES)} is required")
        return _internal_event(row, kind, now) if kind in _INTERNAL_REASONS else _external_event(row, kind, now)

    return _parse(raw, {} if counts is None else counts, read)


def parse_user_event(raw: bytes, now: int, *, counts: Counts | None = None) -> UserEvent | Rejection:
    """One user event. Adds `unknown_field` and `query_cut` to `counts`. Never raises, whatever the bytes."""
    return _parse(raw, {} if counts is None else counts, lambda row: _user_event(row, now))


def parse_seller_event(raw: bytes, now: int, *, counts: Counts | None = None) -> SellerEvent | Rejection:
    """One seller event. Adds `unknown_field` to `counts`. Never raises, whatever the bytes."""
    return _parse(raw, {} if counts is None else counts, lambda row: _seller_event(row, now))


def encode_item_event(event: ItemEvent) -> bytes:
    """The event as `parse_item_event` reads it."""
    fields: dict[str, Any] = {"type": event.type, "item_id": event.item_id, "at": event.at}
    if event.type in _INTERNAL_REASONS:
        fields["reason"] = event.reason
    if event.type not in _INTERNAL_REASONS or event.version:
        fields["version"] = event.version
    if event.popularity is not None:
        fields["popularity"] = event.popularity
    if event.given is not None:
        fields["item"] = event.given
    return msgspec.json.encode(fields)


def encode_seller_event(event: SellerEvent) -> bytes:
    """The event as `parse_seller_event` reads it."""
    return msgspec.json.encode(event)


def encode_user_event(event: UserEvent) -> bytes:
    """The event as `parse_user_event` reads it."""
    return msgspec.json.encode({name: value for name, value in msgspec.structs.asdict(event).items() if value is not None})


def _parse(raw: bytes, counts: Counts, read: Callable[[RowReader], _Event]) -> _Event | Rejection:
    if len(raw) > MAX_EVENT_BYTES:
        return Rejection(_EVENT, f"{len(raw)} bytes", f"at most {MAX_EVENT_BYTES} bytes are allowed")
    values = _decoded(raw)
    if isinstance(values, Rejection):
        return values
    if not isinstance(values, dict):
        return Rejection(_EVENT, shown(values), "one JSON object is an event")
    row = RowReader(values, counts)
    try:
        event = read(row)
    except Wrong as error:
        return error.rejection
    row.count_unknown()
    return event


def _decoded(raw: bytes) -> Any:
    """The JSON value, or its rejection.

    What msgspec refuses is read again by the standard library, which lets NaN, infinities and lone surrogates through
    to the check of their field, so that the message can name it.
    """
    try:
        return _decoder.decode(raw)
    except RecursionError:
        return _too_deep()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        problem = str(error)
    try:
        return json.loads(raw)
    except RecursionError:
        return _too_deep()
    except ValueError:
        return Rejection(_EVENT, shown(raw[:200].decode("utf-8", "replace")), f"one JSON object in UTF-8 is an event ({problem})")


def _too_deep() -> Rejection:
    return Rejection(_EVENT, "JSON nested too deep", "an event nests three levels")


def _required_at(row: RowReader, now: int) -> int:
    at = row.time("at")
    if at is None:
        raise wrong("at", None, "epoch milliseconds are required")
    if at > now + MAX_AHEAD_MS:
        raise wrong("at", at, f"at most 5 minutes ahead of the server's clock, {now}, is allowed")
    return at


def _internal_event(row: RowReader, kind: str, now: int) -> ItemEvent:
    reason = row.choice("reason", _INTERNAL_REASONS[kind])
    if reason is None:
        raise wrong("reason", None, f"one of {', '.join(_INTERNAL_REASONS[kind])} is required")
    at = row.time("at")
    item_id = row.required_identifier("item_id")
    version = _version(row) or 0
    popularity = row.integer("popularity", THOUSAND, "thousandths") if reason == "rescore" else None
    if reason == "rescore" and popularity is None:
        raise wrong("popularity", None, f"a whole number from 0 to {THOUSAND} is required")
    return ItemEvent(
        "enrich" if kind == "enrich" else "sweep", item_id, version, now if at is None else at, reason=reason, popularity=popularity
    )


def _external_event(row: RowReader, kind: str, now: int) -> ItemEvent:
    item_id = row.required_identifier("item_id")
    version = _version(row)
    if version is None:
        raise wrong("version", None, f"a whole number from 0 to {MAX_VERSION} is required")
    at = _required_at(row, now)
    if kind in LISTING_TYPES:
        given = _given(row.inner("item"))
        if kind == "published" and given.published_at is None and given.expires_at is not None and given.expires_at < at:
            raise wrong("item.expires_at", given.expires_at, f"nothing before at, {at}, when it is published, is allowed")
        return ItemEvent("published" if kind == "published" else "updated", item_id, version, at, given)
    row.take("item")  # a removal needs nothing of the item, so a bad one must not keep it on sale
    return ItemEvent("sold" if kind == "sold" else "withdrawn", item_id, version, at)


def _version(row: RowReader) -> int | None:
    return row.integer("version", MAX_VERSION, "the seller's version")


def _given(row: RowReader) -> Given:
    given = Given(
        title=row.required_text("title", MAX_TITLE),
        description=row.text("description", MAX_DESCRIPTION),
        category=row.category("category"),
        price_cents=row.integer("price_cents", MAX_PRICE_CENTS, "cents"),
        seller_id=row.identifier("seller_id"),
        city=row.keyword("city"),
        images=row.urls("images"),
        image_count=row.integer("image_count", MAX_IMAGE_COUNT, "pictures"),
        sale=msgspec.convert(row.choice("sale", SALES), Sale | None),
        published_at=row.time("published_at"),
        starts_at=row.time("starts_at"),
        expires_at=row.time("expires_at"),
        attributes=row.attributes("attributes"),
    )
    row.count_unknown()
    for name in ("published_at", "starts_at"):
        earlier = getattr(given, name)
        if earlier is not None and given.expires_at is not None and given.expires_at < earlier:
            raise wrong(row.path("expires_at"), given.expires_at, f"nothing before {name}, {earlier}, is allowed")
    return given


def _user_event(row: RowReader, now: int) -> UserEvent:
    kind = row.choice("type", USER_EVENT_TYPES)
    if kind is None:
        raise wrong("type", None, f"one of {', '.join(USER_EVENT_TYPES)} is required")
    event = UserEvent(
        type=msgspec.convert(kind, UserEventType),
        at=_required_at(row, now),
        user_id=row.identifier("user_id"),
        device_id=row.identifier("device_id"),
        item_id=row.required_identifier("item_id") if kind not in {"follow", "search"} else row.identifier("item_id"),
        seller_id=row.required_identifier("seller_id") if kind == "follow" else row.identifier("seller_id"),
        query=row.required_text("query", MAX_QUERY) if kind == "search" else row.text("query", MAX_QUERY) or None,
        pool_id=row.identifier("pool_id"),
        request_id=row.identifier("request_id"),
    )
    if not event.identity.key:
        raise wrong("user_id", None, "a user_id, a device_id or both are required")
    return event


def _seller_event(row: RowReader, now: int) -> SellerEvent:
    kind = row.choice("type", SELLER_EVENT_TYPES)
    if kind is None:
        raise wrong("type", None, f"one of {', '.join(SELLER_EVENT_TYPES)} is required")
    seller_id, at = row.required_identifier("seller_id"), _required_at(row, now)
    stars, answer_s = row.integer("stars", MOST_STARS, "stars"), row.integer("answer_s", MOST_ANSWER_S, "seconds")
    if kind == "rated" and not stars:
        raise wrong("stars", stars, f"a whole number from 1 to {MOST_STARS} is required")
    if kind == "answered" and answer_s is None:
        raise wrong("answer_s", None, f"a whole number from 0 to {MOST_ANSWER_S} is required")
    rated, answered = kind == "rated", kind == "answered"
    return SellerEvent(msgspec.convert(kind, SellerEventType), seller_id, at, stars if rated else None, answer_s if answered else None)
