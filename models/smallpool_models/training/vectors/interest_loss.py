"""What a step of a training of interests is to make small.

In: rows of touched items with the item after each, vectors, what the scores are corrected by. Out: L = L0 + λ · mean of cos(z_i, z_j), L0
being the cross entropy of the next item by sampled softmax. The seed's L_tr sums z_i · z_j, which has no bound below; the vectors here
have unit length, so that it is the cosine.
"""

import torch
from msgspec import Struct
from torch import Tensor
from torch.nn import functional

from smallpool_models.training.vectors.item_network import unit


class Asked(Struct, frozen=True):
    """`interests` (places, K, d) as of each place with a next item; `vectors` (candidates, d) of what it is told apart from; `targets`
    (places,) which candidate it is; `correction` (candidates,) logQ, zeros where all items are candidates; `touched` two rows, (2, hits),
    places and candidates that are on the person's own way and so never shown.
    """

    interests: Tensor
    vectors: Tensor
    targets: Tensor
    correction: Tensor
    touched: Tensor


def interest_loss(asked: Asked, scale: Tensor, *, selection: bool, metric: float) -> Tensor:
    """The mean over places; `scale` is what cosines are multiplied by."""
    chosen = selected(asked.interests, asked.vectors[asked.targets], selection=selection)
    logits = scale * (chosen @ asked.vectors.T) - asked.correction
    logits = logits.index_put((asked.touched[0], asked.touched[1]), torch.full((), -1e4, device=logits.device, dtype=logits.dtype))
    loss = functional.cross_entropy(logits, asked.targets)
    return loss + metric * likeness(asked.interests) if metric else loss


def selected(interests: Tensor, targets: Tensor, *, selection: bool) -> Tensor:
    """The selection gate: of each place the interest with the largest I_t · z_i, or without the gate the mean of all; (places, d)."""
    if not selection:
        return unit(interests.mean(dim=1))
    best = (interests @ targets.unsqueeze(2)).squeeze(2).argmax(dim=1)
    return interests[torch.arange(len(best), device=best.device), best]


def likeness(interests: Tensor) -> Tensor:
    """The mean cosine of two different interests of one place; 0 for one interest."""
    count = interests.shape[1]
    if count < 2:
        return interests.new_zeros(())
    sums = interests.sum(dim=1).square().sum(dim=1)
    return ((sums - count) / (count * (count - 1))).mean()
