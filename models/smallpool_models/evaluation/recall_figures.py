"""What recall inside a pool is judged by: recall, page fill, categories on a page, coverage of the pool, Gini of exposure.

In: for each session where its target came, and the page that was given. Out: figures with 95 % intervals by bootstrap over sessions.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.evaluation.intervals import RESAMPLES, interval, middle

NEAR: Final = 20
FAR: Final = 100


class Outcome(Struct, frozen=True):
    """One session in one pool: the place of its target in the list (from 1, None where it did not come), how many items the list held
    (`returned`, at most 100); the ids on the page; how many the pool could have put there.
    """

    pool_id: str
    rank: int | None
    returned: int
    page: tuple[str, ...]
    possible: int


class RecallFigures(Struct, frozen=True):
    """Recall@k is the share of sessions whose target is among the first k of the list; `returned` the mean length of that list.

    page_fill: items on all pages over what their pools could have put there. categories: distinct ones on a page, in the mean.
    coverage: items of a pool that came on some page, over its items. gini: of the exposures of all of a pool's items, 0 where each was
    shown equally often, near 1 where one had them all. Of several pools the mean.
    """

    sessions: int
    recall_20: float
    recall_20_interval: tuple[float, float]
    recall_100: float
    recall_100_interval: tuple[float, float]
    returned: float
    page_fill: float
    categories: float
    coverage: float
    gini: float


class Beside(Struct, frozen=True):
    """One row beside another on the same sessions: the ratio of their recalls (None where the other has none), and the interval of the
    difference.
    """

    ratio: float | None
    difference: tuple[float, float]


def figures(outcomes: Sequence[Outcome], pools: Mapping[str, Collection[str]], category_of: Mapping[str, str], seed: int) -> RecallFigures:
    """The figures of one row; `pools` holds the items of each pool that was asked."""
    rng = random.Random(seed)  # noqa: S311, seeded resampling
    shown: dict[str, Counter[str]] = {pool_id: Counter() for pool_id in pools}
    for outcome in outcomes:
        shown[outcome.pool_id].update(outcome.page)
    exposures = {pool_id: np.array([shown[pool_id][item_id] for item_id in members]) for pool_id, members in pools.items()}
    near, far = hits(outcomes, NEAR), hits(outcomes, FAR)
    return RecallFigures(
        sessions=len(outcomes),
        recall_20=_mean(near),
        recall_20_interval=interval(near, rng),
        recall_100=_mean(far),
        recall_100_interval=interval(far, rng),
        returned=_mean([outcome.returned for outcome in outcomes]),
        page_fill=round(sum(len(outcome.page) for outcome in outcomes) / max(1, sum(outcome.possible for outcome in outcomes)), 4),
        categories=_mean([len({category_of[item_id] for item_id in outcome.page}) for outcome in outcomes]),
        coverage=_mean([np.count_nonzero(counts) / max(1, counts.size) for counts in exposures.values()]),
        gini=_mean([gini(counts) for counts in exposures.values()]),
    )


def hits(outcomes: Iterable[Outcome], k: int) -> list[bool]:
    """Of each session whether its target is among the first `k`."""
    return [outcome.rank is not None and outcome.rank <= k for outcome in outcomes]


def beside(ours: Sequence[bool], theirs: Sequence[bool], seed: int) -> Beside:
    """Two rows on the same sessions, in the same order; sessions are resampled in pairs.

    A pair differs by −1, 0 or 1, so a sample of n pairs is one draw of a multinomial distribution (Efron, 1979).
    """
    if not ours:
        return Beside(None, (0.0, 0.0))
    differences = Counter(int(one) - int(other) for one, other in zip(ours, theirs, strict=True))
    shares = [differences[value] / len(ours) for value in (-1, 0, 1)]
    draws = np.random.default_rng(seed).multinomial(len(ours), shares, RESAMPLES)
    low, high = middle((draws[:, 2] - draws[:, 0]) / len(ours))
    return Beside(round(sum(ours) / sum(theirs), 4) if any(theirs) else None, (round(low, 4), round(high, 4)))


def gini(counts: NDArray[np.int64]) -> float:
    """The Gini coefficient of non-negative counts (n,): Σ (2i − n − 1)·x_i / (n·Σx), x rising, i from 1; 0 where nothing was counted."""
    total = int(counts.sum())
    if total == 0:
        return 0.0
    places = 2 * np.arange(1, counts.size + 1) - counts.size - 1
    return float((places * np.sort(counts)).sum() / (counts.size * total))


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4) if len(values) else 0.0
