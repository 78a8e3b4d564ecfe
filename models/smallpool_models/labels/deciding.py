"""What is made of a net's scores: how sure a category is, and which tags are given.

In: scores (titles, labels), as the net gives them, and of held-out titles what is true. Out: confidences in [0, 1], and thresholds.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import replace
from numpy.typing import NDArray

Scores = NDArray[np.float32]
_TEMPERATURES = np.geomspace(0.2, 20.0, 200)
_STEPS = np.arange(0.02, 0.98, 0.02)
_SMALLEST = 1e-6
_FLATTEST = 0.05
_NEWTON_STEPS = 20
_DRAWN = 1.0
_CERTAIN = 10
"""A tag's own threshold counts for as much as the common one where so many held-out titles have the tag."""


class Sureness(Struct, frozen=True, forbid_unknown_fields=True):
    """`temperature` divides scores before the softmax (Guo et al., 2017); the log odds of the likeliest category are then multiplied by
    `slope` and moved by `offset` (Platt, 1999), since titles whose label is wrong make the surest answers too sure and the doubtful ones
    not sure enough. What is less sure than `other_below` fits no category.
    """

    temperature: Annotated[float, Meta(gt=0)]
    slope: Annotated[float, Meta(gt=0)]
    offset: float
    other_below: Annotated[float, Meta(ge=0, le=1)]

    def likeliest(self, scores: Scores) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Of each row of scores its best category, and how likely that is right, both (titles,)."""
        odds = _log_odds(confidences(scores, self.temperature).max(axis=1))
        return scores.argmax(axis=1), 1 / (1 + np.exp(-self.slope * odds - self.offset))


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


def fitted_temperature(scores: Scores, truth: NDArray[np.int64]) -> tuple[float, float]:
    """The temperature under which held-out categories are likeliest, and their mean log loss under it, in nats."""
    rows = np.arange(len(truth))
    losses = [float(-np.log(confidences(scores, one)[rows, truth] + 1e-12).mean()) for one in _TEMPERATURES]
    best = int(np.argmin(losses))
    return float(_TEMPERATURES[best]), losses[best]


def fitted_sureness(scores: Scores, truth: NDArray[np.int64]) -> Sureness:
    """How scores are read so that held-out categories are as likely as said; below the threshold more answers are wrong than right."""
    temperature, _ = fitted_temperature(scores, truth)
    shares = confidences(scores, temperature).max(axis=1)
    right = scores.argmax(axis=1) == truth
    slope, offset = _straightened(_log_odds(shares), right)
    draft = Sureness(round(temperature, 4), round(max(slope, _FLATTEST), 4), round(offset, 4), 0.0)
    return replace(draft, other_below=_other_below(draft.likeliest(scores)[1], right))


def _straightened(odds: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of a logistic regression of what was right, by Newton's method, drawn a little towards no change: few titles, or
    titles of which all are right, would else make it infinitely sure.
    """
    usual = np.array([1.0, 0.0])
    weights, rows = usual.copy(), np.stack([odds, np.ones_like(odds)])
    for _ in range(_NEWTON_STEPS):
        shares = 1 / (1 + np.exp(-weights @ rows))
        bend = (rows * (shares * (1 - shares))) @ rows.T + _DRAWN * np.eye(2)
        weights -= np.linalg.solve(bend, rows @ (shares - right) + _DRAWN * (weights - usual))
    return float(weights[0]), float(weights[1])


def _log_odds(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    held = np.clip(shares, _SMALLEST, 1 - _SMALLEST)
    odds: NDArray[np.float64] = np.log(held / (1 - held))
    return odds


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
