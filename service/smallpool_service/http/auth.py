"""Who may do what: `Authorization: Bearer …` becomes an API key, and the key must have the role that a route takes.

In: a request. Out: the key; or 401 (no key, an unknown or a revoked one), 403 (not the role), 404 (a pool outside the key's
set, which is answered as if it did not exist), 429 (an address that has tried too many keys which nobody knows).
"""

from collections import OrderedDict
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from smallpool_core.access import ApiKey, Role, digest_of
from smallpool_core.errors import NotFound, StoreError
from smallpool_core.ports import KeyStore
from smallpool_service.http.failed_keys import FailedKeys
from smallpool_service.http.problems import HttpProblem

INCLUDES: Final[dict[Role, frozenset[Role]]] = {
    "recall": frozenset({"recall"}),
    "ingest": frozenset({"ingest"}),
    "viewer": frozenset({"viewer"}),
    "operator": frozenset({"operator", "viewer"}),
    "admin": frozenset({"admin", "operator", "viewer", "recall", "ingest"}),
}
"""What each role stands for: operators see what viewers see, admins may do everything."""

MAX_REMEMBERED = 10_000
_BEARER = HTTPBearer(
    auto_error=False, scheme_name="key", description="An API key, made with `smallpool keys create` or `POST /v1/keys`; it is shown once."
)


class Keyring:
    """Keys as the store of this process knows them; where it fails, what was last known of a key holds on.

    A secret that is no key is never remembered, so that guesses push no key out.
    """

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._last: OrderedDict[str, ApiKey] = OrderedDict()

    def find(self, secret: str) -> ApiKey | None:
        """The key of this secret, revoked ones included; raises `StoreError` only for a key that was never seen here."""
        return self.of_digest(digest_of(secret))

    def of_digest(self, digest: str) -> ApiKey | None:
        """The same by the digest of the secret."""
        try:
            key = self._store.known(digest)
        except StoreError:
            if digest not in self._last:
                raise
            return self._last[digest]
        self._remember(digest, key)
        return key

    def knows(self, secret: str) -> bool:
        """Whether this was a good key when it was last looked up here."""
        key = self._last.get(digest_of(secret))
        return key is not None and key.revoked_at is None

    def forget(self) -> None:
        """Goes by nothing that was known before; to be called when a key was revoked here."""
        self._last.clear()

    def _remember(self, digest: str, key: ApiKey | None) -> None:
        if key is None:
            self._last.pop(digest, None)
            return
        self._last[digest] = key
        self._last.move_to_end(digest)
        if len(self._last) > MAX_REMEMBERED:
            self._last.popitem(last=False)


class Needs:
    """A dependency that lets a request pass whose key has one of the roles, and gives the key."""

    def __init__(self, *roles: Role) -> None:
        self.roles = roles

    async def __call__(self, request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> ApiKey:
        if sent is None:
            raise _unknown("no API key was sent; send `Authorization: Bearer …`")
        key = self._known(request, sent.credentials)
        if granted(key).isdisjoint(self.roles):
            wanted, has = " or ".join(self.roles), ", ".join(key.roles) or "none"
            raise HttpProblem(403, "wrong-role", f"this takes a key with the role {wanted}; the key {key.key_id} has {has}")
        return key

    def _known(self, request: Request, secret: str) -> ApiKey:
        """The key; a guess counts against its address, and too many of them keep out all keys from there that are not known to be good."""
        keyring: Keyring = request.app.state.keyring
        failed: FailedKeys = request.app.state.failed_keys
        address = request.client.host if request.client is not None else ""
        wait_s = 0 if keyring.knows(secret) else failed.wait_s(address)
        if wait_s:
            detail = (
                f"too many unknown API keys came from {address or 'this address'}; try again in {wait_s} s, with a key that is known here"
            )
            raise HttpProblem(429, "too-many-unknown-keys", detail, headers={"Retry-After": str(wait_s)})
        key = keyring.find(secret)
        if key is None or key.revoked_at is not None:
            failed.note(address)
            raise _unknown("this API key is not known here" if key is None else f"the API key {key.key_id} was revoked")
        return key


def granted(key: ApiKey) -> frozenset[Role]:
    """Every role that the key's roles stand for."""
    return frozenset[Role]().union(*(INCLUDES[role] for role in key.roles))


def may_see(key: ApiKey, pool_id: str) -> bool:
    """Whether the pool is in the set that the key is limited to."""
    return not key.pools or pool_id in key.pools


def check_pool(key: ApiKey, pool_id: str) -> None:
    """Raises `NotFound` for a pool outside the key's set: such a key cannot tell a pool that it may not see from none."""
    if not may_see(key, pool_id):
        raise NotFound("pool", pool_id)


def _unknown(detail: str) -> HttpProblem:
    return HttpProblem(401, "unauthorised", detail, headers={"WWW-Authenticate": 'Bearer realm="smallpool"'})
