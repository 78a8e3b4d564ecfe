"""Scores all items with a trained NCF (He et al., *Neural collaborative filtering*, 2017), the baseline of seed 000, section 03.

In: its weights, as `training/ncf.py` learns them. Out: scores of all items for a history.

score(u, i) = g · (p_u ⊙ q_i) + h · relu(A m_u + B n_i + c) + b_i: the paper's GMF and MLP of one hidden layer, added in its last layer.
Whoever is asked about was never trained on, so a person is the mean of the embeddings of their items, p_u = mean p_j (Kabbur, Ning and
Karypis, *FISM*, 2013), where the paper has a row of a table for each.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.evaluation.next_item import Places, Scores

Array = NDArray[np.float32]


class NcfWeights(Struct, frozen=True):
    """`touched` (items, 2d) what an item says of whoever touched it, p beside m; `offered` (items, 2d) what it says of itself, q beside n;
    `product` (d,) g; `of_person`, `of_item` (hidden, d) A and B; `shift`, `out` (hidden,) c and h; `bias` (items,) b. All float32.
    """

    touched: Array
    offered: Array
    product: Array
    of_person: Array
    of_item: Array
    shift: Array
    out: Array
    bias: Array


class Ncf:
    """The net over all items; what an item adds to the hidden layer is computed once."""

    def __init__(self, weights: NcfWeights) -> None:
        self._weights = weights
        self.vectors = weights.offered
        self._half = weights.product.size
        self._offered = weights.offered[:, : self._half] * weights.product
        self._hidden = np.ascontiguousarray(weights.offered[:, self._half :] @ weights.of_item.T)

    def scores(self, histories: Sequence[Places]) -> Scores:
        """As `Scorer`."""
        people = np.stack([self._weights.touched[history].mean(axis=0) for history in histories])
        scores: Scores = people[:, : self._half] @ self._offered.T + self._weights.bias
        for row, said in enumerate(people[:, self._half :] @ self._weights.of_person.T + self._weights.shift):
            scores[row] += np.maximum(self._hidden + said, 0) @ self._weights.out
        return scores
