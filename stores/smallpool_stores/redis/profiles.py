"""What the app tells us of a person, one string an identity.

In: a profile as the app sends it. Out: the same, until it is replaced, erased, or not renewed for `profiles_kept_s`.
"""

from msgspec import msgpack

from smallpool_core.users import Profile
from smallpool_stores.redis.connection import RedisConnection

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Profile).decode


class RedisUserProfiles:
    """Profiles as msgpack by identity."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    async def get(self, identity: str) -> Profile | None:
        with self._connection.translated(f"read the profile of {identity!r}"):
            profile = await self._connection.read("GET", self._connection.keys.person(identity).profile)
            return _decode(profile) if profile is not None else None

    async def put(self, identity: str, profile: Profile) -> None:
        key, ttl_s = self._connection.keys.person(identity).profile, self._connection.settings.profiles_kept_s
        with self._connection.translated(f"write the profile of {identity!r}"):
            await self._connection.write(("SET", key, _encode(profile), "EX", ttl_s))
