"""The erasure of one person from Redis: one script over all keys of theirs, which share a hash tag. Before that, devices of theirs, each
in a slot of its own, become nobody's.

In: an identity, and up to where in the log it is erased. Out: nothing is left of them but that note.
"""

from msgspec import msgpack

from smallpool_core.places import Places
from smallpool_core.users import Identity
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.scripts import load_script

_encode = msgpack.Encoder().encode


class RedisPeople:
    """The port `People`. A page that is claimed while this runs may stay; what was there before goes in one step."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._erase, self._unlink = load_script("erase"), load_script("unlink")

    async def erase(self, identity: str, upto: Places, now: int) -> None:
        keys, settings = self._connection.keys.person(identity), self._connection.settings
        with self._connection.translated(f"erase {identity!r}"):
            await self._unlink_devices(identity)
            names = [name.decode() for name in await self._connection.read("ZRANGE", keys.index, 0, -1)]
            kept = [keys.state, keys.marks, keys.profile, keys.link, keys.parked, keys.devices]
            given = [keys.erasure, keys.index, *kept, *[keys.base + name for name in names]]
            places = {str(partition): offset for partition, offset in upto.items()}
            await self._connection.run(self._erase, given, [_encode(places), settings.marks_kept_s * 1000, *names])

    async def _unlink_devices(self, identity: str) -> None:
        """A device that is linked to another in truth stays so. From here on no merge that is under way brings this user anything, such as
        a list that what follows does not know of.
        """
        asked = self._connection.keys
        devices = asked.person(identity).devices
        while found := await self._connection.read("HKEYS", devices):
            for device_id in found:
                device = asked.person(Identity(None, device_id.decode()).key)
                await self._connection.run(self._unlink, (device.link, device.parked), (identity.removeprefix("u:"),))
            await self._connection.write(("HDEL", devices, *found))
