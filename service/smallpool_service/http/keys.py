"""API keys over HTTP: made, listed, revoked; the secret is in one answer and in no other.

In: a name, roles, pools. Out: keys without their digests.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Response
from msgspec import Struct
from pydantic import Field

from smallpool_core.access import ApiKey, Role
from smallpool_service.http.auth import Keyring, Needs
from smallpool_service.http.bodies import Identifier, Line, Strict, body_of
from smallpool_service.http.parts import Parts, keyring_of
from smallpool_service.http.replies import documented, reply
from smallpool_service.http.routing import in_path
from smallpool_service.keys import create_key

NEEDS = Needs("admin")
MAX_POOLS = 1_000


class KeyBody(Strict):
    """A key to be made. `pools` limits it to those; left out, it may see all."""

    name: Line
    roles: Annotated[list[Role], Field(min_length=1, max_length=5)]
    pools: Annotated[list[Identifier], Field(default_factory=list, max_length=MAX_POOLS)]


class KeyView(Struct, frozen=True, kw_only=True):
    """A key as it is shown; times in epoch ms."""

    key_id: str
    name: str
    roles: tuple[Role, ...]
    pools: tuple[str, ...]
    created_at: int
    revoked_at: int | None


class CreatedKey(KeyView, frozen=True, kw_only=True):
    """A key just made, with its secret, which is never shown again."""

    secret: str


class KeyList(Struct, frozen=True):
    """Every key, oldest first."""

    keys: list[KeyView]


BODY: Final = {"name": "shop app", "roles": ["recall", "ingest"], "pools": []}
KEY: Final = {"key_id": "k_4f1c9a0be2d37758", **BODY, "created_at": 1750000000000, "revoked_at": None}

router = APIRouter(tags=["keys"])


@router.post(
    "/v1/keys",
    **documented(
        name="createKey",
        summary="Makes an API key",
        reply=CreatedKey,
        example=KEY | {"secret": "sp_…43 characters…"},
        status=201,
        needs=NEEDS,
        problems=(400, 413, 507),
        body=KeyBody,
        body_example=BODY,
    ),
)
async def make_key(parts: Parts, body: Annotated[KeyBody, Depends(body_of(KeyBody))]) -> Response:
    """256 random bits, stored as SHA-256 alone: keep the secret, it is in this answer and nowhere else."""
    made = await create_key(parts.keys, body.name, body.roles, body.pools, parts.now())
    return reply(CreatedKey(secret=made.secret, **_shown(made.key)), 201)


@router.get("/v1/keys", **documented(name="listKeys", summary="All API keys", reply=KeyList, example={"keys": [KEY]}, needs=NEEDS))
async def list_keys(parts: Parts) -> Response:
    """Revoked ones included, without secrets and digests."""
    return reply(KeyList([KeyView(**_shown(one)) for one in await parts.keys.all()]))


@router.delete(
    "/v1/keys/{key_id}",
    **documented(name="revokeKey", summary="Revokes an API key", reply=None, status=204, needs=NEEDS, problems=(404, 507)),
)
async def revoke_key(
    parts: Parts,
    keyring: Annotated[Keyring, Depends(keyring_of)],
    key_id: Annotated[Identifier, in_path, Path(description="The key's id, not its secret.", examples=["k_4f1c9a0be2d37758"])],
) -> Response:
    """Holds at once in this process, and within a second in every other. Revoking twice changes nothing."""
    await parts.keys.revoke(key_id, parts.now())
    keyring.forget()
    return Response(status_code=204)


def _shown(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in KeyView.__struct_fields__}
