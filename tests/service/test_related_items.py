"""Items beside one keep the rules of pages: of time, of what is over soon, of what is said where something fails."""

import asyncio
from collections.abc import Collection

import pytest
from msgspec.structs import replace

from builders import NOW
from read_rig import World, in_pool
from smallpool_core.errors import NotFound, StoreUnavailable
from smallpool_core.items import WideItem
from smallpool_service.related import RelatedItems, related_items

PHONE = ("category:数码›手机", "brand:apple")


def shop() -> World:
    return World(in_pool("one", terms=PHONE), in_pool("ending", terms=PHONE, expires_at=NOW + 4_000), in_pool("same", terms=PHONE))


def beside(world: World, item_id: str = "one", size: int = 5) -> RelatedItems:
    return asyncio.run(related_items(world.recaller, item_id, "view", "p", size))


def ids(found: RelatedItems) -> list[str]:
    return [item.item_id for item in found.items]


async def never(_: Collection[str]) -> dict[str, WideItem]:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


def test_what_ends_too_soon_to_be_opened_is_beside_nothing() -> None:
    world = shop()
    assert ids(beside(world)) == ["ending", "same"]
    world.relations.put("view", "one", "ending")
    world.recaller.settings = replace(world.recaller.settings, least_left_s=5)
    assert ids(beside(world)) == ["same"]


def test_nothing_says_that_there_is_no_more_where_something_failed() -> None:
    world = shop()
    assert (beside(world).short, beside(world).degraded) == ("exhausted", [])
    world.relations.is_down = True
    assert beside(world).short is None
    assert "x2i" in beside(world).degraded


def test_an_item_that_cannot_be_read_in_time_is_told_at_the_deadline() -> None:
    world = shop()
    world.recaller.settings = replace(world.recaller.settings, timeout_ms=30)
    world.reader.get = never  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable, match="no answer in 30 ms"):
        beside(world)


def test_an_item_that_was_never_indexed_is_not_found() -> None:
    with pytest.raises(NotFound, match="item"):
        beside(shop(), "nothing")
