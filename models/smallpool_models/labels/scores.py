"""How good labels are: accuracy and macro F1 of categories, how far confidence is from being right, F1 of tags.

In: labels that stand there and labels that were predicted, title by title. Out: figures in [0, 1].
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.ner.scores import f1

BINS = 15
"""Bins of equal width of the calibration error (Guo et al., 2017)."""


class LabelScore(Struct, frozen=True):
    """Micro over all labels of all titles, and the mean F1 over the labels that stand there."""

    precision: float
    recall: float
    f1: float
    macro_f1: float


def label_score(there: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> LabelScore:
    """Of labels that stand in no title none counts for the mean; micro counts them as wrong."""
    right: Counter[str] = Counter()
    standing: Counter[str] = Counter()
    claimed: Counter[str] = Counter()
    for one, other in zip(there, found, strict=True):
        right.update(set(one) & set(other))
        standing.update(set(one))
        claimed.update(set(other))
    hits, stand, claims = right.total(), standing.total(), claimed.total()
    each = [f1(right[label], standing[label], claimed[label]) for label in standing]
    return LabelScore(hits / max(claims, 1), hits / max(stand, 1), f1(hits, stand, claims), sum(each) / max(len(each), 1))


def label_counts(there: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """(titles, 3): labels right, standing there and found, as `ner.scores.interval` and `difference` take them."""
    rows = [(len(set(one) & set(other)), len(set(one)), len(set(other))) for one, other in zip(there, found, strict=True)]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The expected calibration error: over bins of confidence, how far its mean is from the share that is right, weighted by size."""
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, weights=confidence - right, minlength=BINS)
    return float(np.abs(gaps).sum() / max(len(confidence), 1))
