"""API keys: made with a secret that is shown once, known from then on by their digest alone.

In: a name, roles, pools. Out: the stored key and its secret, which nothing keeps.
"""

from collections.abc import Sequence
from secrets import token_hex, token_urlsafe

from msgspec import Struct

from smallpool_core.access import ApiKey, Role, digest_of
from smallpool_core.errors import Problem, Refused
from smallpool_core.ports import KeyStore

SECRET_BYTES = 32
MIN_GIVEN_SECRET = 32
"""A secret that somebody else made up, such as `SMALLPOOL_ADMIN_KEY`, has at least this many characters."""


class NewKey(Struct, frozen=True):
    """A key just made. `secret` is what callers send; it cannot be read again."""

    key: ApiKey
    secret: str


def make_secret() -> str:
    """256 random bits as text; the prefix lets a leaked key be recognised for what it is."""
    return f"sp_{token_urlsafe(SECRET_BYTES)}"


async def create_key(store: KeyStore, name: str, roles: Sequence[Role], pools: Sequence[str], now: int) -> NewKey:
    """Makes and stores a key; `pools` limits it to those, empty means all. `now` in ms."""
    secret = make_secret()
    key = ApiKey(f"k_{token_hex(8)}", name, digest_of(secret), tuple(dict.fromkeys(roles)), tuple(dict.fromkeys(pools)), now)
    await store.add(key)
    return NewKey(key, secret)


async def ensure_admin_key(store: KeyStore, secret: str, now: int) -> ApiKey:
    """The admin key with this secret, made if the store does not know it; a revoked one stays revoked.

    Raises `Refused` for a secret of fewer than 32 characters.
    """
    if len(secret) < MIN_GIVEN_SECRET:
        raise Refused([Problem("SMALLPOOL_ADMIN_KEY", f"{len(secret)} characters", f"{MIN_GIVEN_SECRET} or more are needed")])
    known = await store.find(digest_of(secret))
    if known is not None:
        return known
    key = ApiKey(f"k_{token_hex(8)}", "admin", digest_of(secret), ("admin",), (), now)
    await store.add(key)
    return key
