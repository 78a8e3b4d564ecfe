"""API keys: what a key may do, and the digest under which it is known."""

from hashlib import sha256
from typing import Literal, get_args

from msgspec import Struct

Role = Literal["recall", "ingest", "viewer", "operator", "admin"]
ROLES: tuple[str, ...] = get_args(Role)


class ApiKey(Struct, frozen=True):
    """A key as it is stored: never the secret, only its digest. `pools` limits it to some pools; empty means all. Times in ms."""

    key_id: str
    name: str
    digest: str
    roles: tuple[Role, ...]
    pools: tuple[str, ...]
    created_at: int
    revoked_at: int | None = None


def digest_of(secret: str) -> str:
    """SHA-256 of the secret, hexadecimal. A key is 256 random bits, so no slow hash is needed."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
