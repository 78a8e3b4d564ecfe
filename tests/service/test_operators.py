"""What operators send is checked as a whole, whoever sends it on."""

from typing import Any, get_args

import pytest

from read_rig import EVERYTHING, World, in_pool
from smallpool_core.errors import Refused
from smallpool_core.pools import DIMENSIONS, Dimension, Ordering, PoolDraft, PoolSettings
from smallpool_service.operators import check_draft, known_rule, parse_rule


def refused(pool_id: str = "p", **draft: Any) -> list[str]:
    with pytest.raises(Refused) as caught:
        check_draft(World().ports.catalogue, pool_id, PoolDraft(**draft))
    return [problem.path for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("settings.max_per_category", PoolSettings(max_per_category=0)),
        ("settings.max_per_category", PoolSettings(max_per_category=101)),
        ("settings.seen_size", PoolSettings(seen_size=99)),
        ("settings.seen_size", PoolSettings(seen_size=2_001)),
        ("settings.spread_level", PoolSettings(spread_level=0)),
        ("settings.spread_level", PoolSettings(spread_level=9)),
    ],
)
def test_a_setting_beyond_its_limit_is_refused(path: str, settings: PoolSettings) -> None:
    assert refused(settings=settings) == [path]


@pytest.mark.parametrize("weight", [-0.1, 10.1, float("nan"), float("inf")])
def test_a_weight_is_a_number_from_0_to_10(weight: float) -> None:
    assert refused(ordering=Ordering({"match": weight})) == ["ordering.weights.match"]


def test_there_are_weights_for_known_dimensions_only() -> None:
    assert refused(ordering=Ordering({"luck": 1.0})) == ["ordering.weights.luck"]
    assert get_args(Dimension) == DIMENSIONS


def test_every_mistake_of_a_draft_is_named_at_once() -> None:
    paths = refused("home", rule={"field": "prise", "op": "lt", "value": 1}, settings=PoolSettings(seen_size=1))
    assert paths == ["pool_id", "settings.seen_size", "rule.field"]


@pytest.mark.parametrize("text", ["", " ", "a\n", "\ud800", "x" * 201])
def test_ids_and_names_are_held_to_one_rule(text: str) -> None:
    assert refused(text, name=text) == ["pool_id", "name"]


def test_a_sound_draft_gives_its_rule_and_one_without_a_rule_none() -> None:
    catalogue = World().ports.catalogue
    settings = PoolSettings(max_per_category=100, seen_size=2_000, spread_level=8)
    assert check_draft(catalogue, "p", PoolDraft(rule=EVERYTHING, settings=settings)) == parse_rule(catalogue, EVERYTHING)
    assert check_draft(catalogue, "p", PoolDraft(name="P")) is None


def test_a_pool_that_is_not_there_yet_holds_nothing() -> None:
    world = World(in_pool("i1"))
    assert known_rule(world.ports.catalogue, "p") == parse_rule(world.ports.catalogue, EVERYTHING)
    assert known_rule(world.ports.catalogue, "q") == parse_rule(world.ports.catalogue, {"any": []})
