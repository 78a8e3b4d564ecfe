"""Lists of related items in Redis: a string a list in one of two places, and one string that says which generation serves, and where.

In: lists as they were counted. Out: the same. A generation is written over that before the one that serves, and each list says of which it
is: so nothing has to be looked for and dropped, and there are never more than two lists of a key. Every list ends by itself.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from secrets import token_hex
from typing import Final

from msgspec import Struct, msgpack

from smallpool_core.relations import SITE, Generation, Key, Related, RelationKind, RelationList, Source
from smallpool_stores.redis.commands import Call, Command
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.scripts import load_script

FRESH_S: Final = 1.0
"""For so long a reader goes by what it last read of which generation serves."""
AT_ONCE: Final = 500

_encode = msgpack.Encoder().encode


class _Serving(Struct, frozen=True, array_like=True):
    """Which generation serves, and in which of the two places its lists are."""

    generation: Generation
    place: int


_decode_serving = msgpack.Decoder(_Serving).decode
_decode_list = msgpack.Decoder(tuple[int, RelationList]).decode
_decode_related = msgpack.Decoder(tuple[int, tuple[int, float, list[Related]]]).decode


class RedisRelations:
    """Each list is its own key, so that those of a cluster are on all its servers. A call that fails may have had its effect."""

    def __init__(self, connection: RedisConnection, *, kept_s: int, files_kept_s: int) -> None:
        self._connection = connection
        self._kept_ms: dict[Source, int] = {"log": kept_s * 1000, "files": files_kept_s * 1000}
        self._known: _Serving | None = None
        self._known_until_s = 0.0
        self._turn = load_script("turn")
        self._begun: dict[int, tuple[int, Source]] = {}
        """Where the lists of generations go that were begun here, and what these are made from."""

    async def related(self, kind: RelationKind, keys: Collection[str], limit: int, pool_id: str = SITE) -> dict[str, list[Related]]:
        with self._connection.translated(f"read what is related to {len(keys)} items"):
            serving = await self._serving()
            if serving is None or not keys:
                return {}
            wanted = list(keys)
            replies = await self._connection.read_all(*self._gets([Key(kind, key, pool_id) for key in wanted], serving.place))
        found = {key: _decode_related(packed) for key, packed in zip(wanted, replies, strict=True) if packed is not None}
        return {key: items[:limit] for key, (number, (_, _, items)) in found.items() if number == serving.generation.number}

    async def serving(self) -> Generation | None:
        with self._connection.translated("read how old the lists of related items are"):
            serving = await self._serving()
        return None if serving is None else serving.generation

    def current(self) -> Generation | None:
        with self._connection.translated("read how old the lists of related items are"):
            serving = self._serving_now()
        return None if serving is None else serving.generation

    def load(self, keys: Collection[Key]) -> dict[Key, RelationList]:
        wanted = list(keys)
        found: dict[Key, RelationList] = {}
        with self._connection.translated(f"read {len(wanted)} lists of related items"):
            serving = self._serving_now()
            if serving is None:
                return {}
            for start in range(0, len(wanted), AT_ONCE):
                some = wanted[start : start + AT_ONCE]
                for key, packed in zip(some, self._connection.read_now(*self._gets(some, serving.place)), strict=True):
                    if packed is not None and (decoded := _decode_list(packed))[0] == serving.generation.number:
                        found[key] = decoded[1]
        return found

    def merge(self, lists: Mapping[Key, RelationList], progress: Generation) -> None:
        with self._connection.translated("read how old the lists of related items are"):
            serving = self._serving_now()
        place = serving.place if serving is not None else 0
        self._put(progress.number, lists, place, progress.source)
        self._note(_Serving(progress, place))

    def begin(self, now: int, source: Source = "log") -> int:
        with self._connection.translated("begin a generation of related items"):
            serving = self._serving_now()
        number = now if serving is None else max(now, serving.generation.number + 1)
        self._begun = {number: (0 if serving is None else 1 - serving.place, source)}
        return number

    def fill(self, number: int, lists: Mapping[Key, RelationList]) -> None:
        self._put(number, lists, *self._begun[number])

    def switch(self, generation: Generation) -> None:
        self._note(_Serving(generation, self._begun[generation.number][0]))

    def take_turn(self, now: int, lasts_ms: int) -> str | None:
        turn = f"{now}-{token_hex(8)}"
        with self._connection.translated("take the turn to relate items"):
            [taken] = self._connection.write_now(("SET", self._connection.keys.relations_turn, turn, "NX", "PX", lasts_ms))
        return None if taken is None else turn

    def keep_turn(self, turn: str, now: int, lasts_ms: int) -> str | None:
        return turn if self._held(turn, lasts_ms) else None

    def end_turn(self, turn: str) -> None:
        self._held(turn, 0)

    def _held(self, turn: str, lasts_ms: int) -> bool:
        with self._connection.translated("keep the turn to relate items or give it back"):
            [held] = self._connection.write_now(Call(self._turn, (self._connection.keys.relations_turn,), (turn, lasts_ms)))
        return bool(held)

    async def _serving(self) -> _Serving | None:
        now_s = time.monotonic()
        if now_s >= self._known_until_s:
            packed = await self._connection.read("GET", self._connection.keys.relations)
            self._known, self._known_until_s = None if packed is None else _decode_serving(packed), now_s + FRESH_S
        return self._known

    def _serving_now(self) -> _Serving | None:
        [packed] = self._connection.read_now(("GET", self._connection.keys.relations))
        return None if packed is None else _decode_serving(packed)

    def _gets(self, keys: Sequence[Key], place: int) -> list[Command]:
        return [("GET", self._connection.keys.relation(*key, place)) for key in keys]

    def _put(self, number: int, lists: Mapping[Key, RelationList], place: int, source: Source) -> None:
        named, kept_ms = self._connection.keys.relation, self._kept_ms[source]
        puts: list[Command] = [("SET", named(*key, place), _encode((number, one)), "PX", kept_ms) for key, one in lists.items()]
        with self._connection.translated(f"write {len(lists)} lists of related items"):
            for start in range(0, len(puts), AT_ONCE):
                self._connection.write_now(*puts[start : start + AT_ONCE])

    def _note(self, serving: _Serving) -> None:
        with self._connection.translated("write how old the lists of related items are"):
            kept_ms = self._kept_ms[serving.generation.source]
            self._connection.write_now(("SET", self._connection.keys.relations, _encode(serving), "PX", kept_ms))
        self._known_until_s = 0.0
