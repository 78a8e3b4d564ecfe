"""Up to where a pool of a largest size holds items: looked for once for all who ask, and known as of before where nothing tells it."""

import asyncio
from typing import Any, cast

import pytest
from msgspec.structs import replace

from builders import NOW
from smallpool_core.catalogue import NOTHING, KnownPool
from smallpool_core.cuts import Cut
from smallpool_core.errors import StoreUnavailable
from smallpool_core.pools import PoolSettings, blank_pool
from smallpool_service.cuts import KEPT_MS, Cuts

CUT = Cut("-quality", 700)
POOL = KnownPool(replace(blank_pool("p"), epoch=3, settings=PoolSettings(max_size=10)), NOTHING, {}, 1)


class Index:
    """A wide index that tells of cut-offs when it is let, or fails."""

    def __init__(self) -> None:
        self.asked = 0
        self.lets = asyncio.Event()
        self.fails = False

    async def cut_off(self, *_: Any) -> Cut:
        self.asked += 1
        await self.lets.wait()
        if self.fails:
            raise StoreUnavailable("could not ask the test's index: it is down; bring it up")
        return CUT


def cuts_of(index: Index) -> Cuts:
    return Cuts(cast(Any, None), cast(Any, index))  # no live view: the pool's tag is not trusted


def test_who_asks_while_another_looks_waits_for_the_same_answer() -> None:
    async def scene() -> tuple[int, list[Cut | None]]:
        index = Index()
        cuts = cuts_of(index)
        asking = [asyncio.create_task(cuts.applied(POOL, NOW)) for _ in range(5)]
        await asyncio.sleep(0)
        index.lets.set()
        found = [known.cut for known in await asyncio.gather(*asking)]
        return index.asked, found

    assert asyncio.run(scene()) == (1, [CUT] * 5)


def test_an_answer_that_nobody_waits_for_any_more_is_kept() -> None:
    async def scene() -> tuple[int, Cut | None]:
        index = Index()
        cuts = cuts_of(index)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(cuts.applied(POOL, NOW), 0.01)
        index.lets.set()
        found = await cuts.applied(POOL, NOW + 1)
        return index.asked, found.cut

    assert asyncio.run(scene()) == (1, CUT)


def test_where_the_index_fails_the_cut_off_of_before_is_known_of_the_same_rule_alone() -> None:
    async def scene() -> None:
        index = Index()
        index.lets.set()
        cuts = cuts_of(index)
        assert cuts.last(POOL).cut is None
        await cuts.applied(POOL, NOW)
        index.fails = True
        with pytest.raises(StoreUnavailable):
            await cuts.applied(POOL, NOW + KEPT_MS)
        assert cuts.last(POOL).cut == CUT
        assert cuts.last(replace(POOL, pool=replace(POOL.pool, epoch=4))).cut is None

    asyncio.run(scene())
