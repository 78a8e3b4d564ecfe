"""What the places of targets are worth: hit rate, NDCG and recall at k, by tercile of activity, and one row beside another.

In: ranks from 1, (questions,). Out: figures with 95 % intervals by bootstrap over questions.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smallpool_models.evaluation.intervals import RESAMPLES, middle

Ranks = NDArray[np.int64]
Gains = NDArray[np.float64]
FIGURES: Final = ("hr@10", "ndcg@10", "recall@20", "recall@50")
"""With one target a question recall@k and the hit rate at k are the same; each set is told of by the names of its literature."""


def gains(name: str, ranks: Ranks) -> Gains:
    """(questions,) what each question adds to a figure: 1 for a target among the first k; for `ndcg@k` 1/log2(1 + rank) of it (Järvelin
    and Kekäläinen, 2002; with one target the ideal is 1).
    """
    kind, _, k = name.partition("@")
    within = ranks <= int(k)
    return np.where(within, 1 / np.log2(1 + ranks), 0.0) if kind == "ndcg" else within.astype(np.float64)


def figures(ranks: Ranks, seed: int) -> dict[str, Any]:
    """Every figure, and under `intervals` the bounds of each."""
    told = {name: gains(name, ranks) for name in FIGURES}
    return {
        **{name: _mean(values) for name, values in told.items()},
        "intervals": {name: mean_interval(values, seed) for name, values in told.items()},
    }


def beside(ours: Ranks, theirs: Ranks, seed: int) -> dict[str, Any]:
    """By figure how much more ours has than theirs on the same questions, with the bounds, of resampled pairs."""
    told = {name: gains(name, ours) - gains(name, theirs) for name in FIGURES}
    return {name: {"difference": _mean(values), "interval": mean_interval(values, seed)} for name, values in told.items()}


def by_tercile(ranks: Ranks, activity: NDArray[np.int64]) -> dict[str, Any]:
    """Figures by tercile of how much each person did, `low`, `middle`, `high`, and by figure the `worst` of them. People who did as much
    are in one tercile, so these are not of the same size; one without anybody is left out.
    """
    low, high = np.quantile(activity, (1 / 3, 2 / 3), method="lower") if activity.size else (0, 0)
    members = {"low": activity <= low, "middle": (activity > low) & (activity <= high), "high": activity > high}
    parts = {name: _part(ranks[there], activity[there]) for name, there in members.items() if there.any()}
    return {
        **parts,
        "worst": {name: min(parts, key=lambda part: float(parts[part][name])) for name in FIGURES} if parts else {},
    }


def _part(ranks: Ranks, activity: NDArray[np.int64]) -> dict[str, Any]:
    told: Mapping[str, float] = {name: _mean(gains(name, ranks)) for name in FIGURES}
    return {"questions": int(ranks.size), "items_before": [int(activity.min()), int(activity.max())], **told}


def mean_interval(values: Gains, seed: int) -> tuple[float, float]:
    """Bounds of the mean of 95 of 100 samples of as many values. Few of them are distinct, so a sample is one draw of how often each
    came, a multinomial one (Efron, 1979).
    """
    if not values.size:
        return (0.0, 0.0)
    distinct, counts = np.unique(values, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(values.size, counts / values.size, RESAMPLES)
    low, high = middle(draws @ distinct / values.size)
    return (round(low, 5), round(high, 5))


def _mean(values: Gains) -> float:
    return round(float(values.mean()), 5) if values.size else 0.0
