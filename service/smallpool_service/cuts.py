"""Up to where pools of a largest size hold items, as this replica knows it: each cut-off is a minute old at most.

In: a pool as recall may look at it. Out: the same with its cut-off. Where its tag is trusted the live view tells it; else, and for what is
not saved, the wide index, in one question.
"""

import asyncio
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.catalogue import KnownPool
from smallpool_core.cuts import Cut
from smallpool_core.ports import ItemReader, LiveView

KEPT_MS: Final = 60_000
"""A cut-off is found again once it is older."""


class _Found(Struct, frozen=True):
    """A cut-off of one epoch of a pool, and when (ms) it was found, by the tag or by the rule."""

    epoch: int
    by_tag: bool
    at: int
    cut: Cut | None


class Cuts:
    """The cut-offs of saved pools, by pool. Safe on one event loop; who asks while another looks waits for the same answer, which is kept
    also where nobody waits any more.
    """

    def __init__(self, live: LiveView, reader: ItemReader) -> None:
        self._live = live
        self._reader = reader
        self._found: dict[str, _Found] = {}
        self._looks: dict[tuple[str, int, bool], asyncio.Task[_Found]] = {}

    async def applied(self, known: KnownPool, now: int) -> KnownPool:
        """A saved pool with its cut-off; raises `StoreError` where only the wide index could tell it and fails."""
        found = self._kept(known, now)
        if found is None:
            found = await asyncio.shield(self._look(known, now))
        return replace(known, cut=found.cut)

    def last(self, known: KnownPool) -> KnownPool:
        """The saved pool with the last cut-off that was found of it as it stands, however old; without one where none was."""
        found = self._found.get(known.pool.pool_id)
        return known if found is None or found.epoch != known.pool.epoch else replace(known, cut=found.cut)

    async def found(self, known: KnownPool, now: int) -> Cut | None:
        """The cut-off of a pool, saved or not, as of now."""
        settings = known.pool.settings
        if settings.max_size is None:
            return None
        if known.is_trusted:
            return self._live.cut_off(known.pool.pool_id, settings.cut_by, settings.max_size, now)
        return await self._reader.cut_off(known.rule, settings.cut_by, settings.max_size, now)

    def size(self, known: KnownPool, now: int) -> int:
        """How many items are in a pool whose tag is trusted, and on sale."""
        settings = known.pool.settings
        if settings.max_size is None:
            return self._live.size(known.pool.pool_id, now)
        found = self._kept(known, now)
        if found is None:
            cut = self._live.cut_off(known.pool.pool_id, settings.cut_by, settings.max_size, now)
            found = self._keep(known, now, cut)
        return self._live.size(known.pool.pool_id, now, found.cut)

    def _look(self, known: KnownPool, now: int) -> "asyncio.Task[_Found]":
        key = (known.pool.pool_id, known.pool.epoch, known.is_trusted)
        under_way = self._looks.get(key)
        if under_way is None:
            under_way = self._looks[key] = asyncio.create_task(self._looked(known, now))
            under_way.add_done_callback(lambda done: self._ended(key, done))
        return under_way

    async def _looked(self, known: KnownPool, now: int) -> _Found:
        return self._keep(known, now, await self.found(known, now))

    def _ended(self, key: tuple[str, int, bool], done: "asyncio.Task[_Found]") -> None:
        del self._looks[key]
        if not done.cancelled():
            done.exception()  # told to who waits; where nobody does the next one asks again

    def _kept(self, known: KnownPool, now: int) -> _Found | None:
        found = self._found.get(known.pool.pool_id)
        if found is None or (found.epoch, found.by_tag) != (known.pool.epoch, known.is_trusted) or not 0 <= now - found.at < KEPT_MS:
            return None
        return found

    def _keep(self, known: KnownPool, now: int, cut: Cut | None) -> _Found:
        found = self._found[known.pool.pool_id] = _Found(known.pool.epoch, known.is_trusted, now, cut)
        return found
