"""Which device is whose, in Redis, and the merge of what is kept of both, which lie in different slots.

In: a device and a user who were heard of together. Out: their link, and one person where there were two.

The steps, each one script: the user is to *expect* the device; the device is linked, and what is kept of it *parked* beside its link;
that is *merged* into what is kept of the user, who remembers by which link; what was parked goes. Nothing changes what is parked, so
whoever finds it there, after a crash or while another is at it, merges the same and is told where that was done already. An erasure of
the user ends the expecting, and with it the merge.
"""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from hashlib import sha1
from typing import Any

from msgspec import Struct, msgpack

from smallpool_core.behaviour import BehaviourSettings, joined
from smallpool_core.errors import StoreUnavailable
from smallpool_core.linking import Link, Runs, joined_profiles, joined_runs
from smallpool_core.users import Identity, Profile
from smallpool_stores.redis.commands import Call
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.keys import PersonKeys
from smallpool_stores.redis.marks import joined_marks
from smallpool_stores.redis.scripts import Script, load_script
from smallpool_stores.redis.states import pack_state, unpack_state

MOST_TRIES = 10
"""How often a merge is computed anew because what is kept of the user changed meanwhile."""
MARKS, STATE, PROFILE = "m", "t", "f"

Steps = Generator[Call, Any, bool]
"""Takes the reply to each call; returns whether anything was merged."""

_encode = msgpack.Encoder().encode
_decode_link = msgpack.Decoder(Link).decode
_decode_profile = msgpack.Decoder(Profile).decode
_decode_runs = msgpack.Decoder(Runs).decode


class _Parked(Struct, frozen=True):
    """A device's link as it is stored, and what of the device waits to be merged, by name."""

    link: bytes
    kept: Mapping[str, bytes]


class RedisLinks:
    """A link that stands costs one script that reads; on the event loop for pages, in threads for the write path."""

    def __init__(self, connection: RedisConnection, behaviour: BehaviourSettings) -> None:
        self._connection = connection
        self._behaviour = behaviour
        names = ("linked", "expect", "park", "kept", "merge", "unpark")
        self._linked, self._expect, self._park, self._kept, self._merge, self._unpark = (load_script(name) for name in names)

    async def link(self, device_id: str, user_id: str, at: int) -> bool:
        steps = self._steps(device_id, Link(user_id, at))
        with self._connection.translated(f"link device {device_id!r} to user {user_id!r}"):
            try:
                call = next(steps)
                while True:
                    asking = self._connection.read_by if self._only_reads(call.script) else self._connection.run
                    call = steps.send(await asking(call.script, call.keys, call.arguments))
            except StopIteration as end:
                return bool(end.value)

    def link_now(self, device_id: str, user_id: str, at: int) -> None:
        self._finish(device_id, self._steps(device_id, Link(user_id, at)))

    def known(self, device_ids: Collection[str]) -> dict[str, Link]:
        asked = list(device_ids)
        with self._connection.translated(f"read the links of {len(asked)} devices"):
            replies = self._connection.read_now(*(self._look(self._device(one)) for one in asked)) if asked else []
        links = {}
        for device_id, reply in zip(asked, replies, strict=True):
            parked = _parked(reply)
            if parked is not None:
                links[device_id] = _decode_link(parked.link)
                self._finish(device_id, self._settled(self._device(device_id), device_id, parked))
        return links

    def _finish(self, device_id: str, steps: Steps) -> None:
        with self._connection.translated(f"merge device {device_id!r} into its user"):
            try:
                call = next(steps)
                while True:
                    asking = self._connection.read_now if self._only_reads(call.script) else self._connection.write_now
                    [reply] = asking(call)
                    call = steps.send(reply)
            except StopIteration:
                return

    def _only_reads(self, script: Script) -> bool:
        return script is self._linked or script is self._kept

    def _device(self, device_id: str) -> PersonKeys:
        return self._connection.keys.person(Identity(None, device_id).key)

    def _look(self, device: PersonKeys) -> Call:
        return Call(self._linked, (device.link, device.parked, device.index))

    def _steps(self, device_id: str, link: Link) -> Steps:
        device = self._device(device_id)
        reply = yield self._look(device)
        parked = _parked(reply)
        if parked is None:
            seen = [name.decode() for name in reply[2] if name.startswith(b"s")]
            kept_ms = self._connection.settings.links_kept_s * 1000
            yield Call(self._expect, (self._user(link).devices,), (device_id, kept_ms))
            keys = [device.marks, device.state, device.profile, *[device.base + name for name in seen]]
            names = [MARKS, STATE, PROFILE, *seen]
            reply = yield Call(self._park, (device.link, device.parked, device.index, *keys), (_encode(link), kept_ms, *names))
            parked = _parked(reply)
        return (yield from self._settled(device, device_id, parked)) if parked is not None else False

    def _settled(self, device: PersonKeys, device_id: str, parked: _Parked) -> Steps:
        """What is parked is merged, and goes."""
        if not parked.kept:
            return False
        link = _decode_link(parked.link)
        if link.user_id:
            yield from self._merged(self._user(link), device_id, parked)
        yield Call(self._unpark, (device.link, device.parked), (parked.link,))
        return parked.kept.keys() != {MARKS}

    def _merged(self, user: PersonKeys, device_id: str, parked: _Parked) -> Steps:
        names = list(parked.kept)
        keys = [user.base + name for name in names]
        for _ in range(MOST_TRIES):
            found = yield Call(self._kept, keys)
            told: list[bytes | str | int] = []
            for name, stored in zip(names, found, strict=True):
                value, kept_s = self._joined(name, stored, parked.kept[name])
                read = sha1(stored or b"", usedforsecurity=False).hexdigest()
                told += (read, value, kept_s * 1000, name if name.startswith("s") else "")
            if (yield Call(self._merge, (user.devices, user.index, *keys), (device_id, parked.link, *told))):
                return True
        raise StoreUnavailable(
            f"could not merge device {device_id!r} into its user: what is kept of the user changed {MOST_TRIES} times meanwhile;"
            " nothing was merged, the next call for this device goes on"
        )

    def _joined(self, name: str, stored: bytes | None, parked: bytes) -> tuple[bytes, int]:
        """What the user is to have of this kind, and for how long (seconds)."""
        settings = self._connection.settings
        joining: Mapping[str, tuple[Callable[[bytes, bytes], bytes], int]] = {
            MARKS: (lambda one, other: joined_marks(one, other, settings.most_marks), settings.marks_kept_s),
            STATE: (self._joined_states, settings.triggers_kept_s),
            PROFILE: (_joined_profiles, settings.profiles_kept_s),
        }
        join, kept_s = joining.get(name, (_joined_runs, settings.seen_kept_s))
        return (parked if stored is None else join(stored, parked)), kept_s

    def _joined_states(self, one: bytes, other: bytes) -> bytes:
        return pack_state(joined(unpack_state(one), unpack_state(other), self._behaviour))

    def _user(self, link: Link) -> PersonKeys:
        return self._connection.keys.person(Identity(link.user_id, None).key)


def _joined_profiles(one: bytes, other: bytes) -> bytes:
    return _encode(joined_profiles(_decode_profile(one), _decode_profile(other)))


def _joined_runs(one: bytes, other: bytes) -> bytes:
    return _encode(joined_runs(_decode_runs(one), _decode_runs(other)))


def _parked(reply: Sequence[Any]) -> _Parked | None:
    """What `linked.lua` and `park.lua` return; None for a device without a link."""
    link, flat, *_ = reply
    if link is None:
        return None
    return _Parked(link, {name.decode(): kept for name, kept in zip(flat[::2], flat[1::2], strict=True)})
