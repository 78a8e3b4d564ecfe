"""Events come in: batches of what sellers and buyers did, checked row by row and put on the log before they are acknowledged.

In: `{"events": [...]}` or NDJSON. Out: 202 with what was rejected and why; a bad row never costs its neighbours.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from msgspec import Struct

from smallpool_core.access import ApiKey
from smallpool_core.batches import split_batch
from smallpool_core.catalogue import Catalogue
from smallpool_core.errors import Problem, Refused
from smallpool_core.events import (
    encode_item_event,
    encode_seller_event,
    encode_user_event,
    parse_item_event,
    parse_seller_event,
    parse_user_event,
)
from smallpool_core.items import Given, ItemEvent
from smallpool_core.places import Places
from smallpool_core.row_reader import Rejection
from smallpool_core.sellers import SellerEvent
from smallpool_core.users import UserEvent
from smallpool_service.applied import items_applied, users_applied, within
from smallpool_service.http.auth import Needs, may_see
from smallpool_service.http.bodies import read_body
from smallpool_service.http.limits import deadline_of
from smallpool_service.http.parts import Parts, ServiceParts
from smallpool_service.http.problems import HttpProblem
from smallpool_service.http.replies import documented, reply
from smallpool_service.http.settings import KIB
from smallpool_service.operators import refresh

Event = TypeVar("Event", ItemEvent, UserEvent, SellerEvent)
Parse = Callable[[bytes, int, dict[str, int]], Event | Rejection]
Wait = Literal["none", "applied"]
BREATH = 200
"""Rows that are parsed before other requests get their turn."""
MAX_ROWS: Final = 100_000
"""No sound batch of 8 MB has more; without a bound, rows of a few bytes each would be answered by a reply many times as large."""
SPLIT_AT_ONCE: Final = 256 * KIB


class ItemRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item event. `version` is the seller's own, rising; `item` comes with published and updated."""

    type: Literal["published", "updated", "sold", "withdrawn"]
    item_id: str
    version: int
    at: int
    item: Given | None = None


class ItemBatch(Struct, frozen=True):
    """A batch of item events."""

    events: list[ItemRow]


class UserBatch(Struct, frozen=True):
    """A batch of user events."""

    events: list[UserEvent]


class SellerBatch(Struct, frozen=True):
    """A batch of seller events."""

    events: list[SellerEvent]


class RejectedRow(Struct, frozen=True):
    """A row that was not taken in: its number from 0, the field, and what was found there and is allowed."""

    row: int
    field: str
    reason: str


class Taken(Struct, frozen=True):
    """What became of a batch. `offsets` has the log's newest offset of it by partition; `applied` is false where nobody waited."""

    accepted: int
    rejected: list[RejectedRow]
    applied: bool
    offsets: dict[str, int]


class Parsed(Struct):
    """A batch after the check of its rows, with what is worth counting."""

    events: list[Any]
    rejected: list[RejectedRow]
    counts: dict[str, int]


NEEDS = Needs("ingest")
ITEM_BATCH: Final = {
    "events": [
        {
            "type": "published",
            "item_id": "i-52",
            "version": 1,
            "at": 1750000000000,
            "item": {"title": "苹果手机 九成新", "category": ["数码", "手机"], "price_cents": 199900, "seller_id": "s-9"},
        },
        {"type": "sold", "item_id": "i-17", "version": 4, "at": 1750000000000},
    ]
}
USER_BATCH: Final = {
    "events": [{"type": "click", "user_id": "u-1001", "item_id": "i-52", "at": 1750000000000, "pool_id": "digital-bargains"}]
}
SELLER_BATCH: Final = {
    "events": [
        {"type": "completed", "seller_id": "s-9", "at": 1750000000000},
        {"type": "rated", "seller_id": "s-9", "at": 1750000000000, "stars": 5},
    ]
}
REPLY: Final = {
    "accepted": 1,
    "rejected": [{"row": 1, "field": "version", "reason": "version: found -1; a whole number from 0 to 8796093022207 is required"}],
    "applied": False,
    "offsets": {"0": 4711},
}
PROBLEMS = (400, 413, 507)

router = APIRouter(tags=["events"])


@router.post(
    "/v1/item-events",
    **documented(
        name="sendItemEvents",
        summary="Takes in what sellers did",
        reply=Taken,
        example=REPLY,
        status=202,
        needs=NEEDS,
        problems=PROBLEMS,
        body=ItemBatch,
        body_example=ITEM_BATCH,
        lines=ItemRow,
    ),
)
async def item_events(
    request: Request,
    parts: Parts,
    wait: Annotated[Wait, Query(description="`applied` waits, up to 5 s, until the items are recallable here.")] = "none",
) -> Response:
    """Listings, changes, sales and withdrawals, durable once acknowledged. The highest version of an item wins, in any order."""
    now = parts.now()
    parsed = await _parsed(await _rows(request), now, lambda raw, at, counts: parse_item_event(raw, at, internal=False, counts=counts))
    events: list[ItemEvent] = parsed.events
    offsets = await parts.log.append("item-events", [(event.item_id, encode_item_event(event)) for event in events], now)
    applied = False
    if wait == "applied":
        versions: dict[str, int] = {}
        for event in events:
            versions[event.item_id] = max(event.version, versions.get(event.item_id, 0))
        applied = await within(_wait_ms(request, parts, parts.limits.item_wait_ms), items_applied(versions, parts.recaller.ports))
    return _taken(parts, "item-events", parsed, offsets, applied=applied)


@router.post(
    "/v1/user-events",
    **documented(
        name="sendUserEvents",
        summary="Takes in what buyers did",
        reply=Taken,
        example=REPLY | {"applied": True},
        status=202,
        needs=NEEDS,
        problems=PROBLEMS,
        body=UserBatch,
        body_example=USER_BATCH,
        lines=UserEvent,
    ),
)
async def user_events(
    request: Request,
    parts: Parts,
    key: Annotated[ApiKey, Depends(NEEDS)],
    wait: Annotated[Wait, Query(description="`applied` waits, up to 200 ms, until the next page knows of them.")] = "applied",
) -> Response:
    """Views, clicks, favourites, purchases and the like. A row that names no pool, or one outside the key's set, is rejected."""
    now = parts.now()
    pools = PoolsNamed(key, parts.recaller.ports.catalogue)
    parsed = await _parsed(await _rows(request), now, lambda raw, at, counts: pools.checked(parse_user_event(raw, at, counts=counts)))
    events: list[UserEvent] = parsed.events
    offsets = await parts.log.append("user-events", [(event.identity.key, encode_user_event(event)) for event in events], now)
    applied = False
    if wait == "applied":
        applied = await within(_wait_ms(request, parts, parts.limits.user_wait_ms), users_applied(offsets, parts.recaller.ports.log))
    return _taken(parts, "user-events", parsed, offsets, applied=applied)


@router.post(
    "/v1/seller-events",
    **documented(
        name="sendSellerEvents",
        summary="Takes in how sellers dealt",
        reply=Taken,
        example=REPLY,
        status=202,
        needs=NEEDS,
        problems=PROBLEMS,
        body=SellerBatch,
        body_example=SELLER_BATCH,
        lines=SellerEvent,
    ),
)
async def seller_events(request: Request, parts: Parts) -> Response:
    """Orders that were completed, cancelled or disputed, ratings by stars, and how soon sellers answered. Their listings follow."""
    now = parts.now()
    parsed = await _parsed(await _rows(request), now, lambda raw, at, counts: parse_seller_event(raw, at, counts=counts))
    events: list[SellerEvent] = parsed.events
    offsets = await parts.log.append("seller-events", [(event.seller_id, encode_seller_event(event)) for event in events], now)
    return _taken(parts, "seller-events", parsed, offsets, applied=False)


async def _rows(request: Request) -> list[bytes]:
    body, kind = await read_body(request), request.headers.get("content-type", "")
    try:
        # A large body that is not quite JSON takes a while to come apart: seconds in which nobody else would be answered.
        rows = split_batch(body, kind) if len(body) <= SPLIT_AT_ONCE else await asyncio.to_thread(split_batch, body, kind)
    except Refused as error:
        raise HttpProblem(400, "unreadable-body", str(error), error.problems) from None
    if len(rows) > MAX_ROWS:
        problem = Problem("events", f"{len(rows)} rows", f"at most {MAX_ROWS} are taken in one batch; split it over several requests")
        raise HttpProblem(413, "too-many-rows", str(problem), [problem])
    return rows


async def _parsed(rows: Sequence[bytes], now: int, parse: Parse[Event]) -> Parsed:
    parsed = Parsed([], [], {})
    for number, raw in enumerate(rows):
        if number % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        event = parse(raw, now, parsed.counts)
        if isinstance(event, Rejection):
            parsed.rejected.append(RejectedRow(number, _line(event.field), _line(event.message)))
        else:
            parsed.events.append(event)
    return parsed


class PoolsNamed:
    """The pools that the rows of one batch name; for ids that are not known here the newest pools are read, once a batch."""

    def __init__(self, key: ApiKey, catalogue: Catalogue) -> None:
        self._key = key
        self._catalogue = catalogue
        self._is_fresh = False

    def checked(self, event: UserEvent | Rejection) -> UserEvent | Rejection:
        """The event, or its rejection for the pool that it names."""
        if isinstance(event, Rejection) or event.pool_id is None:
            return event
        if not may_see(self._key, event.pool_id):
            return Rejection("pool_id", repr(event.pool_id), f"the key {self._key.key_id} is limited to other pools")
        if not self._exists(event.pool_id):
            return Rejection("pool_id", repr(event.pool_id), "no pool has this id; leave it out where the page was no pool's")
        return event

    def _exists(self, pool_id: str) -> bool:
        if not self._is_fresh and pool_id not in self._catalogue:
            refresh(self._catalogue)
            self._is_fresh = True
        return pool_id in self._catalogue


def _wait_ms(request: Request, parts: ServiceParts, most_ms: int) -> int:
    deadline = deadline_of(request)
    return most_ms if deadline is None else max(0, min(most_ms, deadline - parts.now()))


def _taken(parts: ServiceParts, topic: str, parsed: Parsed, offsets: Places, *, applied: bool) -> Response:
    parts.metrics.events(topic, len(parsed.events), len(parsed.rejected))
    for name, amount in parsed.counts.items():
        parts.metrics.count(name, amount)
    by_partition = {str(partition): offset for partition, offset in offsets.items()}
    return reply(Taken(len(parsed.events), parsed.rejected, applied, by_partition), 202)


def _line(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
