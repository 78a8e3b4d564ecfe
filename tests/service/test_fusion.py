from math import isclose

from read_rig import hit
from smallpool_service.candidates import Candidate
from smallpool_service.fusion import TIE, fused

WEIGHTS = {"x2i": 3.0, "newest": 1.0}


def candidates(*ranks: dict[str, int]) -> list[Candidate]:
    return [Candidate(hit(f"i{place}"), dict(some)) for place, some in enumerate(ranks)]


def values(*ranks: dict[str, int], matched: tuple[float, ...] = (), acted_on: frozenset[str] = frozenset()) -> list[float]:
    return fused(candidates(*ranks), matched or (0.0,) * len(ranks), acted_on, WEIGHTS, 15.0)


def test_what_every_source_places_first_has_one_and_what_none_gave_has_nothing() -> None:
    assert values({"x2i": 1, "newest": 1}, {}) == [1.0, 0.0]


def test_a_source_says_as_much_as_its_weight_and_half_as_much_at_about_the_smoothing() -> None:
    first, later = values({"x2i": 1, "newest": 16}, {"newest": 1})
    assert isclose(first, (3 + 15 / 30) / 4)
    assert isclose(later, 1 / 4)


def test_a_source_that_gave_nothing_takes_nothing_from_the_others() -> None:
    assert values({"newest": 1}) == [1.0]


def test_of_one_source_the_values_keep_its_order() -> None:
    given = values(*[{"newest": rank} for rank in range(1, 101)])
    assert given == sorted(given, reverse=True)


def test_terms_say_how_much_matches_squared_and_rank_decides_between_equals() -> None:
    best, equal, half = values({"terms": 1}, {"terms": 2}, {"terms": 3}, matched=(0.8, 0.8, 0.4))
    assert isclose(best, 1 - TIE)
    assert best > equal > 0.9
    assert isclose(half, 0.25 * (1 - 3 * TIE))


def test_popular_says_nothing_of_what_nobody_acted_on() -> None:
    assert values({"popular": 2}, {"popular": 1}, acted_on=frozenset({"i0"}))[1] == 0.0


def test_a_source_without_a_weight_of_its_own_counts_half() -> None:
    plugin, newest = values({"plugin": 1}, {"newest": 1})
    assert isclose(plugin, 0.5 / 1.5)
    assert isclose(newest, 1 / 1.5)


def test_where_no_source_weighs_anything_nothing_is_divided_by_it() -> None:
    assert fused(candidates({"explore": 1}), (0.0,), frozenset(), {"explore": 0.0}, 15.0) == [0.0]
