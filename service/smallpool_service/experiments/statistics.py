"""The statistics of experiments, as pure functions of sums over people.

In: `Moments`, counts of people. Out: estimates with their intervals, lifts, p-values.

The unit is the person: their pages are not independent of each other. A mean is a ratio whose denominator is 1. With X and Y the means over
people of what is counted and of what it is counted by, R = X / Y, and the delta method (Deng, Knoblich and Lu, Applying the delta method in
metric analytics, KDD 2018, equation 2)

    var R  =  (var x - 2 R cov(x, y) + R² var y) / (n Y²)
    lift   =  R₁ / R₀ - 1,   var lift  =  (R₁ / R₀)² (var R₁ / R₁² + var R₀ / R₀²)

with the variances of R₁ and R₀ independent, since nobody is in two buckets. The p-value is that of z = (R₁ - R₀) / sqrt(var R₁ + var R₀).
A sample-ratio mismatch is Pearson's chi-square of people against shares (Fabijan and others, Diagnosing sample ratio mismatch, KDD 2019).
"""

from collections.abc import Sequence
from math import erfc, exp, gamma, inf, sqrt
from statistics import NormalDist
from typing import Final

from msgspec import Struct

from smallpool_core.experiment_ports import Moments

LEVEL: Final = 0.95
_Z: Final = NormalDist().inv_cdf((1 + LEVEL) / 2)


class Estimate(Struct, frozen=True):
    """A value with its interval of `LEVEL`; None where there is nothing to divide by. `variance` is that of the value."""

    value: float | None
    low: float | None
    high: float | None
    variance: float = 0.0


class Lift(Struct, frozen=True):
    """How much more than the control a bucket has, as a share of it, with the interval and the two-sided p-value of no difference."""

    value: float | None
    low: float | None
    high: float | None
    p_value: float | None


NOTHING: Final = Estimate(None, None, None)
NO_LIFT: Final = Lift(None, None, None, None)


def estimate(sums: Moments) -> Estimate:
    """The mean or ratio of one bucket."""
    n = sums.people
    if n == 0 or sums.y == 0:
        return NOTHING
    ratio, mean_y = sums.x / sums.y, sums.y / n
    # Σ(x - R y)² says the three terms at once, and they have no mean to take off: Σ(x - R y) = 0.
    spread = max(0.0, sums.xx - 2 * ratio * sums.xy + ratio * ratio * sums.yy)
    variance = spread / max(1, n - 1) / (n * mean_y * mean_y)
    reach = _Z * sqrt(variance) if n > 1 else inf
    return Estimate(ratio, *_interval(ratio, reach), variance)


def lift(control: Estimate, treated: Estimate) -> Lift:
    """The treated against the control; nothing where the control is nought or either is not known. Of one person nothing is known of how
    people differ, so where either side has no interval the lift has none.
    """
    if control.value is None or treated.value is None or control.value <= 0:
        return NO_LIFT
    ratio = treated.value / control.value
    variance = (treated.variance + ratio * ratio * control.variance) / (control.value * control.value)
    reach = inf if control.low is None or treated.low is None else _Z * sqrt(variance)
    return Lift(ratio - 1, *_interval(ratio - 1, reach), p_value(control, treated))


def p_value(control: Estimate, treated: Estimate) -> float | None:
    """The two-sided p-value of no difference; None where nothing varies, or it is not known of either side how it does."""
    variance = control.variance + treated.variance
    if control.value is None or treated.value is None or control.low is None or treated.low is None or variance <= 0:
        return None
    return erfc(abs(treated.value - control.value) / sqrt(2 * variance))


def sample_ratio(people: Sequence[int], shares: Sequence[float]) -> float | None:
    """The p-value of people being spread over the buckets by their shares, which make 1; None where there are none."""
    everybody = sum(people)
    if everybody == 0 or len(people) < 2:
        return None
    expected = [everybody * share for share in shares]
    if any(wanted == 0 and found for found, wanted in zip(people, expected, strict=True)):
        return 0.0
    pairs = [(found, wanted) for found, wanted in zip(people, expected, strict=True) if wanted > 0]
    chi_square = sum((found - wanted) ** 2 / wanted for found, wanted in pairs)
    return chi_square_tail(chi_square, len(pairs) - 1)


def chi_square_tail(value: float, degrees: int) -> float:
    """P(X > value) for a chi-square of whole degrees of freedom: Q(x; 1) = erfc(sqrt(x/2)), Q(x; 2) = exp(-x/2), and
    Q(x; k + 2) = Q(x; k) + (x/2)^(k/2) exp(-x/2) / Γ(k/2 + 1) (Abramowitz and Stegun, 26.4.8).
    """
    half = value / 2
    tail, reached = (erfc(sqrt(half)), 1) if degrees % 2 else (exp(-half), 2)
    while reached < degrees:
        tail += half ** (reached / 2) * exp(-half) / gamma(reached / 2 + 1)
        reached += 2
    return min(1.0, tail)


def people_needed(value: float, variance_of_one: float, effect: float, power: float = 0.8) -> int:
    """People a bucket that are needed to find a relative effect with this power at `LEVEL`: 2 σ² (z + z')² / (effect · value)²."""
    distance = effect * value
    return 0 if distance == 0 else int(2 * variance_of_one * (_Z + NormalDist().inv_cdf(power)) ** 2 / distance**2) + 1


def _interval(value: float, reach: float) -> tuple[float | None, float | None]:
    return (None, None) if reach == inf else (value - reach, value + reach)
