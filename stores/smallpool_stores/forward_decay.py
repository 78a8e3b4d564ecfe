"""Arithmetic of weights that decay exponentially, stored so that time never changes their order.

In: increments with their time (ms). Out: sums, as logarithms, and what they weigh at a given time.

Forward decay (Cormode, Shkapenyuk, Srivastava, Xu: "Forward Decay: A Practical Time Decay Model for Streaming Systems",
ICDE 2009): instead of shrinking old weights, a new one counts `w · 2^(t / half_life)`. The sum S grows without bound, so
log2 S is what is stored. Two sums are added as `max + log2(1 + 2^(min - max))`, which neither overflows nor cancels. The
weight as of `now` is `2^(log2 S - now / half_life)`. With t in epoch ms and half-lives of an hour or more, log2 S is
below 2^19, so a double holds a weight to within 1e-9 of itself.
"""

from math import exp2, log1p, log2

LEAST_WEIGHT = 1e-3
"""A key whose weight has decayed below this may be dropped."""

_ROUNDING = 1e-6
_LN_2 = 0.6931471805599453
_MOST_BITS = 1000.0  # a clock far behind its events gives a huge weight, not an overflow


def log_weight(weight: float, at: int, half_life_ms: float) -> float:
    """log2 of a positive weight's share of the forward-decayed sum; `at` in epoch ms."""
    return log2(weight) + at / half_life_ms


def log_sum(left: float, right: float) -> float:
    """log2(2^left + 2^right)."""
    return max(left, right) + log1p(exp2(-abs(left - right))) / _LN_2


def weight_at(log_score: float, now: int, half_life_ms: float) -> float:
    """The decayed weight as of `now` (epoch ms) of a stored sum."""
    return exp2(min(log_score - now / half_life_ms, _MOST_BITS))


def reaches(weight: float, least: float) -> bool:
    """Whether a weight is that much, up to the rounding of its logarithm: of twelve events as of now it is twelve."""
    return weight >= least * (1 - _ROUNDING)
