"""A request with both ids links them before its claim; a dry one does not, and a store that fails costs the link alone."""

import asyncio

import pytest

from builders import NOW
from read_rig import World, ids, shelf
from smallpool_core.linking import Link
from smallpool_core.users import Identity
from smallpool_service.settings import ReadSettings

BOTH = Identity("u1", "d1")


def test_a_page_for_both_ids_links_them_at_the_instant_of_the_call() -> None:
    world = World(*shelf(20))
    world.recall(identity=BOTH)
    assert world.links.links == {"d1": Link("u1", NOW)}


@pytest.mark.parametrize("asked", [{"identity": Identity("u1", None)}, {"identity": Identity(None, "d1")}, {"dry_run": True}])
def test_one_id_alone_links_nobody_nor_does_a_dry_run(asked: dict[str, object]) -> None:
    world = World(*shelf(20))
    world.recall(**({"identity": BOTH} | asked))
    assert world.links.links == {}


def test_what_was_read_before_the_merge_is_read_again() -> None:
    world = World(*shelf(30))
    browsed = ids(world.recall(identity=Identity(None, "d1")))

    def merges(device_id: str, user_id: str) -> bool:
        people = world.seen.real._people
        people[f"u:{user_id}"] = people.pop(f"d:{device_id}")
        return True

    world.links.merges = merges
    page = world.recall(identity=BOTH, explain=True)
    assert set(ids(page)) & set(browsed) == set()
    assert world.reader.queries[-1].excluded >= set(browsed)


@pytest.mark.parametrize("hangs", [False, True])
def test_a_page_is_claimed_without_the_link_where_its_store_fails_or_hangs(monkeypatch: pytest.MonkeyPatch, hangs: bool) -> None:
    world = World(*shelf(20), settings=ReadSettings(timeout_ms=200, pools_refresh_ms=0))

    async def never(*_: object) -> bool:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    world.links.is_down = True
    if hangs:
        monkeypatch.setattr(world.links, "link", never)
    page = world.recall(identity=BOTH)
    assert (len(ids(page)), page.degraded, len(world.seen.claims)) == (10, ["links"], 1)
