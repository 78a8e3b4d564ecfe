"""What of a person becomes interests: what they touched, sold or not, what they like in the long run, words, tags."""

import asyncio
from typing import Any

import pytest

from builders import NOW
from encoder_rig import DIMENSIONS, GroupedPeople, HashedItems, floats, hashed, numbers_of, product
from read_rig import World, in_pool, liking
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.encoder_ports import Encoders, Interests, Parts
from smallpool_core.errors import ModelRefused, Problem, StoreError
from smallpool_core.pages import Query
from smallpool_core.users import Profile, Touched, TriggerState, UserEventType, Weighted
from smallpool_core.vectors import Vectors
from smallpool_service.interests import MOST_LONG, MOST_SHORT, Asking, InterestFinder, KnownInterests, last_touched
from smallpool_service.rewrite import rewrite

TEA = ("category:茶›普洱茶", "point:生普")
POT = ("category:紫砂›壶", "point:朱泥")


def shop() -> World:
    return World(
        in_pool("tea", "茶›普洱茶", terms=TEA),
        in_pool("tea2", "茶›普洱茶", terms=(*TEA, "tag:老")),
        in_pool("pot", "紫砂›壶", terms=POT),
    )


def asking(state: TriggerState | None = None, **changes: Any) -> Asking:
    return Asking(**({"state": state or TriggerState(), "profile": None, "words": None, "terms": (), "now": NOW} | changes))


def query_of(world: World) -> Query:
    world.ports.catalogue.refresh()
    return rewrite(10, world.ports.catalogue.live("p"), frozenset(), NOW, 10)


def found(world: World, asked: Asking, most_near: int = 0) -> KnownInterests | None:
    finder = InterestFinder(world.ports.vectors, world.ports.find_encoders, BehaviourSettings())
    return asyncio.run(finder.find(asked, query_of(world), most_near))


def touched(*item_ids: str, by: UserEventType = "click") -> list[Touched]:
    """They were touched one after another, a second apart, the last one now."""
    return [Touched(item_id, by, NOW - 1000 * place) for place, item_id in enumerate(reversed(item_ids))][::-1]


def people_of(encoders: Encoders) -> GroupedPeople:
    assert isinstance(encoders.people, GroupedPeople)
    return encoders.people


def test_a_single_click_is_one_interest_as_like_the_item_as_it_is_itself() -> None:
    world = shop()
    world.embeds()
    known = found(world, asking(TriggerState(recent=touched("tea"))))
    assert known is not None
    assert (len(known), known.found.shares, known.ils) == (1, (1.0,), 0.0)
    [vector] = HashedItems().encode([Parts("茶›普洱茶", ("point:生普",))])
    assert product(numbers_of(vector), numbers_of(known.found.vectors.values)) == pytest.approx(1.0, abs=1e-3)


def test_what_is_touched_is_of_the_short_horizon_and_weighs_by_what_was_done_and_when() -> None:
    world = shop()
    people = people_of(world.embeds())
    bought = [Touched("tea2", "purchase", NOW - 60_000)]
    found(world, asking(TriggerState(recent=touched("tea", "pot", by="bid"), bought=bought)))
    weights = BehaviourSettings().behaviour_weights
    assert [(one.weight, one.age_s, one.horizon) for one in people.asked[0]] == [
        (weights["bid"], 0.0, "short"),
        (weights["bid"], 1.0, "short"),
        (weights["purchase"], 60.0, "short"),
    ]


def test_terms_of_the_long_horizon_are_embedded_as_items_that_have_nothing_else_the_heaviest_first() -> None:
    world = shop()
    encoders = world.embeds()
    liked = {"category:茶›普洱茶": 3.0, "brand:大益": 2.0, "seller:s1": 9.0, "city:杭州": 9.0}
    found(world, asking(TriggerState(long={name: Weighted(weight, NOW) for name, weight in liked.items()})))
    assert isinstance(encoders.items, HashedItems)
    assert encoders.items.asked == [Parts("茶›普洱茶"), Parts("", ("brand:大益",))]
    assert [(one.weight, one.horizon) for one in people_of(encoders).asked[0]] == [(3.0, "long"), (2.0, "long")]


def test_no_more_than_sixty_four_things_are_told_apart() -> None:
    names = [f"i{place:03}" for place in range(80)]
    world = World(*[in_pool(name, f"类›{name}", terms=(f"category:类›{name}",)) for name in names])
    people = people_of(world.embeds())
    long = {f"brand:b{place}": Weighted(1.0, NOW) for place in range(40)}
    found(world, asking(TriggerState(recent=touched(*names), long=long), words="普洱", terms=TEA))
    horizons = [one.horizon for one in people.asked[0]]
    assert (horizons.count("short"), horizons.count("long")) == (MOST_SHORT + 1, MOST_LONG)
    assert len(horizons) == 64


def test_the_words_of_a_request_are_an_item_of_the_terms_that_they_stand_for() -> None:
    world = shop()
    encoders = world.embeds()
    known = found(world, asking(words="生普", terms=TEA))
    assert known is not None
    assert isinstance(encoders.items, HashedItems)
    assert encoders.items.asked[-1] == Parts("茶›普洱茶", ("point:生普",))


def test_an_encoder_of_words_reads_them_where_there_is_one() -> None:
    class Words:
        model = hashed().items.model
        version = "words"

        def encode(self, texts: Any) -> list[bytes]:
            return hashed().items.encode([Parts("紫砂›壶") for _ in texts])

    world = shop()
    encoders = world.embeds(Encoders(HashedItems(), GroupedPeople(), Words()))
    known = found(world, asking(words="壶", terms=TEA))
    assert known is not None
    [pot] = encoders.items.encode([Parts("紫砂›壶")])
    assert product(numbers_of(pot), numbers_of(known.found.vectors.values)) == pytest.approx(1.0, abs=1e-3)


def test_tags_of_the_profile_are_the_profile_and_all_there_is_of_somebody_who_did_nothing() -> None:
    world = shop()
    people = people_of(world.embeds())
    tagged = Profile(tags=("茶友",))
    assert found(world, asking(TriggerState(recent=touched("tea")), profile=tagged)) is not None
    assert found(world, asking(profile=tagged)) is not None
    [tag] = HashedItems().encode([Parts("", ("tag:茶友",))])
    assert people.profiles == [[tag], [tag]]
    assert [(one.vector, one.horizon) for one in people.asked[1]] == [(tag, "long")]


def test_of_a_stranger_and_of_what_nobody_has_a_vector_of_there_are_no_interests() -> None:
    world = shop()
    world.embeds()
    assert found(world, asking()) is None
    assert found(world, asking(TriggerState(recent=touched("never-indexed")))) is None
    assert found(world, asking(liking({"seller:s1": 1.0}))) is None


def test_without_a_model_there_are_no_interests_and_nothing_fails() -> None:
    assert found(shop(), asking(TriggerState(recent=touched("tea")))) is None


def test_where_vectors_are_of_a_model_that_is_not_here_it_is_said_which() -> None:
    world = shop()
    world.embeds()
    world.vectors.model = "another"
    with pytest.raises(StoreError, match="'another'"):
        found(world, asking(TriggerState(recent=touched("tea"))))


def test_the_categories_nearest_to_an_interest_are_those_of_the_pool_by_their_items() -> None:
    world = shop()
    world.embeds()
    known = found(world, asking(TriggerState(recent=touched("tea"))), most_near=5)
    assert known is not None
    assert [[category for category, _ in near] for near in known.near] == [["茶›普洱茶", "紫砂›壶"]]


def test_items_of_one_kind_are_alike_and_of_several_are_not() -> None:
    world = shop()
    world.embeds()
    one_kind = found(world, asking(TriggerState(recent=touched("tea", "tea2"))))
    two_kinds = found(world, asking(TriggerState(recent=touched("tea", "pot"))))
    assert one_kind is not None
    assert two_kinds is not None
    assert one_kind.ils > 0.85 > two_kinds.ils


def test_an_item_stands_where_it_was_touched_last_whatever_was_done_with_it_before() -> None:
    names = [f"i{place:03}" for place in range(60)]
    clicked = [Touched(name, "click", NOW - 60_000 + 1000 * place) for place, name in enumerate(names)]
    last = last_touched(TriggerState(recent=clicked, bought=[Touched("i000", "purchase", NOW)]))
    assert len(last) == MOST_SHORT
    assert [(one.item_id, one.type) for one in last[:3]] == [("i000", "purchase"), ("i059", "click"), ("i058", "click")]


class _Ailing(GroupedPeople):
    """A net of people that raises, or makes no vectors."""

    def __init__(self, value: float | None) -> None:
        super().__init__()
        self._value = value

    def interests(self, tokens: Any, profile: Any = ()) -> Interests:
        if self._value is None:
            raise RuntimeError("the graph failed")
        return Interests(Vectors(self.model, DIMENSIONS, floats(*[self._value] * DIMENSIONS)), (1.0,))


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), 0.0])
def test_case_27_a_net_of_people_that_fails_costs_a_page_its_vectors_and_nothing_else(value: float | None) -> None:
    world = shop()
    world.embeds(Encoders(HashedItems(), _Ailing(value)))
    world.put_pool(weights={"vector": 1.0, "match": 1.0}, sources={"vectors": 0.5})
    world.triggers.states["u:u1"] = TriggerState(recent=touched("tea"))
    page = world.recall(dry_run=True)
    assert len(page.items) == 3
    assert page.degraded == ["vectors"]


def test_a_model_that_is_refused_when_it_is_asked_for_costs_a_page_its_vectors_and_nothing_else() -> None:
    def refuses(_: str) -> Encoders:
        raise ModelRefused([Problem("models/intent/manifest.json", "nothing readable", "copy the folder whole")])

    world = shop()
    world.embeds()
    world.put_pool(sources={"vectors": 0.5})
    world.triggers.states["u:u1"] = TriggerState(recent=touched("tea"))
    world.recaller._finder._find_encoders = refuses
    page = world.recall(dry_run=True)
    assert (len(page.items), page.degraded) == (3, ["vectors"])


@pytest.mark.parametrize(("left_ms", "asks"), [(20, False), (200, True)])
def test_where_there_is_no_time_for_sources_that_go_by_interests_none_are_worked_out(left_ms: int, asks: bool) -> None:
    world = shop()
    people = people_of(world.embeds())
    world.put_pool(sources={"vectors": 0.5, "latent": 0.5})
    world.triggers.states["u:u1"] = TriggerState(recent=touched("tea"))
    page = world.recall(dry_run=True, deadline_ms=NOW + left_ms)
    assert len(page.items) == 3
    assert ("shed:vectors" in page.degraded, bool(people.asked)) == (not asks, asks)
