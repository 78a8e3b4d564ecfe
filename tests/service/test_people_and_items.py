import asyncio
from math import nan

import pytest

from builders import NOW
from read_rig import U1, World, in_pool, liking
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.errors import NotFound, Refused
from smallpool_core.users import Profile, Touched
from smallpool_service.items import MAX_ITEMS, get_item, get_items
from smallpool_service.people import erase_person, erase_seen, put_profile, view_person, view_triggers

SETTINGS = BehaviourSettings()


def test_a_person_is_shown_with_profile_and_triggers_as_of_now() -> None:
    world = World(in_pool("i1", terms=("brand:pending",)))
    world.triggers.states["u:u1"] = liking({"brand:a": 1.0})
    world.triggers.states["u:u1"].pending = [Touched("i1", "click", NOW)]
    asyncio.run(put_profile(world.ports, U1, ["ＡＢＣ", "abc"], {"age": 30}))
    view = asyncio.run(view_person(world.ports, U1, SETTINGS, 0.5))
    assert (view.user_id, view.device_id, view.tags, view.attributes) == ("u1", None, ("abc",), {"age": 30})
    assert [trigger.term for trigger in view.triggers] == ["brand:pending", "brand:a", "tag:abc"]
    assert view.triggers[2].weight == view.triggers[0].weight / 2
    assert asyncio.run(view_triggers(world.ports, U1, SETTINGS)) == view.triggers[:2]


def test_a_stranger_is_shown_as_someone_of_whom_nothing_is_known() -> None:
    view = asyncio.run(view_person(World().ports, U1, SETTINGS, 0.5))
    assert (view.tags, view.attributes, view.triggers, view.bought, view.recent) == ((), {}, [], [], [])


def test_a_profile_is_replaced_as_a_whole_and_dated() -> None:
    world = World()
    asyncio.run(put_profile(world.ports, U1, ["a"], {"x": 1}))
    assert asyncio.run(put_profile(world.ports, U1, ["b"], {})) == Profile(("b",), {}, NOW)
    assert world.profiles.profiles["u:u1"] == Profile(("b",), {}, NOW)


def test_a_profile_that_breaks_limits_is_refused_with_every_problem() -> None:
    with pytest.raises(Refused) as caught:
        asyncio.run(put_profile(World().ports, U1, ["fine", "", "x\x1f"], {"n" * 200: 1, "text": "\ud800", "score": nan}))
    assert [problem.path for problem in caught.value.problems] == [
        "tags[1]",
        "tags[2]",
        "attributes (a name)",
        "attributes.text",
        "attributes.score",
    ]
    with pytest.raises(Refused, match="101 tags"):
        asyncio.run(put_profile(World().ports, U1, ["t"] * 101, {}))
    with pytest.raises(Refused, match="51 attributes"):
        asyncio.run(put_profile(World().ports, U1, [], {str(place): 1 for place in range(51)}))


def test_erasing_a_person_leaves_nothing_of_them_and_all_of_others() -> None:
    world = World(in_pool("i1"))
    world.triggers.states |= {"u:u1": liking({"brand:a": 1.0}), "u:u2": liking({"brand:a": 1.0})}
    asyncio.run(put_profile(world.ports, U1, ["a"], {}))
    page = world.page()
    asyncio.run(erase_person(world.ports, U1))
    assert (list(world.triggers.states), world.profiles.profiles) == (["u:u2"], {})
    assert world.people.erased == {"u:u1": world.log.end("user-events")}
    assert world.page() == page


def test_erasing_seen_lists_keeps_triggers_and_can_be_of_one_pool() -> None:
    world = World(in_pool("i1", pools=("p", "q")))
    world.put_pool("q")
    world.likes(brand__a=1.0)
    assert (world.page(), world.page(pool_id="q")) == (["i1"], ["i1"])
    asyncio.run(erase_seen(world.ports, U1, "p"))
    assert (world.page(), world.page(pool_id="q")) == (["i1"], [])
    asyncio.run(erase_seen(world.ports, U1, None))
    assert (world.page(), world.page(pool_id="q")) == (["i1"], ["i1"])
    assert "u:u1" in world.triggers.states


def test_items_are_read_whole_and_removed_ones_too() -> None:
    world = World(in_pool("a"), in_pool("b", state="sold"))
    assert asyncio.run(get_item(world.reader, "b")).state == "sold"
    assert set(asyncio.run(get_items(world.reader, ["a", "b", "c"]))) == {"a", "b"}


def test_an_unknown_item_is_not_found_and_too_many_are_refused() -> None:
    world = World()
    with pytest.raises(NotFound, match="no item is named 'x'"):
        asyncio.run(get_item(world.reader, "x"))
    with pytest.raises(Refused, match=f"{MAX_ITEMS + 1} ids"):
        asyncio.run(get_items(world.reader, [str(place) for place in range(MAX_ITEMS + 1)]))
