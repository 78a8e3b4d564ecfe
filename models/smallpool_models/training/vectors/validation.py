"""How well the next item is found, on the rows that decide when a training stops.

In: nets, items, rows whose last item is to be found. Out: NDCG@20, HR@10 and recall@50 among all items without those of the row; ties are
broken at random, by the seed.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smallpool_models.evaluation.next_item import MISSED
from smallpool_models.training.vectors.item_network import ItemNetwork
from smallpool_models.training.vectors.items_read import ItemsRead
from smallpool_models.training.vectors.user_network import STEPS_BACK, Touched, UserNetwork
from smallpool_models.vectors.ragged import Numbers, Ragged

_AT_ONCE = 128


@torch.no_grad()
def figures_on(items: ItemNetwork, users: UserNetwork, read: ItemsRead, rows: Ragged, most: int, seed: int) -> dict[str, float]:
    """The figures, of at most `most` rows drawn by the seed."""
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(rows))[:most])
    vectors = read.vectors(items)
    users.eval()
    ranks = np.concatenate(
        [ranks_of(users, vectors, read.known, rows, chosen[start : start + _AT_ONCE], rng) for start in range(0, len(chosen), _AT_ONCE)]
    )
    gains = np.where(ranks < 20, 1 / np.log2(ranks + 2), 0)
    return {"ndcg@20": float(gains.mean()), "hr@10": float((ranks < 10).mean()), "recall@50": float((ranks < 50).mean())}


def ranks_of(
    users: UserNetwork, vectors: Tensor, known: NDArray[np.bool_], rows: Ragged, chosen: Numbers, rng: np.random.Generator
) -> Numbers:
    """(rows,) how many items come before the one that is to be found; `MISSED` where it has no vector or was touched before, and where
    the nets make what is no number.
    """
    told = rows.padded(chosen, STEPS_BACK + 1, last=True)
    lengths = (told > 0).sum(axis=1)
    order = np.arange(len(told))
    targets = told[order, lengths - 1].copy()
    told[order, lengths - 1] = 0
    history = told[:, : int(lengths.max()) - 1]
    there = torch.from_numpy(history > 0).to(vectors.device)
    touched = vectors[torch.from_numpy(history).to(vectors.device)]
    seen = users(Touched(touched, there, torch.zeros_like(touched)))
    interests = seen[torch.from_numpy(order), torch.from_numpy(lengths - 2)]
    scores = (interests @ vectors.T).amax(dim=1).cpu().numpy()
    for row, number in enumerate(chosen):
        scores[row, rows[int(number)][:-1]] = -np.inf
    scores[:, ~known] = -np.inf
    scores[np.isnan(scores)] = -np.inf
    own = scores[order, targets][:, None]
    ties = (scores == own).sum(axis=1) - 1
    placed = (scores > own).sum(axis=1) + np.floor(rng.random(len(order)) * (ties + 1)).astype(np.int64)
    found: Numbers = np.where(np.isneginf(own[:, 0]), MISSED, placed)
    return found
