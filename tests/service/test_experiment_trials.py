"""An experiment without an effect finds one as often as it says, one with an effect finds it: over the real hash, join and statistics."""

from math import comb

import pytest

from smallpool_service.experiments.simulation import JUDGED, is_found, simulate, simulated_report
from smallpool_service.experiments.statistics import LEVEL
from smallpool_stores.duckdb.outcomes import open_outcomes

SEEDS = 20
PEOPLE = 300


def more_often(found: int, of: int, rate: float) -> float:
    """How likely a coin of this rate shows at least so many of so many."""
    return sum(comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(found, of + 1))


def test_twenty_experiments_without_an_effect_find_one_no_more_often_than_one_in_twenty_would() -> None:
    found = simulate(open_outcomes, range(SEEDS), PEOPLE, effect=0.0)
    assert found.judged == SEEDS * len(JUDGED)
    # Each figure by itself: the figures of one experiment go together, its seeds do not.
    for figure, count in found.by_figure.items():
        assert more_often(count, SEEDS, 1 - LEVEL) > 0.005, figure
    # And the bound is none that everything stays under: p-values lie over the whole of 0 to 1.
    values = sorted(trial.p_values["clicks_per_user"] or 0 for trial in found.trials)
    assert values[4] < 0.5 < values[15]
    assert all((trial.ratio_p or 0) > 0.0005 for trial in found.trials)


@pytest.mark.parametrize(("p_value", "found"), [(0.0, True), (0.049, True), (0.051, False), (None, False)])
def test_a_p_value_of_nought_is_an_effect_that_was_found(p_value: float | None, found: bool) -> None:
    assert is_found(p_value) is found


def test_an_effect_that_is_there_is_found() -> None:
    found = simulate(open_outcomes, range(4), 1_000, effect=0.5)
    assert found.by_figure["clicks_per_user"] == found.by_figure["click_rate"] == 4


def test_the_interval_of_a_lift_holds_the_effect() -> None:
    report = simulated_report(open_outcomes, 1, 2_000, effect=0.3)
    clicks = next(one for one in report.figures if one.figure == "clicks_per_user").buckets[1].lift
    assert clicks.low is not None
    assert clicks.high is not None
    assert 0 < clicks.low < 0.3 < clicks.high
    assert report.is_whole
    assert {one.source for one in report.by_source} == {"newest", "popular", "terms"}
