"""One support vector machine a tag, and what each would have said of a title that it had not seen.

In: the products of titles, as rows of unit length, with each other, and which tags they have. Out: the weight of each title for each tag,
what is added, and leave-one-out scores.

Squared losses beyond the margin, by Newton's method over the titles that count (Chapelle, 2007): given these it is a least squares
problem, so that the score of a title by the machine that has not seen it follows from the diagonal of the inverse, as long as the others
that count stay the same. A tag has few titles, so it begins with those that are likest to them, and takes in the worst of the rest.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.training.squares import Array

_BEGINS_WITH = 100
_TAKES_IN = 200
_ROUNDS = 8
"""In so many a tag is solved, or so near that it makes no difference."""


class MarginMachines(Struct, frozen=True):
    """`weights` (titles, tags) and `bias` (tags,) of the machines; leave-one-out `scores` (titles, tags), 1 and -1 being the margins."""

    weights: Array
    bias: Array
    scores: Array


def margin_machines(products: Array, truth: Array, cost: float) -> MarginMachines:
    """The machines of `products` (titles, titles) and `truth` (titles, tags) of 0 and 1; `cost` is what a title within the margin counts
    beside the weights.
    """
    with_one: Array = products + np.float32(1)  # the one is the bias, which is drawn to 0 like every weight
    weights, scores = np.zeros_like(truth), np.zeros_like(truth)
    for tag in range(truth.shape[1]):
        counted, own, left_out = _solved(with_one, truth[:, tag], cost)
        weights[counted, tag] = own
        scores[:, tag] = left_out
    return MarginMachines(weights, weights.sum(axis=0), scores)


def _solved(products: Array, has: Array, cost: float) -> tuple[NDArray[np.int64], Array, Array]:
    """Which titles count, their weights, and the leave-one-out scores of all titles."""
    sides: Array = 2 * has - 1
    counted = _likest(products, has > 0)
    for number in range(_ROUNDS):
        rows = products[counted]
        bent = rows[:, counted] + np.eye(len(counted), dtype=np.float32) / np.float32(2 * cost)
        own: Array = np.linalg.solve(bent, sides[counted])
        said: Array = own @ rows
        within = np.flatnonzero(sides * said < 1)
        if number == _ROUNDS - 1 or np.array_equal(within, counted):
            break
        further = np.setdiff1d(within, counted, assume_unique=True)
        worst = further[np.argsort(sides[further] * said[further])[:_TAKES_IN]]
        counted = np.union1d(np.intersect1d(within, counted, assume_unique=True), worst)
    left_out = said.copy()
    left_out[counted] = sides[counted] - own / np.diag(np.linalg.inv(bent))
    return counted, own, left_out


def _likest(products: Array, has: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The titles of a tag, and twice as many and a hundred more that are like them."""
    likeness: Array = products[has].sum(axis=0)
    likeness[has] = np.inf
    most = min(len(has), _BEGINS_WITH + 3 * int(has.sum()))
    return np.sort(np.argsort(-likeness, kind="stable")[:most])
