"""What is made of a net's scores: how sure a category is, and which tags are given.

In: scores (titles, labels), as the net gives them, and of held-out titles what is true. Out: confidences in [0, 1], and thresholds.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

Scores = NDArray[np.float32]
_TEMPERATURES = np.geomspace(0.2, 20.0, 200)
_STEPS = np.arange(0.02, 0.98, 0.02)
_CERTAIN = 10
"""A tag's own threshold counts for as much as the common one where so many held-out titles have the tag."""


class Sureness(Struct, frozen=True, forbid_unknown_fields=True):
    """`temperature` divides scores before the softmax (Guo et al., 2017); what is less sure than `other_below` fits no category."""

    temperature: Annotated[float, Meta(gt=0)]
    other_below: Annotated[float, Meta(ge=0, le=1)]


class TagRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A tag is given where its probability reaches its threshold, and so is the likeliest of a title where it reaches `least`."""

    thresholds: tuple[float, ...]
    least: Annotated[float, Meta(ge=0, le=1)]


def confidences(scores: Scores, temperature: float) -> NDArray[np.float64]:
    """The probability of each category, (titles, categories)."""
    scaled = scores.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    powers = np.exp(scaled)
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def fitted_sureness(scores: Scores, truth: NDArray[np.int64]) -> Sureness:
    """The temperature under which held-out categories are likeliest, and the threshold under which more answers are wrong than right."""
    rows = np.arange(len(truth))
    losses = [-np.log(confidences(scores, one)[rows, truth] + 1e-12).mean() for one in _TEMPERATURES]
    temperature = float(_TEMPERATURES[int(np.argmin(losses))])
    shares = confidences(scores, temperature)
    return Sureness(round(temperature, 4), _other_below(shares.max(axis=1), shares.argmax(axis=1) == truth))


def _other_below(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Of all thresholds that which leaves most right answers over wrong ones."""
    gains = [int(np.where(right, 1, -1)[confidence >= step].sum()) for step in _STEPS]
    return round(float(_STEPS[int(np.argmax(gains))]), 2)


def probabilities(scores: Scores) -> NDArray[np.float64]:
    """The probability of each tag by itself."""
    shares: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(scores.astype(np.float64), -40, 40)))
    return shares


def given_tags(shares: NDArray[np.float64], rule: TagRule) -> NDArray[np.bool_]:
    """Which tags each title is given, (titles, tags)."""
    if not shares.shape[1]:
        return np.zeros(shares.shape, dtype=np.bool_)
    best = shares.max(axis=1, keepdims=True)
    likeliest = (shares == best) & (best >= rule.least)
    found: NDArray[np.bool_] = (shares >= np.array(rule.thresholds)) | likeliest
    return found


def fitted_rule(shares: NDArray[np.float64], truth: NDArray[np.bool_], least: float) -> TagRule:
    """The common threshold of the best micro F1 on held-out titles; a tag's own is mixed in by how many of them have it."""
    common = _best(shares, truth)
    held = truth.sum(axis=0)
    own: Sequence[float] = [_best(shares[:, [tag]], truth[:, [tag]]) if held[tag] else common for tag in range(truth.shape[1])]
    trust = held / (held + _CERTAIN)
    return TagRule(tuple(round(float(one), 3) for one in trust * np.array(own) + (1 - trust) * common), least)


def _best(shares: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    figures = [2 * (truth & (shares >= step)).sum() / max(int((shares >= step).sum() + truth.sum()), 1) for step in _STEPS]
    top = np.flatnonzero(np.array(figures) == max(figures))
    return float(_STEPS[top[len(top) // 2]])
