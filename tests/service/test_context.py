"""The context of a request is made of triggers of that request alone."""

import pytest
from msgspec import json

from builders import NOW
from read_rig import World, in_pool, request, shelf
from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.errors import Refused
from smallpool_core.terms import MAX_TRIGGERS, Trigger
from smallpool_service.context import Context, context_shares, with_context
from smallpool_service.recaller import Recaller
from smallpool_service.request import check_request
from smallpool_service.run import ReadPorts
from smallpool_service.served import ServedPage
from smallpool_service.settings import ReadSettings

BEHAVIOUR = BehaviourSettings()


def reading(world: World, **terms: tuple[str, ...]) -> World:
    """The world, in which these words stand for these terms and all others for none."""
    ports = world.ports
    known = ReadPorts(**{name: getattr(ports, name) for name in ReadPorts.__slots__} | {"read_query": lambda text: terms.get(text, ())})
    world.recaller = Recaller(known, settings=ReadSettings(pools_refresh_ms=0))
    return world


def market() -> World:
    return reading(
        World(
            *shelf(30, static_score=400, terms=("brand:often",)),
            in_pool("asked", "求", terms=("brand:rare", "category:求")),
            in_pool("here", "近", terms=("city:杭州",)),
        ),
        rare=("brand:rare",),
    )


def test_the_words_of_a_query_are_triggers_of_this_request_and_of_no_other() -> None:
    world = market()
    world.likes(brand__often=5.0)
    world.put_pool(weights={"match": 1.0})
    assert world.page(context=Context(query="rare"), dry_run=True)[0] == "asked"
    assert "asked" not in world.page(dry_run=True)
    assert world.triggers.states["u:u1"].short.keys() == {"brand:often"}


def test_a_city_brings_what_lies_there() -> None:
    world = market()
    world.likes(brand__often=5.0)
    page = world.recall(context=Context(city="杭州"), size=32, explain=True)
    [here] = [item for item in page.items if item.item_id == "here"]
    assert "terms" in here.sources
    assert here.explain.triggers == {"city:杭州": 307}  # type: ignore[union-attr]


def test_a_stranger_with_a_query_is_asked_for_by_it() -> None:
    world = market()
    page = world.recall(context=Context(query="rare"), explain=True)
    [asked] = [item for item in page.items if item.item_id == "asked"]
    assert asked.explain.triggers == {"brand:rare": 1024}  # type: ignore[union-attr]


def test_a_query_of_which_nothing_is_understood_changes_nothing() -> None:
    world = market()
    asked = {"request_id": "r", "dry_run": True}
    assert world.page(context=Context(query="*:*) OR (title:[* TO *]"), **asked) == world.page(**asked)


def test_what_reads_queries_may_fail_and_costs_the_query_alone() -> None:
    world = reading(market())
    ports = world.recaller.ports

    def fails(_: str) -> tuple[str, ...]:
        raise ValueError("no dictionary")

    failing = ReadPorts(**{name: getattr(ports, name) for name in ReadPorts.__slots__} | {"read_query": fails})
    world.recaller = Recaller(failing, settings=ReadSettings(pools_refresh_ms=0))
    page = world.recall(context=Context(query="x"))
    assert len(page.items) == 10
    assert page.degraded == ["query"]


def test_the_context_is_kept_with_what_was_served() -> None:
    world = market()
    world.recall(context=Context("杭州", 21, "rare"))
    [(_, _, value)] = [record for record in world.log.records if record[0] == "served"]
    assert json.decode(value, type=ServedPage).context == Context("杭州", 21, "rare")


def test_a_term_of_the_query_weighs_by_its_share_and_the_city_by_its_own() -> None:
    shares = context_shares(Context("杭州"), ("category:数码›手机", "category:数码", "brand:apple"), BEHAVIOUR, 2.0, 0.5)
    assert shares == {"category:数码›手机": 2.0, "brand:apple": 1.6, "category:数码": 0.8, "city:杭州": 0.5}


def test_a_share_of_nought_switches_a_part_off() -> None:
    assert context_shares(Context("杭州"), ("brand:apple",), BEHAVIOUR, 0.0, 0.0) == {}


def test_triggers_of_the_context_have_their_place_among_the_twenty() -> None:
    own = [Trigger(f"brand:b{number:02}", 100.0 - number, NOW) for number in range(30)]
    asked = with_context(own, {"city:杭州": 0.01, "brand:b00": 0.5}, NOW)
    assert len(asked) == MAX_TRIGGERS
    assert {trigger.term: trigger.weight for trigger in asked}["city:杭州"] == 1.0
    assert {trigger.term: trigger.weight for trigger in asked}["brand:b00"] == 100.0


@pytest.mark.parametrize(
    ("context", "path"),
    [
        (Context(hour=24), "context.hour"),
        (Context(hour=-1), "context.hour"),
        (Context(city=" "), "context.city"),
        (Context(query="字" * 201), "context.query"),
        (Context(query="a\x00b"), "context.query"),
        (Context(query="\ud800"), "context.query"),
    ],
)
def test_a_context_beyond_its_limits_is_refused_with_its_path(context: Context, path: str) -> None:
    with pytest.raises(Refused) as refused:
        check_request(request(context=context))
    assert [problem.path for problem in refused.value.problems] == [path]
