"""How well the next item is found, on the questions that decide when a training stops.

In: nets under training, items, questions. Out: figures, ranked and counted as an evaluation does it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smallpool_models.evaluation.next_item import Places, Questions, Scores, ranks
from smallpool_models.evaluation.rank_figures import gains
from smallpool_models.training.vectors.item_network import ItemNetwork
from smallpool_models.training.vectors.items_read import ItemsRead
from smallpool_models.training.vectors.user_network import STEPS_BACK, Touched, UserNetwork

DECIDED_BY = ("ndcg@20", "hr@10", "recall@50")
"""The first decides, the others are told."""


def figures_on(items: ItemNetwork, users: UserNetwork, read: ItemsRead, asked: Questions, seed: int) -> dict[str, float]:
    """The figures, among all items without those of the history; ties are broken at random, by the seed."""
    users.eval()
    placed = ranks(UnderTraining(users, read.vectors(items), read.known), asked, seed)
    return {name: float(gains(name, placed).mean()) for name in DECIDED_BY}


class UnderTraining:
    """Scores by nets as they stand: the largest inner product with any interest. `vectors` (items + 1, d) and `known` (items + 1,) begin
    with row 0, which is no item.
    """

    def __init__(self, users: UserNetwork, vectors: Tensor, known: NDArray[np.bool_]) -> None:
        self._users, self._vectors, self._unknown = users, vectors, ~known[1:]

    @torch.no_grad()
    def scores(self, histories: Sequence[Places]) -> Scores:
        """As `Scorer`; of a history the latest items count, as many as steps back are told apart. Where the nets make what is no number
        nothing is found.
        """
        lately = [history[-STEPS_BACK:] + 1 for history in histories]
        lengths = np.array([one.size for one in lately])
        told = np.zeros((len(lately), int(lengths.max())), dtype=np.int64)
        for row, one in enumerate(lately):
            told[row, : one.size] = one
        device = self._vectors.device
        touched = self._vectors[torch.from_numpy(told).to(device)]
        seen = self._users(Touched(touched, torch.from_numpy(told > 0).to(device), torch.zeros_like(touched)))
        interests = seen[torch.arange(len(lately)), torch.from_numpy(lengths - 1)]
        scores: Scores = (interests @ self._vectors[1:].T).amax(dim=1).cpu().numpy()
        scores[:, self._unknown] = -np.inf
        scores[np.isnan(scores)] = -np.inf
        return scores
