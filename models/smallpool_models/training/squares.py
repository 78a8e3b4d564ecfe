"""One linear machine a tag by least squares, and what each would have said of a title that it had not seen.

In: the products of titles, as rows of unit length, with each other, and which tags they have. Out: the weight of each title for each tag,
leave-one-out scores, and how scores become probabilities.

Least squares with a ridge, solved for all tags at once; the score of a title by the machine that has not seen it follows from the diagonal
of the inverse (Rifkin and Lippert, 2007). So every title serves to learn and to hold out, which matters where a tag has five.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
_STEPS = 12
_SMALL = 1e-3
_USUAL = np.array([10.0, 2.0, 5.0, -5.0, 0.0, 0.0, 0.0, 0.0])
"""Where the search for weights begins: about where it ends on tags of products."""
_FEWEST = 2
"""A tag of one title has no machine once that is left out: it is trusted like one of two."""


def machines(products: Array, truth: Array, ridge: float) -> tuple[Array, Array]:
    """Weights and leave-one-out scores, both (titles, tags), of `products` (titles, titles) and `truth` (titles, tags) of 0 and 1."""
    inverse: Array = np.linalg.inv(products + np.float32(ridge) * np.eye(len(products), dtype=np.float32)).astype(np.float32)
    weights: Array = inverse @ truth
    left_out: Array = truth - weights / np.diag(inverse)[:, None]
    return weights, left_out


def trust(scores: Array, margins: Array, likeness: Array, truth: Array) -> NDArray[np.float64]:
    """How much the scores of a tag's two machines and the likeness of its name count, and what is added: (4, tags), so that the sum is the
    log odds of the tag. A logistic regression whose four weights are each linear in the logarithm of how many titles have the tag, by
    Newton's method: few titles, and the name counts for more.
    """
    often = np.log(np.maximum(truth.sum(axis=0), _FEWEST)).astype(np.float64)
    fitted = truth.sum(axis=0) >= _FEWEST
    told = (scores, margins, likeness, np.ones_like(scores))
    own = np.stack([one[:, fitted] for one in told]).reshape(len(told), -1).astype(np.float64)
    rows = np.concatenate([own, own * np.tile(often[fitted], len(scores))])
    there = truth[:, fitted].ravel()
    weights = _USUAL.copy()
    loss = _loss(weights, rows, there)
    for _ in range(_STEPS):
        shares = 1 / (1 + np.exp(-np.clip(weights @ rows, -30, 30)))
        step = np.linalg.solve(
            (rows * (shares * (1 - shares))) @ rows.T + _SMALL * np.eye(len(rows)), rows @ (shares - there) + _SMALL * weights
        )
        while (following := _loss(weights - step, rows, there)) > loss and np.abs(step).max() > _SMALL:
            step = step / 2  # far from the best weights a whole step leads beyond them
        if following >= loss:
            break
        weights, loss = weights - step, following
    counted: NDArray[np.float64] = weights[: len(told), None] + weights[len(told) :, None] * often
    return counted


def _loss(weights: NDArray[np.float64], rows: NDArray[np.float64], there: NDArray[np.float32]) -> float:
    odds = weights @ rows
    return float((np.logaddexp(0, odds) - there * odds).sum() + _SMALL / 2 * weights @ weights)
