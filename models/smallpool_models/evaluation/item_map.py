"""Vectors of items as points of a plane: what is near another stays near it.

In: vectors of unit length. Out: (n, 2) coordinates in [0, 1].

t-SNE (van der Maaten and Hinton, *Visualizing data using t-SNE*, 2008), the exact form, from the two principal components on, so that the
same vectors always give the same map.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
PERPLEXITY: Final = 20.0
"""So many neighbours of a point count."""
_ROUNDS: Final = 300
_EXAGGERATED: Final = 80
_RATE: Final = 100.0


def plane(vectors: NDArray[np.float32], rounds: int = _ROUNDS) -> Array:
    """(n, 2) of (n, d); a round takes n² numbers, so a few hundred points are wanted. Of fewer than five the components are the map."""
    if len(vectors) < 2:
        return np.full((len(vectors), 2), 0.5)
    points = _principal(vectors.astype(np.float64))
    if len(vectors) >= 5:
        points = _spread(_affinities(vectors.astype(np.float64)), points * 1e-2, rounds)
    low, high = points.min(axis=0), points.max(axis=0)
    scaled: Array = (points - low) / np.where(high > low, high - low, 1)
    return scaled


def _principal(vectors: Array) -> Array:
    """The first two principal components, scaled to a deviation of 1; each points to where its largest coordinate is positive."""
    centred = vectors - vectors.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    found = np.zeros((len(vectors), 2))
    for place, axis in enumerate(axes[:2]):
        found[:, place] = centred @ (axis * np.sign(axis[np.abs(axis).argmax()]))
    scaled: Array = found / np.maximum(found.std(axis=0), 1e-12)
    return scaled


def _affinities(vectors: Array) -> Array:
    """(n, n) symmetric, adds up to 1; of each row the width of the bell is found by halving until its perplexity fits."""
    distances = np.maximum(0, _squares(vectors))
    np.fill_diagonal(distances, np.inf)
    wanted = np.log(min(PERPLEXITY, (len(vectors) - 1) / 3))
    low, high = np.full(len(vectors), 1e-6), np.full(len(vectors), 1e6)
    for _ in range(50):
        narrow = np.sqrt(low * high)
        near = np.exp(-(distances - distances.min(axis=1, keepdims=True)) * narrow[:, None])
        near /= near.sum(axis=1, keepdims=True)
        entropy = -(near * np.log(np.maximum(near, 1e-300))).sum(axis=1)
        low, high = np.where(entropy > wanted, narrow, low), np.where(entropy > wanted, high, narrow)
    both: Array = (near + near.T) / (2 * len(vectors))
    return both


def _spread(affinities: Array, points: Array, rounds: int) -> Array:
    """Gradient descent with momentum and a gain a coordinate, as in the paper; at first the affinities are exaggerated."""
    step, gains = np.zeros_like(points), np.ones_like(points)
    for turn in range(rounds):
        bells = 1 / (1 + np.maximum(0, _squares(points)))
        np.fill_diagonal(bells, 0)
        pull = (affinities * (12 if turn < _EXAGGERATED else 1) - bells / bells.sum()) * bells
        slope = 4 * (pull.sum(axis=1)[:, None] * points - pull @ points)
        gains = np.maximum(np.where(np.sign(slope) == np.sign(step), gains * 0.8, gains + 0.2), 0.01)
        step = (0.5 if turn < _EXAGGERATED else 0.8) * step - _RATE * gains * slope
        points = points + step - (points + step).mean(axis=0)
    return points


def _squares(points: Array) -> Array:
    """(n, n) squared distances."""
    norms = (points**2).sum(axis=1)
    squares: Array = norms[:, None] + norms[None] - 2 * points @ points.T
    return squares
