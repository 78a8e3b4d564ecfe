"""The source of related items: what a person touched brings what goes with it, sold or not."""

import asyncio

from msgspec.structs import replace

from builders import NOW
from read_rig import World, in_pool, request, shelf
from smallpool_core.pages import Answer
from smallpool_core.relations import Generation
from smallpool_core.users import Touched
from smallpool_service.candidates import Question
from smallpool_service.page import Page
from smallpool_service.rewrite import rewrite
from smallpool_service.settings import ReadSettings
from smallpool_service.sources.x2i import X2i, X2iPool

SETTINGS = ReadSettings()


def asked(world: World, touched: tuple[str, ...] = (), bought: tuple[str, ...] = (), **weights: int) -> Question:
    world.ports.catalogue.refresh()
    named = {name.replace("__", ":"): weight for name, weight in weights.items()}
    return Question(rewrite(1, world.ports.catalogue.live("p"), frozenset(), NOW, 10), named, touched, bought)


def found(world: World, question: Question, settings: ReadSettings = SETTINGS) -> Answer:
    return asyncio.run(X2i(world.reader, world.relations, settings).find(question))


def item_ids(answer: Answer) -> list[str]:
    return [hit.item_id for hit in answer.hits]


def test_what_goes_with_the_last_item_comes_first() -> None:
    world = World(*shelf(5))
    world.relations.put("view", "sold-1", "i001")
    world.relations.put("view", "sold-2", "i002")
    assert item_ids(found(world, asked(world, ("sold-2", "sold-1")))) == ["i002", "i001"]
    assert item_ids(found(world, asked(world, ("sold-1", "sold-2")))) == ["i001", "i002"]


def test_an_item_that_goes_with_several_outweighs_one_that_goes_with_the_last() -> None:
    world = World(*shelf(5))
    world.relations.put("view", "a", "i001")
    world.relations.put("view", "b", "i002")
    world.relations.put("view", "c", "i002")
    assert item_ids(found(world, asked(world, ("a", "b", "c")))) == ["i002", "i001"]


def test_a_hit_says_what_it_goes_with_the_heaviest_first() -> None:
    world = World(*shelf(5))
    for name in ("a", "b", "c", "d"):
        world.relations.put("view", name, "i001")
    world.relations.put("term", "brand:x", "i002")
    answer = found(world, asked(world, ("a", "b", "c", "d"), brand__x=1024))
    assert [hit.via for hit in answer.hits] == [("item:a", "item:b", "item:c"), ("brand:x",)]


def test_what_was_bought_brings_what_is_bought_beside_it() -> None:
    world = World(*shelf(5))
    world.relations.put("purchase", "a", "i003")
    world.relations.put("view", "a", "i004")
    assert item_ids(found(world, asked(world, bought=("a",)))) == ["i003"]


def test_only_items_in_the_pool_come_in() -> None:
    world = World(in_pool("i1"), replace(in_pool("i2"), pools=()))
    world.relations.put("view", "a", "i1", "i2", "gone")
    assert item_ids(found(world, asked(world, ("a",)))) == ["i1"]


def test_terms_bring_less_than_items() -> None:
    world = World(*shelf(5))
    world.relations.put("term", "brand:x", "i001", "i002")
    world.relations.put("term", "city:x", "i004")
    world.relations.put("view", "a", "i003")
    assert item_ids(found(world, asked(world, ("a",), brand__x=1024, city__x=1024))) == ["i003", "i001", "i002"]
    assert item_ids(found(world, asked(world, ("a",), brand__x=1024), ReadSettings(x2i_term_share=0.0))) == ["i003"]


def test_no_more_items_are_looked_up_than_the_setting_says() -> None:
    world = World(*shelf(5))
    world.relations.put("view", "old", "i001")
    assert found(world, asked(world, ("new", "old")), ReadSettings(x2i_items=1)).hits == ()


def test_somebody_of_whom_nothing_is_known_asks_nobody() -> None:
    world = World(*shelf(5))
    world.relations.is_down = True
    assert found(world, asked(world)) == Answer((), exhausted=True)


def test_the_lists_of_a_pool_are_asked_where_it_has_them() -> None:
    world = World(*shelf(5))
    world.relations.put("view", "a", "i001")
    world.relations.put("view", "a", "i002", pool_id="p")
    assert item_ids(asyncio.run(X2iPool(world.reader, world.relations, SETTINGS).find(asked(world, ("a",))))) == ["i002"]


def page_of(world: World, **changes: object) -> Page:
    world.triggers.states["u:u1"] = replace(world.triggers.states["u:u1"], recent=[Touched("sold", "click", NOW - 1)])
    return world.recall(explain=True, **changes)


def test_an_explained_page_says_which_item_brought_which() -> None:
    world = World(*shelf(30))
    world.likes(category__数码=1.0)
    world.relations.put("view", "sold", "i029")
    page = page_of(world, size=30)
    [line] = [line for line in page.items if line.item_id == "i029"]
    assert "x2i" in line.sources
    assert line.explain.via == ["item:sold"]  # type: ignore[union-attr]


def test_a_pool_that_has_lists_of_its_own_names_their_source() -> None:
    world = World(*shelf(30))
    world.likes(category__数码=1.0)
    world.relations.put("view", "sold", "i029", pool_id="p")
    assert not any("x2i_pool" in line.sources for line in page_of(world, size=30, dry_run=True).items)
    world.put_pool(own_relations=True)
    [line] = [line for line in page_of(world, size=30, dry_run=True).items if line.item_id == "i029"]
    assert "x2i_pool" in line.sources


def test_the_source_can_be_switched_off() -> None:
    world = World(*shelf(30), settings=ReadSettings(source_shares={"x2i": 0.0}, least_left_s=0, pools_refresh_ms=0))
    world.likes(category__数码=1.0)
    world.relations.put("view", "sold", "i029")
    assert not any("x2i" in line.sources for line in page_of(world, size=30).items)


def test_without_the_lists_a_page_is_made_of_the_others_and_says_so() -> None:
    world = World(*shelf(30))
    world.likes(category__数码=1.0)
    world.relations.is_down = True
    page = page_of(world)
    assert len(page.items) == request().size
    assert page.degraded == ["source:x2i"]
    assert page.trace.ages_ms == {}


def test_a_trace_says_how_old_the_lists_are() -> None:
    world = World(*shelf(3))
    assert world.recall().trace.ages_ms == {}
    world.relations.generation = Generation(1, NOW - 90_000, 0, NOW - 60_000)
    world.clock.advance(1_000)
    assert world.recall().trace.ages_ms == {"relations": 61_000}
    assert world.recaller.relation_age.age_ms() == 61_000
