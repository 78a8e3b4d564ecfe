"""What nobody has been shown gets its first exposures within its life, and places that the order by score would not give it."""

import asyncio
from collections import Counter

import pytest

from builders import HOUR, NOW
from read_rig import World, ids, in_pool, shelf
from smallpool_core.users import Identity
from smallpool_service.candidates import Question
from smallpool_service.rewrite import rewrite
from smallpool_service.sources.explore import LITTLE_SHOWN, Explore, seed_of

PAGES = 40
LIFE = 6 * HOUR


def an_evening(explore: float) -> Counter[str]:
    """How often each item was on a page, over the six hours that the newcomer has: people come one after another, each page is seen, and
    what everybody acts on is elsewhere.
    """
    world = World(*shelf(40, quality=900), in_pool("new", "新", published_at=NOW, expires_at=NOW + LIFE, quality=100), explore=explore)
    world.stats.items[""] = {item_id: 9.0 for item_id in world.items if item_id != "new"}
    shown: Counter[str] = Counter()
    for turn in range(PAGES):
        shown.update(world.page(identity=Identity(f"u{turn}", None), request_id=f"r{turn}"))
        world.stats.shown[""] = dict(shown)
        world.clock.advance(LIFE // (PAGES + 1))
    return shown


def test_a_new_item_is_shown_within_its_life_where_without_exploring_nobody_is_shown_it() -> None:
    assert an_evening(explore=0)["new"] == 0
    assert an_evening(explore=0.05)["new"] >= 1


def test_what_has_had_its_chance_makes_room_for_others() -> None:
    shown = an_evening(explore=0.5)
    assert shown["new"] == LITTLE_SHOWN
    assert len(shown) == 41


def test_a_page_with_explored_items_says_which_they_are_and_is_the_same_each_time() -> None:
    world = World(*shelf(40), explore=0.2)
    first, again = (world.recall(dry_run=True, request_id="r", explain=True) for _ in range(2))
    assert ids(first) == ids(again)
    explored = [item for item in first.items if item.item_id > "i009"]
    assert len(explored) == 2
    assert all("explore" in item.explain.sources for item in explored if item.explain)
    assert ids(first) != ids(world.recall(dry_run=True, request_id="another"))


def test_a_pool_says_how_much_of_its_pages_is_explored() -> None:
    world = World(*shelf(60))
    world.put_pool(sources={"explore": 0.3})
    assert sum(item_id > "i009" for item_id in world.page(request_id="r")) == 3
    world.put_pool(sources={"explore": 0.0})
    assert all(item_id <= "i009" for item_id in world.page(request_id="r2", dry_run=True, identity=Identity("u2", None)))


def test_what_was_shown_least_is_tried_first_and_of_equals_what_ends_first() -> None:
    ends = {"once": HOUR, "soon": 2 * HOUR, "later": 5 * HOUR}
    world = World(
        *[in_pool(item_id, item_id, expires_at=NOW + left) for item_id, left in ends.items()], in_pool("often"), in_pool("ever", "永")
    )
    world.stats.shown[""] = {"once": 1, "often": LITTLE_SHOWN}
    world.ports.catalogue.refresh()
    asked = Question(rewrite(10, world.ports.catalogue.live("p"), frozenset(), NOW, 10), {}, seed=seed_of("r"))
    found = asyncio.run(Explore(world.live, world.stats).find(asked))
    assert [hit.item_id for hit in found.hits] == ["soon", "later", "ever", "once"]
    assert found.exhausted


def test_a_pool_that_only_its_rule_tells_of_is_not_explored() -> None:
    world = World(*shelf(20), explore=0.5)
    world.put_pool(trusted=False)
    assert world.page(request_id="r") == [f"i{place:03}" for place in range(10)]


def test_without_the_counts_the_page_goes_on_without_exploring_and_says_so() -> None:
    world = World(*shelf(20), explore=0.2)
    world.stats.is_down = True
    page = world.recall()
    assert len(page.items) == 10
    assert "source:explore" in page.degraded


@pytest.mark.parametrize("request_id", ["", "r", "件\ud800"])
def test_every_request_id_has_a_seed(request_id: str) -> None:
    assert 0 <= seed_of(request_id) == seed_of(request_id) < 2**63
