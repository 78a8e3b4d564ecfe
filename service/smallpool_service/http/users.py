"""People: what is kept of one, what the app tells us of them, and how they are forgotten.

In: a user_id, or for an erasure a device_id. Out: their profile and triggers as recall uses them now; nothing at all after an erasure.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from msgspec import Struct
from pydantic import AfterValidator, Field, WithJsonSchema

from smallpool_core.access import ApiKey
from smallpool_core.row_reader import MAX_INTEGER
from smallpool_core.terms import Trigger
from smallpool_core.users import MAX_ATTRIBUTES, MAX_BLOCKED, MAX_TAGS, Identity, Touched, UserEventType
from smallpool_service.http.auth import Needs, check_pool
from smallpool_service.http.bodies import Identifier, Strict, body_of
from smallpool_service.http.parts import Parts, ServiceParts
from smallpool_service.http.problems import HttpProblem
from smallpool_service.http.replies import documented, reply
from smallpool_service.http.routing import in_path
from smallpool_service.operators import refresh
from smallpool_service.people import erase_person, erase_seen, put_profile, view_person

UserId = Annotated[Identifier, in_path, Path(description="The user's id.", examples=["u-1001"])]
DeviceId = Annotated[Identifier, in_path, Path(description="The device's id.", examples=["d-52"])]
READS = Needs("viewer", "ingest")
WRITES = Needs("ingest")


def _attribute(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and -MAX_INTEGER <= value <= MAX_INTEGER
    if not is_number and not isinstance(value, str):
        raise ValueError("a string or a number between -2^63 and 2^63 is allowed")
    return value


Attribute = Annotated[Any, AfterValidator(_attribute), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}]})]


class ProfileBody(Strict):
    """What the app tells us of a person. It replaces what it told before."""

    tags: Annotated[list[str], Field(default_factory=list, max_length=MAX_TAGS)]
    attributes: Annotated[dict[str, Attribute], Field(default_factory=dict, max_length=MAX_ATTRIBUTES)]
    blocked_sellers: Annotated[
        list[Identifier],
        Field(default_factory=list, max_length=MAX_BLOCKED, description="Sellers of whom nothing is shown to them."),
    ]


class TouchedView(Struct, frozen=True):
    """An item that the person did something with, and when (ms)."""

    item_id: str
    type: UserEventType
    at: int


class UserView(Struct, frozen=True, kw_only=True):
    """One person: the profile, triggers as of now (heaviest first), what they bought and touched last, and whom they block."""

    user_id: str
    tags: tuple[str, ...]
    attributes: dict[str, str | int | float]
    triggers: list[Trigger]
    bought: list[TouchedView]
    recent: list[TouchedView]
    blocked_sellers: tuple[str, ...]


PROFILE: Final = {"tags": ["摄影", "复古"], "attributes": {"city": "杭州", "age": 31}, "blocked_sellers": ["s-13"]}
USER: Final = {
    "user_id": "u-1001",
    **PROFILE,
    "triggers": [{"term": "category:数码›手机", "weight": 0.412, "at": 1750000000000}],
    "bought": [],
    "recent": [{"item_id": "i-52", "type": "click", "at": 1750000000000}],
}

router = APIRouter(tags=["users"])


@router.get(
    "/v1/users/{user_id}", **documented(name="getUser", summary="What is kept of one person", reply=UserView, example=USER, needs=READS)
)
async def read_user(parts: Parts, user_id: UserId) -> Response:
    """Profile and triggers as recall uses them now. A stranger has nothing, and is no error."""
    return reply(await _view(parts, user_id))


@router.put(
    "/v1/users/{user_id}",
    **documented(
        name="putUser",
        summary="Replaces a person's profile",
        reply=UserView,
        example=USER,
        needs=WRITES,
        problems=(400, 413, 507),
        body=ProfileBody,
        body_example=PROFILE,
    ),
)
async def write_user(parts: Parts, body: Annotated[ProfileBody, Depends(body_of(ProfileBody))], user_id: UserId) -> Response:
    """Tags become triggers of kind `tag`; they are stored normalised, each once. Behaviour is left as it is."""
    await put_profile(parts.recaller.ports, Identity(user_id, None), body.tags, body.attributes, body.blocked_sellers)
    return reply(await _view(parts, user_id))


@router.delete("/v1/users/{user_id}", **documented(name="eraseUser", summary="Forgets a person", reply=None, status=204, needs=WRITES))
async def erase_user(parts: Parts, key: Annotated[ApiKey, Depends(WRITES)], user_id: UserId) -> Response:
    """Erases profile, triggers, marks, seen lists and stored pages, at once and in all pools. Takes a key that is not limited to pools.

    Events that were acknowledged before and are still to be applied never are.
    """
    _check_unlimited(key)
    await erase_person(parts.recaller.ports, Identity(user_id, None))
    return Response(status_code=204)


@router.delete(
    "/v1/devices/{device_id}",
    **documented(name="eraseDevice", summary="Forgets a device without a user", reply=None, status=204, needs=WRITES),
)
async def erase_device(parts: Parts, key: Annotated[ApiKey, Depends(WRITES)], device_id: DeviceId) -> Response:
    """Erases what is kept under the device alone, as `DELETE /v1/users/{user_id}` does for a user; the user's own stays."""
    _check_unlimited(key)
    await erase_person(parts.recaller.ports, Identity(None, device_id))
    return Response(status_code=204)


@router.delete(
    "/v1/users/{user_id}/seen",
    **documented(name="eraseSeen", summary="Forgets what was served to a person", reply=None, status=204, needs=WRITES, problems=(404,)),
)
async def erase_user_seen(
    parts: Parts,
    key: Annotated[ApiKey, Depends(WRITES)],
    user_id: UserId,
    pool_id: Annotated[Identifier | None, Query(description="One pool; every pool where it is left out.")] = None,
) -> Response:
    """Items served before may come again. Without a pool it takes a key that is not limited to pools."""
    if pool_id is None:
        _check_unlimited(key)
    else:
        check_pool(key, pool_id)
        catalogue = parts.recaller.ports.catalogue
        refresh(catalogue)
        catalogue.get(pool_id)
    await erase_seen(parts.recaller.ports, Identity(user_id, None), pool_id)
    return Response(status_code=204)


async def _view(parts: ServiceParts, user_id: str) -> UserView:
    recaller = parts.recaller
    person = await view_person(recaller.ports, Identity(user_id, None), recaller.behaviour, recaller.settings.profile_tag_share)
    return UserView(
        user_id=user_id,
        tags=person.tags,
        attributes=dict(person.attributes),
        triggers=person.triggers,
        bought=[_touched(one) for one in person.bought],
        recent=[_touched(one) for one in person.recent],
        blocked_sellers=person.blocked_sellers,
    )


def _touched(touched: Touched) -> TouchedView:
    return TouchedView(touched.item_id, touched.type, touched.at)


def _check_unlimited(key: ApiKey) -> None:
    if key.pools:
        raise HttpProblem(403, "limited-key", f"this reaches over all pools, and the key {key.key_id} is limited to {', '.join(key.pools)}")
