"""The statistics of experiments, held to figures worked out by hand."""

from math import sqrt
from random import Random
from typing import Any

import pytest

from smallpool_core.experiment_ports import Moments
from smallpool_service.experiments.statistics import Estimate, chi_square_tail, estimate, lift, p_value, people_needed, sample_ratio

Z = 1.959963984540054


def sums(*people: tuple[float, float]) -> Moments:
    """The sums of people, each with what is counted and by what."""
    xs, ys = zip(*people, strict=True)
    pairs = list(people)
    return Moments(
        "b",
        "f",
        "",
        len(pairs),
        sum(xs),
        sum(ys),
        sum(x * x for x in xs),
        sum(y * y for y in ys),
        sum(x * y for x, y in pairs),
    )


def close(value: Any, wanted: float) -> bool:
    return bool(value == pytest.approx(wanted, rel=1e-9, abs=1e-12))


def test_a_mean_has_the_interval_of_its_standard_error() -> None:
    # 1, 2, 3, 6: mean 3; squares of distances 4 + 1 + 0 + 9 = 14; variance 14 / 3; of the mean 14 / 12.
    found = estimate(sums((1, 1), (2, 1), (3, 1), (6, 1)))
    assert close(found.value, 3)
    assert close(found.variance, 14 / 12)
    assert close(found.low, 3 - Z * sqrt(14 / 12))
    assert close(found.high, 3 + Z * sqrt(14 / 12))


def test_a_ratio_has_the_variance_of_the_delta_method() -> None:
    # Clicked of shown: 1 of 10, 3 of 10, 0 of 20. R = 4/40 = .1; x - R y = 0, 2, -2; squares 8; over n - 1 = 2: 4; n Y² = 3 (40/3)².
    found = estimate(sums((1, 10), (3, 10), (0, 20)))
    assert close(found.value, 0.1)
    assert close(found.variance, 4 / (3 * (40 / 3) ** 2))


def test_a_ratio_is_not_as_certain_as_its_lines_would_be_by_themselves() -> None:
    # Ten people of whom half click everything: by lines the variance would be p (1 - p) / 100, by people it is ten times that.
    found = estimate(sums(*[(10.0, 10.0)] * 5, *[(0.0, 10.0)] * 5))
    assert found.variance > 10 * 0.25 / 100


def test_a_lift_is_the_ratio_of_two_means_with_both_variances() -> None:
    control, treated = Estimate(2.0, 1.8, 2.2, 0.01), Estimate(2.5, 2.1, 2.9, 0.04)
    found = lift(control, treated)
    # (1.25)² (.04 / 6.25 + .01 / 4) = .01390625
    assert close(found.value, 0.25)
    assert close(found.low, 0.25 - Z * sqrt(0.01390625))
    assert close(found.high, 0.25 + Z * sqrt(0.01390625))
    # z = .5 / sqrt(.05) = 2.236, two-sided .02535
    assert found.p_value == pytest.approx(0.025347, abs=1e-6)


def test_what_cannot_be_divided_is_not_known() -> None:
    nothing = estimate(Moments("b", "f", "", 0, 0, 0, 0, 0, 0))
    assert nothing.value is None
    assert estimate(sums((0, 0), (0, 0))).value is None
    one = estimate(sums((3, 1)))
    assert (one.value, one.low, one.high) == (3, None, None)
    assert lift(Estimate(0.0, 0, 0, 0.1), Estimate(1.0, 0, 0, 0.1)).value is None
    assert lift(nothing, one).value is None
    several = estimate(sums((1, 1), (2, 1)))
    for found in (lift(several, one), lift(one, several), lift(one, one)):
        assert found.value is not None
        assert (found.low, found.high, found.p_value) == (None, None, None)
    assert p_value(Estimate(1.0, 1, 1), Estimate(1.0, 1, 1)) is None


@pytest.mark.parametrize(
    ("value", "degrees", "wanted"),
    # From tables of the chi-square distribution.
    [(3.841459, 1, 0.05), (6.634897, 1, 0.01), (5.991465, 2, 0.05), (7.814728, 3, 0.05), (18.307038, 10, 0.05), (29.588298, 10, 0.001)],
)
def test_the_tail_of_chi_square_is_that_of_the_tables(value: float, degrees: int, wanted: float) -> None:
    assert chi_square_tail(value, degrees) == pytest.approx(wanted, rel=1e-5)


def test_a_sample_ratio_is_pearsons() -> None:
    # 520 and 480 of halves of 1,000: 400/500 + 400/500 = 1.6, one degree: p = .2059
    assert sample_ratio([520, 480], [0.5, 0.5]) == pytest.approx(0.205903, abs=1e-6)
    # 100, 200, 330 where 20, 30 and 50 % of 630 are wanted.
    square = (100 - 126) ** 2 / 126 + (200 - 189) ** 2 / 189 + (330 - 315) ** 2 / 315
    assert sample_ratio([100, 200, 330], [0.2, 0.3, 0.5]) == pytest.approx(chi_square_tail(square, 2))


def test_people_missing_from_a_bucket_are_no_chance_and_nobody_says_nothing() -> None:
    ratio = sample_ratio([5_000, 4_500], [0.5, 0.5])
    assert ratio is not None
    assert ratio < 1e-6
    assert sample_ratio([0, 0], [0.5, 0.5]) is None
    assert sample_ratio([10, 3], [1.0, 0.0]) == 0.0
    assert sample_ratio([10, 0, 11], [0.5, 0.0, 0.5]) == pytest.approx(sample_ratio([10, 11], [0.5, 0.5]))


def test_where_there_is_no_effect_one_comparison_in_twenty_finds_one() -> None:
    draw = Random(1)

    def bucket() -> Estimate:
        # People of very different tastes and visits, so that a person's lines are far from independent.
        people = [(draw.betavariate(1.2, 10.8), draw.randint(1, 6)) for _ in range(150)]
        return estimate(sums(*((sum(draw.random() < taste for _ in range(10 * pages)), 10.0 * pages) for taste, pages in people)))

    found = sum((p_value(bucket(), bucket()) or 1) < 0.05 for _ in range(400))
    # Three standard deviations of a binomial of 400 at one in twenty: 20 ± 13.
    assert 7 <= found <= 33


def test_the_people_that_are_needed_are_those_of_the_textbook() -> None:
    # 2 · 1 · (1.96 + .8416)² / (.1 · 1)² = 1,569.8
    assert people_needed(1.0, 1.0, 0.1) == 1_570
