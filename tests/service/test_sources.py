import asyncio
from typing import Any

from msgspec.structs import replace

from builders import NOW
from read_rig import World, hit, in_pool, liking, shelf
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.pages import Answer
from smallpool_service.candidates import Question, Recalled
from smallpool_service.interests import Asking, InterestFinder
from smallpool_service.rewrite import rewrite
from smallpool_service.sources.latent import MOST_NEAR, Latent
from smallpool_service.sources.newest import Newest
from smallpool_service.sources.popular import Popular
from smallpool_service.sources.terms import Terms
from smallpool_service.sources.vectors import Vectors, by_shares
from smallpool_service.spread import spread


def question(world: World, size: int = 1, pool_id: str = "p", **weights: int) -> Question:
    world.ports.catalogue.refresh()
    named = {name.replace("__", ":"): weight for name, weight in weights.items()}
    return Question(rewrite(size, world.ports.catalogue.live(pool_id), frozenset(), NOW, 10), named)


def found(source: Any, asked: Question) -> Answer:
    answer: Answer = asyncio.run(source.find(asked))
    return answer


def item_ids(answer: Answer) -> list[str]:
    return [hit.item_id for hit in answer.hits]


def test_newest_gives_what_was_published_last_first() -> None:
    world = World(*shelf(12))
    answer = found(Newest(world.reader), question(world))
    assert item_ids(answer) == [f"i{place:03}" for place in range(10)]
    assert not answer.exhausted


def test_popular_gives_what_others_act_on_in_this_pool_and_then_the_best_by_static_score() -> None:
    world = World(in_pool("a", "甲", static_score=1), in_pool("b", "乙", static_score=2), in_pool("c", "丙", static_score=3))
    world.stats.items = {"p": {"a": 9.0, "sold-long-ago": 10.0}, "": {"b": 99.0}}
    answer = found(Popular(world.reader, world.stats), question(world))
    assert item_ids(answer) == ["a", "c", "b"]
    assert answer.exhausted


def test_popular_at_home_goes_by_the_whole_site() -> None:
    world = World(in_pool("a", "甲", static_score=1), in_pool("b", "乙"))
    world.stats.items = {"": {"b": 1.0}}
    assert item_ids(found(Popular(world.reader, world.stats), question(world, pool_id="home"))) == ["b", "a"]


def test_popular_asks_for_no_topping_when_the_popular_ones_are_enough() -> None:
    world = World(*shelf(12))
    world.stats.items = {"p": dict.fromkeys(world.items, 1.0)}
    answer = found(Popular(world.reader, world.stats), question(world))
    assert (len(answer.hits), len(world.reader.queries)) == (10, 1)
    assert not answer.exhausted


def test_terms_asks_nothing_for_someone_who_wants_nothing() -> None:
    world = World(in_pool("a"))
    assert found(Terms(world.reader, 0.4), question(world)) == Answer((), exhausted=True)
    assert world.reader.queries == []


def test_terms_goes_by_the_weight_of_what_matched() -> None:
    world = World(in_pool("a", "甲", terms=("brand:x",), static_score=511), in_pool("b", "乙", terms=("brand:y",)), in_pool("c", "丙"))
    answer = found(Terms(world.reader, 0.4), question(world, brand__x=1, brand__y=3))
    assert item_ids(answer) == ["b", "a"]


def crowded(*, light: int) -> tuple[World, Question, Answer]:
    """A pool where thirty items match the heavy trigger and few the light one, and what terms gives of ten wanted."""
    items = [in_pool(f"heavy{place:02}", f"甲{place}", terms=("brand:heavy",)) for place in range(30)]
    items += [in_pool(f"light{place:02}", f"乙{place}", terms=("brand:light",)) for place in range(light)]
    world = World(*items)
    asked = question(world, brand__heavy=1024, brand__light=1)
    return world, asked, found(Terms(world.reader, 0.4), asked)


def spread_out(answer: Answer, asked: Question) -> list[str]:
    return [hit.item_id for hit in spread(Recalled({"terms": answer}), asked, 0.4).by_source["terms"]]


def test_where_one_trigger_crowds_the_others_out_they_are_asked_for_what_they_have_left() -> None:
    _, asked, answer = crowded(light=12)
    assert not answer.exhausted
    assert spread_out(answer, asked) == [f"heavy{place:02}" for place in range(4)] + [f"light{place:02}" for place in range(4)]


def test_where_the_others_have_nothing_left_the_crowding_trigger_fills_up() -> None:
    _, asked, answer = crowded(light=2)
    assert answer.exhausted
    assert spread_out(answer, asked) == [f"heavy{place:02}" for place in range(8)] + ["light00", "light01"]


def test_terms_asks_once_where_little_is_cut() -> None:
    items = [in_pool(f"heavy{place:02}", f"甲{place}", terms=("brand:heavy", "tag:x")) for place in range(6)]
    items += [in_pool(f"light{place:02}", f"乙{place}", terms=("brand:light",)) for place in range(9)]
    world = World(*items)
    asked = question(world, brand__heavy=1024, brand__light=512)
    answer = found(Terms(world.reader, 0.4), asked)
    assert len(world.reader.queries) == 1
    assert spread_out(answer, asked) == [f"heavy{place:02}" for place in range(4)] + [f"light{place:02}" for place in range(4)]


def test_a_trigger_that_stands_alone_is_asked_once() -> None:
    world = World(*[in_pool(f"i{place:02}", f"甲{place}", terms=("brand:x",)) for place in range(30)])
    assert len(found(Terms(world.reader, 0.4), question(world, brand__x=1024)).hits) == 10
    assert len(world.reader.queries) == 1


PHONES, JADE = ("category:手机", "point:双卡"), ("category:手串", "point:老料")


def liked_by_kind() -> World:
    """Many phones that match all that somebody likes, jade that matches a part of it, and a stone that matches nothing."""
    phones = [in_pool(f"p{place}", f"机{place}", terms=(*PHONES, f"brand:b{place}")) for place in range(9)]
    jade = [in_pool(f"j{place}", f"玉{place}", terms=JADE) for place in range(3)]
    return World(*phones, *jade, in_pool("stone", "石", terms=("tag:old",)))


def asked_by(world: World, limit: int, **liked: float) -> Question:
    """The question of somebody who likes these terms, with their interests."""
    world.embeds()
    asked = shared_of(question(world), limit)
    state = liking({name.replace("__", ":"): weight for name, weight in liked.items()})
    finder = InterestFinder(world.ports.vectors, world.ports.find_encoders, BehaviourSettings())
    known = asyncio.run(finder.find(Asking(state, None, None, (), NOW), asked.query, MOST_NEAR))
    return replace(asked, interests=known)


def test_vectors_gives_each_interest_its_share_and_says_which_brought_an_item() -> None:
    world = liked_by_kind()
    answer = found(Vectors(world.ports.vectors), asked_by(world, 6, category__手机=1000, category__手串=1000))
    assert sorted((hit.item_id[0], hit.interest) for hit in answer.hits[:2]) == [
        ("j", answer.hits[0].interest),
        ("p", answer.hits[1].interest),
    ]
    assert [hit.item_id[0] for hit in answer.hits] == [hit.item_id[0] for hit in answer.hits[:2]] * 3
    assert not answer.exhausted
    most = found(Vectors(world.ports.vectors), asked_by(world, 6, category__手机=1024, category__手串=300))
    assert "".join(hit.item_id[0] for hit in most.hits) == "ppjppp"


def test_an_interest_that_stands_for_next_to_nothing_comes_last() -> None:
    wanted, other = [hit("a"), hit("b")], [hit("x"), hit("a")]
    assert [one.item_id for one in by_shares([wanted, other], [0.999, 0.001])] == ["a", "b", "x"]
    assert [one.item_id for one in by_shares([wanted, other], [1.0, 0.0])] == ["a", "b", "x"]
    assert [one.item_id for one in by_shares([wanted, other], [0.5, 0.5])] == ["a", "x", "b"]


def test_vectors_gives_no_item_twice() -> None:
    world = World(in_pool("both", terms=(*PHONES, *JADE)))
    answer = found(Vectors(world.ports.vectors), asked_by(world, 10, category__手机=9, category__手串=9))
    assert item_ids(answer) == ["both"]
    assert answer.exhausted


def test_neither_vectors_nor_latent_asks_anything_for_somebody_of_whom_nothing_is_known() -> None:
    world = liked_by_kind()
    asked = asked_by(world, 10)
    assert asked.interests is None
    for source in (Vectors(world.ports.vectors), Latent(world.ports.vectors)):
        assert found(source, asked) == Answer((), exhausted=True)
    assert world.vectors.asked == []


def test_a_pool_switches_vectors_on_and_weighs_how_like_its_items_are() -> None:
    world = liked_by_kind()
    world.embeds()
    world.put_pool(weights={"vector": 1.0}, sources={"vectors": 0.25})
    world.likes(category__手串=1.0, point__老料=1.0)
    page = world.recall(size=5, explain=True, dry_run=True)
    assert [item.item_id for item in page.items[:3]] == ["j0", "j1", "j2"]
    assert "vectors" in page.items[0].sources
    scores = [item.explain.score["vector"] for item in page.items if item.explain]
    assert scores[0] > 0.85
    assert all(0.3 < score < 0.7 for score in scores[3:])


def test_for_somebody_whose_wishes_say_nothing_of_what_items_are_how_like_they_are_does_not_count() -> None:
    world = liked_by_kind()
    world.embeds()
    world.put_pool(weights={"vector": 1.0, "quality": 1.0})
    world.likes(seller__s1=1.0)
    page = world.recall(size=3, explain=True, dry_run=True)
    assert all(item.explain and item.explain.score.keys() == {"quality"} for item in page.items)


def test_where_the_vectors_fail_the_page_goes_on_without_them_and_says_so() -> None:
    world = liked_by_kind()
    world.embeds()
    world.put_pool(weights={"vector": 1.0, "match": 1.0}, sources={"vectors": 0.25})
    world.likes(category__手串=1.0)
    world.vectors.is_down = True
    page = world.recall(size=5)
    assert len(page.items) == 5
    assert "vectors" in page.degraded


def shared_of(asked: Question, limit: int) -> Question:
    return replace(asked, query=replace(asked.query, limit=limit))
